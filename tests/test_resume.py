"""A run that was killed resumes bit for bit, streamed or on the device."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from toy_training import BATCH, Splits, last_state, make_splits, run_training

from spectranet_jax.training import checkpoint, run


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    return make_splits(tmp_path_factory.mktemp("loop") / "toy")


@pytest.fixture(scope="module")
def whole(splits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_training(splits, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [1, 13, 18])
def test_a_killed_run_resumes_bit_for_bit(
    splits: Splits, whole: Path, tmp_path: Path, killed_at: int
):
    folder = tmp_path / "run"
    run_training(splits, folder, stop_after=killed_at)
    # What a killed run also leaves: rows past its last checkpoint, the last of them cut off.
    with (folder / run.METRICS).open("a") as file:
        file.write(json.dumps({"step": killed_at + 1, "loss": 99.0}) + '\n{"step": 9')
    run_training(splits, folder)
    for ours, theirs in zip(
        jax.tree.leaves(last_state(splits, folder)),
        jax.tree.leaves(last_state(splits, whole)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert (folder / run.METRICS).read_bytes() == (whole / run.METRICS).read_bytes()
    best = checkpoint.latest_step(folder, checkpoint.BEST)
    assert best == checkpoint.latest_step(whole, checkpoint.BEST)


@pytest.mark.slow
def test_a_run_killed_between_its_two_checkpoints_resumes_bit_for_bit(
    splits: Splits, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its `best` is then newer than its `last`, and steps since the last are taken again."""
    folder, save = tmp_path / "run", checkpoint.save
    end_of_epoch = len(splits[0]) // BATCH
    assert end_of_epoch % 5 != 0  # where `last` was saved before

    def killed(run: Path, kind: str, step: int, tree: object) -> None:
        if kind == checkpoint.LAST and step == end_of_epoch:
            raise KeyboardInterrupt
        save(run, kind, step, tree)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "save", killed)
        run_training(splits, folder)
    assert checkpoint.latest_step(folder, checkpoint.LAST) == end_of_epoch // 5 * 5
    assert checkpoint.latest_step(folder, checkpoint.BEST) == end_of_epoch
    run_training(splits, folder)
    assert (folder / run.METRICS).read_bytes() == (whole / run.METRICS).read_bytes()
    for ours, theirs in zip(
        jax.tree.leaves(last_state(splits, folder)),
        jax.tree.leaves(last_state(splits, whole)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_training_again_in_a_finished_folder_changes_nothing(splits: Splits, whole: Path):
    before = (whole / run.METRICS).read_bytes()
    run_training(splits, whole)
    assert (whole / run.METRICS).read_bytes() == before


@pytest.mark.long
def test_spectra_on_the_device_train_as_streamed_ones_do(splits: Splits, tmp_path: Path):
    """To what float32 keeps of 6 steps: scan and loop are compiled differently."""
    folders = [tmp_path / "streamed", tmp_path / "on-device"]
    for folder, on_device in zip(folders, (False, True), strict=True):
        run_training(splits, folder, stop_after=6, on_device=on_device)
    streamed, resident = (jax.tree.leaves(last_state(splits, folder)) for folder in folders)
    for ours, theirs in zip(resident, streamed, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=8e-4)


@pytest.mark.long
def test_a_run_on_the_device_resumes_bit_for_bit_from_where_a_scan_ended(
    splits: Splits, whole: Path, tmp_path: Path
):
    folders = [tmp_path / "whole", tmp_path / "killed"]
    run_training(splits, folders[0], on_device=True)
    for stop_after in (10, len(splits[0]) // BATCH, None):  # within an epoch, and at its end
        run_training(splits, folders[1], on_device=True, stop_after=stop_after)
    first, second = (last_state(splits, folder) for folder in folders)
    for ours, theirs in zip(jax.tree.leaves(second), jax.tree.leaves(first), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    texts = {(folder / run.METRICS).read_bytes() for folder in folders}
    assert len(texts) == 1
    # And it ends where a streamed run does.
    rows, streamed = run.read_metrics(folders[0]), run.read_metrics(whole)
    assert [row["step"] for row in rows] == [row["step"] for row in streamed]
    assert rows[-1]["valid_loss"] == pytest.approx(streamed[-1]["valid_loss"], rel=0.1)
