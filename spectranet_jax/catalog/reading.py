"""Pieces read and rebinned: what worker processes do, ahead of the network. No JAX here."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectranet_jax import readers
from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.spectra import InputError, LogGrid
from spectranet_jax.spectra.flags import Flag

Pixels = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Reading:
    """Spectra on some grids, in order; a file that cannot be read is one empty spectrum.

    Attributes:
        pixels: grid -> flux and ivar, (n, bins) float32.
        pieces: how many were read.
        file: (n,) names of files, as given.
        name: (n,) what the survey calls each spectrum.
        flags: (n,) int32, what only the files can tell.
        errors: a sentence for each file that cannot be read.
    """

    pixels: dict[LogGrid, Pixels]
    pieces: int = 0
    file: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    flags: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    errors: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.flags)

    @property
    def nbytes(self) -> int:
        """Memory of the pixels."""
        return sum(flux.nbytes + ivar.nbytes for flux, ivar in self.pixels.values())


def _empty(grids: Sequence[LogGrid], count: int) -> dict[LogGrid, Pixels]:
    nothing = {grid: np.zeros((count, grid.size), np.float32) for grid in grids}
    return {grid: (zeros, zeros) for grid, zeros in nothing.items()}


def nothing_read(grids: Sequence[LogGrid]) -> Reading:
    """The reading of no piece."""
    return Reading(_empty(grids, 0))


def read_pieces(pieces: Sequence[Piece], grids: Sequence[LogGrid]) -> Reading:
    """Read and rebin.

    Args:
        pieces: what to read.
        grids: those of the models.

    Raises:
        InputError: if a dataset is damaged, or on another grid. A survey's file that cannot be read
            is a spectrum flagged UNREADABLE.
    """
    return concatenate(
        [_read_blocks(p, grids) if p.of_shard else _read_file(p.file, grids) for p in pieces]
    )


def concatenate(readings: Sequence[Reading]) -> Reading:
    """One reading of all, of which there is one at least, in order."""
    return Reading(
        pixels={
            grid: _joined([one.pixels[grid] for one in readings]) for grid in readings[0].pixels
        },
        pieces=sum(one.pieces for one in readings),
        file=[name for one in readings for name in one.file],
        name=[name for one in readings for name in one.name],
        flags=np.concatenate([one.flags for one in readings]),
        errors=[error for one in readings for error in one.errors],
    )


def _joined(parts: Sequence[Pixels]) -> Pixels:
    flux, ivar = (np.concatenate(part) for part in zip(*parts, strict=True))
    return flux, ivar


def _read_file(file: str, grids: Sequence[LogGrid]) -> Reading:
    names: list[str] = []
    bits, parts = [], []
    try:
        for spectra, flags, on_grids in readers.rebinned(readers.stream(Path(file)), grids):
            names += [spectrum.name for spectrum in spectra]
            bits.append(flags)
            parts.append(on_grids)
    except InputError as reason:
        unreadable = np.full(1, Flag.UNREADABLE, np.int32)
        return Reading(_empty(grids, 1), 1, [file], [""], unreadable, [str(reason)])
    several = zip(grids, zip(*parts, strict=True), strict=True)
    pixels = {grid: _joined(of_grid) for grid, of_grid in several}
    return Reading(pixels, 1, [file] * len(names), names, np.concatenate(bits))


def _read_blocks(piece: Piece, grids: Sequence[LogGrid]) -> Reading:
    from spectranet_jax.datasets.shards import grid_beside, read_blocks

    grid = grid_beside(Path(piece.file))
    if any(grid != wanted for wanted in grids):
        raise InputError(
            f"{piece.file} is on the grid of {grid}, and a model on that of"
            f" {next(wanted for wanted in grids if wanted != grid)}; give spectra as the survey"
            " distributes them, or a dataset on the model's grid"
        )
    block = read_blocks(Path(piece.file), range(piece.first, piece.last))
    names = [name.decode("utf-8", "backslashreplace") for name in block.name.tolist()]
    flags = np.zeros(len(block), np.int32)
    pixels = {grid: (block.flux, block.ivar)}
    return Reading(pixels, 1, [piece.file] * len(block), names, flags)


NAMED = 20
"""Unreadable files that are named; all are flagged rows of the catalog."""


def warn(errors: Sequence[str], count: int) -> None:
    """Print sentences about files that cannot be read, `count` in all, on standard error."""
    for sentence in errors[:NAMED]:
        print(f"warning: {sentence}", file=sys.stderr)
    if count > NAMED:
        more = count - min(len(errors), NAMED)
        print(f"warning: {more} more cannot be read; FLAGS tells which", file=sys.stderr)


def none_readable(errors: Sequence[str], count: int) -> str:
    """The sentence for `count` files none of which can be read."""
    if count == 0:
        return "there is nothing to read; name spec files, or a folder of them"
    return (f"none of the {count} files can be read: " if count > 1 else "") + errors[0]
