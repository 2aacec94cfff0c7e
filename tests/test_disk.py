"""A full, read-only or lost disk gives one sentence, and the last good state is usable."""

import shutil
from pathlib import Path

import pytest
import short_plates
import toy_inputs
import toy_survey
from commands_of_their_own import finish, run, start, wait_for
from disks import change, disk, lose
from same_bytes import same_bytes

from spectranet_jax.training import checkpoint

pytestmark = pytest.mark.long

TRAIN = ["-m", "experiments.classify", "--data", "toy", "--batch", 64, "--epochs", 3, "--out"]


def refused(words: list[object], folder: Path, **environment: str) -> str:
    """Return the error of a command that must end in one sentence, with status 2."""
    process = start(words, folder, **environment)
    _, error = finish(process)
    assert process.returncode == 2, error
    assert "Traceback" not in error
    (sentence,) = (line for line in error.splitlines() if line.startswith("error: "))
    return sentence


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a dataset and an undisturbed run of it."""
    folder = tmp_path_factory.mktemp("disk")
    toy_survey.write(folder / "toy", 1200)
    run([*TRAIN, "whole"], folder)
    return folder


def metrics(folder: Path) -> bytes:
    return (folder / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("size", ["200k", "3m", "5m", "10m"])
def test_training_on_a_full_disk_resumes_when_there_is_room(home: Path, tmp_path: Path, size: str):
    with disk(tmp_path / "disk", size) as place:
        sentence = refused([*TRAIN, place / "run"], home)
        assert str(place / "run") in sentence and "No space left on device" in sentence
        change(place, "size=100m")
        run([*TRAIN, place / "run"], home)
        assert metrics(place / "run") == metrics(home / "whole")
        assert not [path for path in place.rglob(".*") if path.name.startswith((".w", ".r"))]


FULL = """
import sys
from types import SimpleNamespace
from experiments import classify
from spectranet_jax.command_line import command
from spectranet_jax.training import checkpoint
checkpoint.shutil.disk_usage = lambda _: SimpleNamespace(free=1 << 40)
sys.argv[0] = "classify"
command(classify.Config, classify.work, "Train.")
"""


def test_what_the_checkpoint_library_says_of_a_full_disk_is_one_sentence(
    home: Path, tmp_path: Path
):
    """Where free space cannot be known beforehand, as with a quota."""
    (tmp_path / "program.py").write_text(FULL)
    with disk(tmp_path / "disk", "5m") as place:
        words = [tmp_path / "program.py", *TRAIN[2:], place / "run"]
        assert "make room" in refused(words, home)
        assert checkpoint.latest_step(place / "run", checkpoint.LAST) is not None


def test_a_read_only_run_is_of_use(home: Path, tmp_path: Path):
    with disk(tmp_path / "disk", "100m") as place:
        shutil.copytree(home / "whole", place / "run")
        change(place, "ro")
        for words in ([*TRAIN, place / "run"], ["-m", "experiments.evaluate", place / "run"]):
            sentence = refused(words, home)
            assert str(place / "run") in sentence and "Read-only" in sentence
        run(["-m", "experiments.evaluate", place / "run", "--out", tmp_path / "out"], home)
        assert (tmp_path / "out" / "evaluation.json").read_text().replace(
            '"model": "run"', '"model": "whole"'
        ) == (home / "whole" / "evaluation.json").read_text()


def test_evaluation_on_a_full_disk_is_one_sentence(home: Path, tmp_path: Path):
    for size in ("4k", "40k"):  # no room for the scores, and none for the figures
        with disk(tmp_path / size, size) as place:
            words = ["-m", "experiments.evaluate", home / "whole", "--out", place / "out"]
            assert "No space left on device" in refused(words, home)


@pytest.mark.parametrize("option", ["size=64k", "ro"])
def test_no_room_for_the_cache_is_no_reason_to_stop(home: Path, tmp_path: Path, option: str):
    with disk(tmp_path / "disk", "64k") as place:
        if option == "ro":
            change(place, option)
        process = start(
            ["-m", "experiments.evaluate", home / "whole", "--out", tmp_path / "out"],
            home,
            XDG_CACHE_HOME=str(place),
        )
        _, error = finish(process)
        assert process.returncode == 0
        # matplotlib has a cache of its own; a slow start is announced on a busy machine.
        allowed = ("matplotlib", "starting", "evaluating")
        assert all(any(word in line for word in allowed) for line in error.splitlines()), error
    ours, theirs = (folder / "evaluation.json" for folder in (tmp_path / "out", home / "whole"))
    same_bytes(ours, theirs)


def test_a_mount_that_is_lost_while_training_is_not_made_anew(home: Path, tmp_path: Path):
    with disk(tmp_path / "disk", "100m") as place:
        words = [*TRAIN[:-2], 60, "--out", place / "run"]
        process = start(words, home)
        last = place / "run" / "checkpoints" / "last"
        wait_for(lambda: last.is_dir() and any(last.glob("[0-9]*")), process)
        lose(place)
        _, error = finish(process)
        assert process.returncode == 2 and "Traceback" not in error, error
        assert f"{place / 'run'}" in error and error.count("error: ") == 1
        assert list(place.iterdir()) == []


def test_prediction_on_a_full_disk_resumes_when_there_is_room(tmp_path: Path):
    toy_inputs.write(tmp_path)
    words = ["-m", "spectranet_jax.commands.main", "predict", "in", "--model", "run"]
    words += ["--no-refine", "--out"]
    run([*words, "whole.fits"], tmp_path)
    for size in ("4k", "12k", "24k"):
        with disk(tmp_path / size, size) as place:
            sentence = refused([*words, place / "c.fits"], tmp_path)
            assert str(place) in sentence and "space" in sentence  # in astropy's words or ours
            assert not (place / "c.fits").exists()
            change(place, "size=10m")
            run([*words, place / "c.fits"], tmp_path)
            same_bytes(place / "c.fits", tmp_path / "whole.fits")


def test_data_preparation_on_a_full_disk_leaves_nothing_that_looks_whole(tmp_path: Path):
    short_plates.make(tmp_path)
    words = ["-m", "data_prep.sdss", "--catalog", "catalog.fits", "--spectra", "spectra", "--out"]
    for size in ("8k", "100k", "300k", "500k"):
        with disk(tmp_path / size, size) as place:
            sentence = refused([*words, place / "d"], tmp_path)
            assert "No space left on device" in sentence and str(place) in sentence
            assert not (place / "d").exists()
            change(place, "size=20m")
            run([*words, place / "d"], tmp_path)
            run(["-m", "data_prep.describe", place / "d"], tmp_path)
    words = ["-m", "data_prep.mock", "--spectra", 4000, "--out"]
    with disk(tmp_path / "mock", "2m") as place:
        assert "No space left on device" in refused([*words, place / "d"], tmp_path)
        assert list(place.iterdir()) == []
