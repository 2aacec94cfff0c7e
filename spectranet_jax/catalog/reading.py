"""Reading and rebinning of pieces, by worker processes ahead of the network. No JAX here."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.inference.columns import known_columns
from spectranet_jax.readers.file_reading import FileRead, Reading, blank, concatenate, read_file
from spectranet_jax.readers.native_reading import native_of_block
from spectranet_jax.spectra import InputError, LogGrid
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity_columns import identity_columns


def read_pieces(
    pieces: Sequence[Piece], grids: Sequence[LogGrid], native_pixels: bool = False
) -> Reading:
    """Read and rebin pieces.

    Args:
        pieces: what to read, one at least; `files` has one entry per piece.
        grids: those of the models.
        native_pixels: whether to keep native pixels beside their phase; blank if a dataset was
            prepared without them.

    Raises:
        InputError: if a dataset is damaged, or on another grid. A survey's file that cannot be read
            is a spectrum flagged UNREADABLE.
    """
    return concatenate(
        [
            _read_blocks(piece, grids, native_pixels)
            if piece.of_shard
            else _read_file(piece, grids, native_pixels)
            for piece in pieces
        ]
    )


def lost(pieces: Sequence[Piece], grids: Sequence[LogGrid], native_pixels: bool) -> Reading:
    """Return the row of a survey's file that twice killed the process reading it.

    Raises:
        InputError: if the piece is of a dataset, of which nothing is left out.
    """
    (piece,) = pieces
    error = (
        f"{piece.file} killed the process that read it, twice; check its size, and the free memory"
    )
    if piece.of_shard:
        raise InputError(error)
    return _unreadable([FileRead(piece.file, 0, error)], grids, native_pixels)


def _read_file(piece: Piece, grids: Sequence[LogGrid], native_pixels: bool) -> Reading:
    rows = range(piece.first, piece.last) if piece.last else None
    reading = read_file(piece.file, grids, identity_columns, native_pixels, rows)
    return _unreadable(reading.files, grids, native_pixels) if reading.errors else reading


def _unreadable(files: list[FileRead], grids: Sequence[LogGrid], native_pixels: bool) -> Reading:
    row = blank(files, 1, grids, identity_columns([{}]), native_pixels)
    return replace(row, flags=np.full(1, Flag.UNREADABLE, np.int32))


def _read_blocks(piece: Piece, grids: Sequence[LogGrid], native_pixels: bool) -> Reading:
    from spectranet_jax.datasets.shards import grid_beside, read_blocks

    grid = grid_beside(Path(piece.file))
    if any(grid != wanted for wanted in grids):
        raise InputError(
            f"{piece.file} has the grid {grid}, but a model has"
            f" {next(wanted for wanted in grids if wanted != grid)}; give spectra as the survey"
            " distributes them, or a dataset on the model's grid"
        )
    block = read_blocks(Path(piece.file), range(piece.first, piece.last))
    names = [name.decode("utf-8", "backslashreplace") for name in block.name.tolist()]
    zeros = np.zeros(len(block), np.int32)
    pixels = {grid: (block.flux, block.ivar)}
    # An older dataset has fewer of these columns.
    identity = identity_columns([{}] * len(block)) | dict(block.identity)
    files = [FileRead(piece.file, len(block))]
    native = native_of_block(block.native, grid, len(block), native_pixels)
    return Reading(files, zeros, np.array(names), zeros, pixels, identity, native)


def known(reading: Reading) -> dict[str, NDArray[Any]]:
    """Return the columns of a catalog that are known from files, before any prediction."""
    errors = [reading.files[index].error for index in reading.file_index]
    return known_columns(reading.file, reading.name.tolist(), errors, reading.columns)


NAMED = 20
"""Unreadable files named in warnings; all are flagged rows of the catalog."""


def warn(errors: Sequence[str], count: int) -> None:
    """Print warnings about files that cannot be read, `count` in all, on standard error."""
    for sentence in errors[:NAMED]:
        print(f"warning: {sentence}", file=sys.stderr)
    if count > NAMED:
        more = count - min(len(errors), NAMED)
        print(f"warning: {more} more files cannot be read; see FLAGS", file=sys.stderr)


def none_readable(errors: Sequence[str], count: int) -> str:
    """Return the error for `count` files none of which can be read."""
    if count == 0:
        return "there is nothing to read; name spec files, or a folder of them"
    return (f"none of the {count} files can be read: " if count > 1 else "") + errors[0]
