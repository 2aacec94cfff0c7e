"""Pieces read and rebinned: what worker processes do, ahead of the network. No JAX here."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep import readers
from experiments.pieces import Piece
from spectranet_jax.spectra import BOSS_GRID, InputError
from spectranet_jax.spectra.flags import Flag


@dataclass(frozen=True)
class Reading:
    """Spectra on the grid, in order; a file that cannot be read is one empty spectrum.

    Attributes:
        pieces: how many were read.
        file: (n,) names of files, as given.
        name: (n,) what the survey calls each spectrum.
        flags: (n,) int32, what only the files can tell.
        flux, ivar: (n, 443) float32.
        errors: a sentence for each file that cannot be read.
    """

    pieces: int = 0
    file: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    flags: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    flux: NDArray[np.float32] = field(default_factory=lambda: _pixels(0))
    ivar: NDArray[np.float32] = field(default_factory=lambda: _pixels(0))
    errors: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.flags)


def _pixels(count: int) -> NDArray[np.float32]:
    return np.zeros((count, BOSS_GRID.size), np.float32)


def read_pieces(pieces: Sequence[Piece]) -> Reading:
    """Read and rebin.

    Raises:
        InputError: if a dataset is damaged. A survey's file that cannot be read is a spectrum
            flagged UNREADABLE.
    """
    return concatenate([_read_blocks(p) if p.of_shard else _read_file(p.file) for p in pieces])


def concatenate(readings: Sequence[Reading]) -> Reading:
    """One reading of all, in order."""
    if not readings:
        return Reading()
    return Reading(
        pieces=sum(one.pieces for one in readings),
        file=[name for one in readings for name in one.file],
        name=[name for one in readings for name in one.name],
        flags=np.concatenate([one.flags for one in readings]),
        flux=np.concatenate([one.flux for one in readings]),
        ivar=np.concatenate([one.ivar for one in readings]),
        errors=[error for one in readings for error in one.errors],
    )


def _read_file(file: str) -> Reading:
    names: list[str] = []
    parts = []
    try:
        for spectra, *numbers in readers.rebinned(readers.stream(Path(file))):
            names += [spectrum.name for spectrum in spectra]
            parts.append(numbers)
    except InputError as reason:
        unreadable = np.full(1, Flag.UNREADABLE, np.int32)
        return Reading(1, [file], [""], unreadable, _pixels(1), _pixels(1), [str(reason)])
    flags, flux, ivar = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Reading(1, [file] * len(names), names, flags, flux, ivar)


def _read_blocks(piece: Piece) -> Reading:
    from spectranet_jax.training.stream import read_blocks

    block = read_blocks(Path(piece.file), range(piece.first, piece.last))
    names = [name.decode("utf-8", "backslashreplace") for name in block.name.tolist()]
    flags = np.zeros(len(block), np.int32)
    return Reading(1, [piece.file] * len(block), names, flags, block.flux, block.ivar)


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
