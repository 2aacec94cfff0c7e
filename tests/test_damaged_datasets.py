"""A damaged block is found when it is read, named, and left out only if requested."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_survey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naming import naming
from toy_training import TASK, run_training

from experiments import classify
from spectranet_jax.command_line import command
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.split import Split, open_split
from spectranet_jax.spectra import InputError

COUNT = 2000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "toy"
    toy_survey.write(folder, COUNT)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "toy"))


def shard(folder: Path, split: str) -> Path:
    (path,) = folder.glob(f"{split}-*.array_record")
    return path


def spoil(folder: Path, split: str, block: int) -> Path:
    """Flip a bit in a spectrum of a block, which is found by its name."""
    path = shard(folder, split)
    content = bytearray(path.read_bytes())
    names = open_split(folder, split, TASK.select).columns["name"]
    at = content.index(bytes(names[512 * block + 3]).ljust(names.dtype.itemsize, b"\0"))
    content[at] ^= 4
    path.write_bytes(content)
    return path


def read_all(folder: Path, skip: bool = False) -> tuple[Split, list[Any]]:
    """A split, and all that can be read of it."""
    split = open_split(folder, "train", lambda known: known["label"] >= -1, skip_damaged=skip)
    return split, [*split.columns.values(), *split.pixels(np.arange(len(split)))]


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_is_in_none_of_the_data(
    whole: Path, tmp_path: Path, place: int, bit: int
):
    """Between its records a shard has bytes that are never read."""
    if not (tmp_path / "toy").exists():
        shutil.copytree(whole, tmp_path / "toy")
    path = shard(tmp_path / "toy", "train")
    content = bytearray(shard(whole, "train").read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        _, names = read_all(tmp_path / "toy")
    except InputError as error:
        assert (
            str(path) in str(error) and "damaged" in str(error) and "--skip-damaged" in str(error)
        )
        return
    for ours, theirs in zip(names, read_all(whole)[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_damaged_block_is_named_and_can_be_left_out(whole: Path, copy: Path):
    path = spoil(copy, "train", block=1)
    with pytest.raises(InputError, match=naming("block 1 of 3 in", path, "--skip-damaged")):
        read_all(copy)
    split, names = read_all(copy, skip=True)
    ((file, block, spectra, why),) = split.left_out
    assert (file, block, spectra) == (path.name, 1, 512) and str(path) in why
    kept = np.r_[0:512, 1024 : len(read_all(whole)[0])]
    for ours, theirs in zip(names, read_all(whole)[1], strict=True):
        np.testing.assert_array_equal(ours, theirs[kept])


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_shard_is_left_out_whole(copy: Path, damage: str):
    path = shard(copy, "train")
    (stored,) = manifest.read(copy).shards["train"]
    # A second shard, so that something is left.
    second = path.with_name("train-second.array_record")
    shutil.copy(path, second)
    content = json.loads((copy / manifest.FILE_NAME).read_text())
    content["shards"]["train"].append(content["shards"]["train"][0] | {"file": second.name})
    (copy / manifest.FILE_NAME).write_text(json.dumps(content))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    else:
        path.unlink()
    with pytest.raises(InputError, match=naming(path, "--skip-damaged")):
        read_all(copy)
    split, _ = read_all(copy, skip=True)
    assert len(split) == stored.spectra
    assert [part[:3] for part in split.left_out] == [(path.name, None, stored.spectra)]
    second.unlink()
    with pytest.raises(InputError, match=naming("train", "damaged", copy)):
        read_all(copy, skip=True)


@pytest.mark.slow
def test_damage_that_comes_while_training_stops_it(copy: Path, tmp_path: Path):
    splits = tuple(open_split(copy, name, TASK.select) for name in ("train", "valid"))
    path = spoil(copy, "train", block=2)
    with pytest.raises(InputError, match=naming("block 2 of 3 in", path)):
        run_training(splits, tmp_path / "run")  # type: ignore[arg-type]


@pytest.mark.slow
def test_training_stops_unless_it_is_reported_to_leave_the_block_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    toy = tmp_path / "toy"
    shards = toy_survey.write(toy, 4000).shards
    paths = {split: spoil(toy, split, block=0) for split in ("train", "test")}
    flags = ["--data", str(toy), "--out", str(tmp_path / "run"), "--batch", "64", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["classify", *flags])
    with pytest.raises(SystemExit) as stop:
        command(classify.Config, classify.work, "Train.")
    assert stop.value.code == 2
    assert f"in {paths['train']} is damaged" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["classify", *flags, "--skip-damaged"])
    command(classify.Config, classify.work, "Train.")
    warnings = capsys.readouterr().err
    for split, path in paths.items():
        assert f"512 spectra of the {split} split are left out" in warnings
        assert f"block 0 of {shards[split][0].blocks} in {path}" in warnings
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    places = [f"{paths['train'].name}, block 0"]
    assert config["data"]["left_out"] == {"spectra": 512, "places": places}
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())["test"]
    assert evaluation["data"]["left_out"]["places"] == [f"{paths['test'].name}, block 0"]
