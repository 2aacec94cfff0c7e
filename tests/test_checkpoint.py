"""A checkpoint is verified: no changed, truncated or missing byte is used, but the previous one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import jax
import numpy as np
import pytest
import toy_runs
import toy_survey
from naming import naming
from toy_training import Splits, last_state, make_splits, run_training

from spectranet_jax.datasets import checksums
from spectranet_jax.inference import load, versions, weights
from spectranet_jax.spectra import InputError
from spectranet_jax.training import checkpoint, run

TREE = {"params": {"w": np.arange(6.0, dtype=np.float32)}, "batch_stats": {}}
OLD = Path(__file__).with_name("checkpoint-0.1.0.zip")
"""A run folder of the release that wrote no checksums: 7 of 15 steps, two epochs of five and an
incomplete third; answers.json holds its best checkpoint's predictions for five toy spectra.
"""


def saved(run: Path, kind: str, *steps: int) -> Path:
    """A run folder with checkpoints of these steps; in each, w begins with the step."""
    run.mkdir()
    for step in steps:
        checkpoint.save(run, kind, step, {**TREE, "params": {"w": TREE["params"]["w"] + step}})
    return run / checkpoint.FOLDER / kind


def first_number(run: Path, kind: str) -> float:
    return float(checkpoint.restore(run, kind, TREE)["params"]["w"][0])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_damage_in_any_file_is_named_and_the_checkpoint_before_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture, damage: Callable[[Path], None]
):
    folder = saved(tmp_path / "run", checkpoint.LAST, 10, 20)
    paths = files_of(folder / "20")
    assert len(paths) > 5 and checksums.FILE_NAME in {path.name for path in paths}
    for path in paths:
        content = path.read_bytes()
        damage(path)
        assert first_number(tmp_path / "run", checkpoint.LAST) == 10
        name = path.relative_to(folder / "20").as_posix()
        warning = capsys.readouterr().err
        assert f"step 20 in {tmp_path / 'run'} is damaged: {name}" in warning
        assert "using that of step 10" in warning and warning.count("\n") == 1
        assert checkpoint.latest_step(tmp_path / "run", checkpoint.LAST) == 10
        path.write_bytes(content)
    assert first_number(tmp_path / "run", checkpoint.LAST) == 20
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", [checkpoint.LAST, checkpoint.BEST])
def test_where_all_are_damaged_nothing_is_used(tmp_path: Path, kind: str):
    folder = saved(tmp_path / "run", kind, 10, 20)
    for path in folder.glob("*/state/d/*"):
        flip(path)
    remedy = "remove" if kind == checkpoint.LAST else "checkpoints/last"
    words = naming("step 20", "state/d", "differs from its sha256", tmp_path / "run", remedy)
    with pytest.raises(InputError, match=words):
        checkpoint.restore(tmp_path / "run", kind, TREE)
    with pytest.raises(InputError, match=words):
        checkpoint.latest_step(tmp_path / "run", kind)


@pytest.mark.slow
def test_so_many_are_kept(tmp_path: Path):
    last = saved(tmp_path / "run", checkpoint.LAST, 10, 20, 30, 40)
    best = saved(tmp_path / "other", checkpoint.BEST, 10, 20, 30, 40)
    assert sorted(path.name for path in last.iterdir()) == ["30", "40"]
    assert sorted(path.name for path in best.iterdir()) == ["40"]


def test_a_damaged_one_is_written_anew_and_a_whole_one_is_not(tmp_path: Path):
    folder = saved(tmp_path / "run", checkpoint.LAST, 10, 20)
    before = {path: path.read_bytes() for path in files_of(folder)}
    checkpoint.save(tmp_path / "run", checkpoint.LAST, 20, TREE)
    assert {path: path.read_bytes() for path in files_of(folder)} == before
    flip(next((folder / "20" / "state" / "d").iterdir()))
    checkpoint.save(tmp_path / "run", checkpoint.LAST, 20, TREE)
    assert first_number(tmp_path / "run", checkpoint.LAST) == 0


def test_what_a_kill_leaves_is_not_taken_for_a_checkpoint(tmp_path: Path):
    folder = saved(tmp_path / "run", checkpoint.LAST, 10)
    for name in (".writing-20", ".removing-5"):
        shutil.copytree(folder / "10", folder / name)
        flip(folder / name / checksums.FILE_NAME)
    assert first_number(tmp_path / "run", checkpoint.LAST) == 10
    checkpoint.save(tmp_path / "run", checkpoint.LAST, 20, TREE)
    assert sorted(path.name for path in folder.iterdir()) == ["10", "20"]


def test_a_run_folder_that_is_gone_is_not_made_anew(tmp_path: Path):
    with pytest.raises(InputError, match=naming("step 3", tmp_path / "mount" / "run")):
        checkpoint.save(tmp_path / "mount" / "run", checkpoint.LAST, 3, TREE)
    assert not (tmp_path / "mount").exists()


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    return make_splits(tmp_path_factory.mktemp("loop") / "toy")


@pytest.mark.long
def test_a_run_whose_last_checkpoint_is_damaged_ends_as_if_it_were_not(
    splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture
):
    run_training(splits, tmp_path / "whole")
    run_training(splits, tmp_path / "run", stop_after=25)
    folder = tmp_path / "run" / checkpoint.FOLDER / checkpoint.LAST
    assert len(list(folder.iterdir())) == 2
    newest = max(folder.iterdir(), key=lambda path: int(path.name))
    flip(next((newest / "state" / "d").iterdir()))
    run_training(splits, tmp_path / "run")
    assert "is damaged: state/d/" in capsys.readouterr().err
    metrics = [(tmp_path / name / run.METRICS).read_bytes() for name in ("run", "whole")]
    assert metrics[0] == metrics[1]
    states = [jax.tree.leaves(last_state(splits, tmp_path / name)) for name in ("run", "whole")]
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_the_last_checkpoint_is_a_model_too(splits: Splits, tmp_path: Path):
    """As recommended where the best one is damaged."""
    run_training(splits, tmp_path / "run", stop_after=3)
    state = last_state(splits, tmp_path / "run")
    toy_runs.untrained(tmp_path / "config")
    shutil.copy(tmp_path / "config" / run.CONFIG, tmp_path / "run")
    model = load(tmp_path / "run" / checkpoint.FOLDER / checkpoint.LAST)
    assert model.name == checkpoint.LAST
    assert model.sha256 == weights.sha256(jax.device_get(state.variables))
    with pytest.raises(InputError, match=naming("best checkpoint", tmp_path / "run")):
        load(tmp_path / "run")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with ZipFile(OLD) as archive:
        archive.extractall(tmp_path / "old")
    return tmp_path / "old"


@pytest.mark.slow
def test_a_checkpoint_of_the_release_before_is_read_with_a_warning(
    old: Path, capsys: pytest.CaptureFixture
):
    model = load(old)
    warning = capsys.readouterr().err
    assert f"the best checkpoint in {old}" in warning and checksums.FILE_NAME in warning
    block = toy_survey.block(5, 1)
    table = model.predict(block.flux, block.ivar)
    for name, expected in json.loads((old / "answers.json").read_text()).items():
        np.testing.assert_allclose(table[name], expected, atol=1e-5)
    assert load(old / checkpoint.FOLDER / checkpoint.LAST).sha256 != model.sha256
    assert checkpoint.latest_step(old, checkpoint.LAST) == 7


def test_a_damaged_checkpoint_of_the_release_before_is_refused_where_that_is_seen(old: Path):
    for path in (old / checkpoint.FOLDER / checkpoint.BEST / "5" / "default" / "d").iterdir():
        cut(path)
    with pytest.raises(InputError, match=naming("best checkpoint", "step 5", old, "damaged")):
        load(old)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_shipped_weights_and_vectors_are_verified(tmp_path: Path, damage: Callable[[Path], None]):
    from spectranet_jax.inference import basis

    for name in ("linenet", "classifier"):
        for file in (weights.FILE_NAME, run.CONFIG):
            folder = tmp_path / f"{name}-{file}"
            shutil.copytree(versions.shipped()[name], folder)
            damage(folder / file)
            with pytest.raises(InputError, match=naming(file)):
                load(folder)
    for kind in basis.FOLDERS.values():
        folder = tmp_path / kind
        shutil.copytree(versions.shipped()["linenet"].parent / kind, folder)
        damage(folder / basis.FILE_NAME)
        with pytest.raises(InputError, match=naming(basis.FILE_NAME, "install")):
            basis.load(folder / basis.FILE_NAME)


def test_all_that_is_shipped_has_sums():
    folders = [*versions.shipped().values(), *versions.shipped()["linenet"].parent.glob("basis-*")]
    assert len({*folders}) >= 4
    assert {folder.name: checksums.damage(folder) for folder in folders} == {
        folder.name: "" for folder in folders
    }
