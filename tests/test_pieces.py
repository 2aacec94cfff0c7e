"""The inputs of a prediction in pieces: their order, their groups, and inputs without any."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_inputs
import toy_survey
from naming import naming

from spectranet_jax.catalog import pieces as pieces_module
from spectranet_jax.catalog.pieces import Piece, names_sha256, pieces, together
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.datasets import manifest, shards
from spectranet_jax.datasets.records import Block
from spectranet_jax.datasets.shards import read_blocks
from spectranet_jax.readers.groups import sizes_and_times
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.identity_columns import IDENTITY_COLUMNS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_inputs.write(tmp_path_factory.mktemp("inputs"))


@pytest.mark.slow
def test_pieces_of_a_dataset_are_its_blocks_in_order(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(pieces_module, "BLOCKS", 2)
    mixed = pieces(["in/spec-0003.fits", "data", "in/spec-0001.fits", "data/test-*"])
    train = "data/train-00000-of-00001.array_record"
    assert mixed[0] == Piece("in/spec-0003.fits") and mixed[1:3] == [
        Piece(train, 0, 2),
        Piece(train, 2, 4),
    ]
    of_test = [piece for piece in mixed if "/test-" in piece.file]
    assert len(of_test) % 2 == 0 and of_test[: len(of_test) // 2] * 2 == of_test
    assert mixed.index(Piece("in/spec-0001.fits")) == len(mixed) - len(of_test) // 2 - 1


def test_a_dataset_of_fewer_columns_is_read_beside_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pieces_module, "BLOCKS", 2)
    inputs = pieces([str(folder / "data")])[:2]
    identity = iter([{"RA": 1.5}, {}])  # datasets of an earlier version, and of mocks

    def of_earlier(*arguments: Any) -> Block:
        block = read_blocks(*arguments)
        columns = {name: np.full(len(block), ra) for name, ra in next(identity).items()}
        return replace(block, identity=columns)

    monkeypatch.setattr(shards, "read_blocks", of_earlier)
    columns = read_pieces(inputs, [QUASARNET_GRID]).columns
    assert columns.keys() == IDENTITY_COLUMNS.keys()
    assert columns["RA"][0] == 1.5 and np.isnan(columns["RA"][-1])
    assert (columns["OBJTYPE"] == "").all()


def test_a_dataset_that_cannot_be_predicted_from_is_reported(tmp_path: Path):
    toy_survey.write(tmp_path / "data", 500)
    shard = next((tmp_path / "data").glob("test-*"))
    (tmp_path / shard.name).write_bytes(shard.read_bytes())
    with pytest.raises(InputError, match=r"manifest\.json.*; prepare"):
        pieces([str(tmp_path / shard.name)])
    shard.with_name("more.array_record").write_bytes(shard.read_bytes())
    with pytest.raises(InputError, match=naming("more.array_record", "manifest.json")):
        pieces([str(tmp_path / "data" / "more.array_record")])
    path = tmp_path / "data" / manifest.FILE_NAME
    path.write_text(path.read_text().replace('"noiseless": []', '"noiseless": ["test"]'))
    assert pieces([str(tmp_path / "data" / "valid-*")])
    left = pieces([str(tmp_path / "data")])
    assert left and not any(Path(piece.file).name.startswith("test-") for piece in left)
    with pytest.raises(InputError, match=r"test split .*--noiseless"):
        pieces([str(tmp_path / "data" / "test-*")])
    every = '"noiseless": ["train", "valid", "test"]'
    path.write_text(path.read_text().replace('"noiseless": ["test"]', every))
    with pytest.raises(InputError, match=r"data .*--noiseless"):
        pieces([str(tmp_path / "data")])


def test_groups_are_bounded_in_number_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pieces_module, "TOGETHER_PIECES", 3)
    monkeypatch.setattr(pieces_module, "TOGETHER_BYTES", 100)
    inputs = [Piece(f"{tmp_path}/{size}") for size in (10, 20, 30, 1, 120, 50, 51, 7)]
    for piece in inputs:
        Path(piece.file).write_bytes(bytes(int(Path(piece.file).name)))
    inputs += [Piece("shard", 0, 8), Piece("shard", 8, 9), Piece("gone")]
    states = sizes_and_times([piece.file for piece in inputs])
    assert states[:8, 0].tolist() == [10, 20, 30, 1, 120, 50, 51, 7]
    assert (states[:8, 1] > 0).all() and (states[8:] == 0).all()
    groups = list(together(inputs, states[:, 0]))
    assert [len(group) for group in groups] == [3, 2, 2, 2, 1, 1]
    assert [piece for group in groups for piece in group] == inputs


def test_a_list_of_pieces_is_known_by_names_and_order():
    first, second = Piece("a"), Piece("b", 0, 8)
    lists = [
        [],
        [first],
        [second],
        [first, second],
        [second, first],
        [first, Piece("b", 0, 7)],
        [Piece("ab", 0, 8)],
    ]
    assert len({names_sha256(inputs) for inputs in lists}) == len(lists)
    assert names_sha256([Piece("a"), Piece("b", 0, 8)]) == names_sha256([first, second])
