"""A dataset folder gives what was written, in the requested order."""

import json
from pathlib import Path

import numpy as np
import pytest
import toy_survey
from hypothesis import given, settings
from hypothesis import strategies as st

from spectranet_jax.datasets.split import open_split
from spectranet_jax.spectra import InputError
from spectranet_jax.training.examples import Examples
from spectranet_jax.training.order import shuffled
from spectranet_jax.training.stream import ALL, padded_batches, training_batches


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "toy"
    toy_survey.write(path, 2000)
    return path


def quasars(truth: dict) -> np.ndarray:
    return truth["label"] >= 2


def test_pixels_and_columns_are_those_that_were_written(folder: Path):
    split = open_split(folder, "train", quasars)
    original = toy_survey.block(2000)
    rows = split.columns["object_id"]  # the toy survey numbers its objects by row
    assert (original.label[rows] >= 2).all()
    np.testing.assert_array_equal(split.columns["z"], original.z[rows])
    indices = np.random.default_rng(0).permutation(len(split))[:100]
    flux, ivar = split.pixels(indices)
    np.testing.assert_array_equal(flux, original.flux[rows[indices]])
    np.testing.assert_array_equal(ivar, original.ivar[rows[indices]])


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(data=st.data(), label=st.integers(0, 3), every=st.integers(1, 700))
def test_pixels_of_any_indices_are_those_of_their_rows(folder: Path, data, label, every):
    """In any order, some of them twice, and with blocks of which nothing is selected."""
    split = open_split(
        folder, "train", lambda t: (t["label"] >= label) & (t["object_id"] < 300 + every)
    )
    original = toy_survey.block(2000)
    rows = split.columns["object_id"]
    indices = np.array(data.draw(st.lists(st.integers(0, len(split) - 1), max_size=40)), np.int64)
    flux, ivar = split.pixels(indices)
    np.testing.assert_array_equal(flux, original.flux[rows[indices]])
    np.testing.assert_array_equal(ivar, original.ivar[rows[indices]])


def test_the_splits_together_are_the_whole_and_share_nothing(folder: Path):
    def everything(truth: dict) -> np.ndarray:
        return np.ones(len(truth["label"]), bool)

    splits = [open_split(folder, name, everything) for name in ("train", "valid", "test")]
    ids = np.concatenate([split.columns["object_id"] for split in splits])
    assert sorted(ids) == list(range(2000))


def test_training_batches_follow_the_order_from_any_step(folder: Path):
    split = open_split(folder, "train", quasars)
    order = shuffled(split.block_sizes, 32, 2, seed=5)
    examples = Examples(split, {"id": split.columns["object_id"]})
    whole = list(training_batches(examples, order, range(order.steps)))
    assert len(whole) == order.steps
    for step, batch in enumerate(whole):
        indices = order.positions(step)
        np.testing.assert_array_equal(batch["id"], split.columns["object_id"][indices])
        np.testing.assert_array_equal(batch["flux"], split.pixels(indices)[0])
    resumed = list(training_batches(examples, order, range(7, order.steps)))
    for resumed_batch, same in zip(whole[7:], resumed, strict=True):
        np.testing.assert_array_equal(resumed_batch["flux"], same["flux"])


def test_padded_batches_give_every_spectrum_once(folder: Path):
    split = open_split(folder, "test", quasars)
    batches = list(padded_batches(Examples(split, {"id": split.columns["object_id"]}), 64))
    assert {len(batch["flux"]) for batch in batches} == {64}
    ids = np.concatenate([batch["id"] for batch in batches])
    np.testing.assert_array_equal(ids[: len(split)], split.columns["object_id"])
    flux, _ = split.pixels(np.arange(len(split)))
    last = batches[-1]["flux"]
    filling = len(ids) - len(split)
    assert 0 < filling < 64
    np.testing.assert_array_equal(last[-filling:], np.tile(last[0], (filling, 1)))
    np.testing.assert_array_equal(np.concatenate([b["flux"] for b in batches])[: len(split)], flux)


def test_processes_read_their_own_rows_of_every_batch(folder: Path):
    split = open_split(folder, "train", quasars)
    order = shuffled(split.block_sizes, 32, 1, seed=5)
    examples = Examples(split, {"id": split.columns["object_id"]})
    halves = (np.arange(16), np.arange(16, 32))
    for whole, *parts in (
        [list(training_batches(examples, order, range(2, 9), rows)) for rows in (ALL, *halves)],
        [list(padded_batches(examples, 32, rows)) for rows in (ALL, *halves)],
    ):
        assert len(whole) > 1
        for batch, *parts_of_batch in zip(whole, *parts, strict=True):
            for name in batch:
                joined = np.concatenate([own_rows[name] for own_rows in parts_of_batch])
                np.testing.assert_array_equal(joined, batch[name])


def test_what_cannot_be_streamed_is_reported(folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match=rf"no spectrum .*train .*{folder.name}"):
        open_split(folder, "train", lambda truth: np.zeros(len(truth["label"]), bool))
    with pytest.raises(InputError, match=r"'tests'.* train, valid, test"):
        open_split(folder, "tests", quasars)
    with pytest.raises(InputError, match="absent"):
        open_split(tmp_path / "absent", "train", quasars)

    copy = tmp_path / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    shard = next(copy.glob("train-*"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(
        InputError, match=r"block \d+ of \d+ in .*copy/train-.*damaged.*--skip-damaged"
    ):
        open_split(copy, "train", quasars)
    shard.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=shard.name):
        open_split(copy, "train", quasars)
    toy_survey.write(tmp_path / "other", 500)
    (tmp_path / "other" / shard.name).replace(shard)
    with pytest.raises(InputError, match=rf"{shard.name} .*manifest"):
        open_split(copy, "train", quasars)
    shard.unlink()
    with pytest.raises(InputError, match=rf"{shard.name} .*missing"):
        open_split(copy, "train", quasars)

    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"noiseless": ["train"]}))
    with pytest.raises(InputError, match=r"train .*--noiseless"):
        open_split(copy, "train", quasars)
    (tmp_path / "fine").mkdir()
    for path in folder.iterdir():
        (tmp_path / "fine" / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["grid"]["size"] = 458
    (tmp_path / "fine" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"443 .*458"):
        open_split(tmp_path / "fine", "train", quasars)
