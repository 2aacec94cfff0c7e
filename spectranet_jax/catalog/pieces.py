"""The inputs of a prediction in pieces: a file each, some rows of one, or some blocks of a shard.

A list of pieces is the order of the catalog's rows. It is known before anything is read, so that it
can be divided among the jobs of a cluster, and an interrupted run knows what remains.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.manifest import Shard
from spectranet_jax.readers import hdf5, spectrum_paths
from spectranet_jax.readers.groups import groups
from spectranet_jax.readers.multimodal_universe import row_count
from spectranet_jax.spectra import InputError

SHARD_SUFFIX = ".array_record"

BLOCKS = 4
"""Blocks of a shard per piece: 2,048 spectra. A shard is read in whole blocks; at native pixels
four blocks take 80 MB.
"""

ROWS = 1024
"""Spectra of an HDF5 file per piece; such a file may have any number. With 8,000 pixels each, they
take 100 MB as stored.
"""

TOGETHER_PIECES, TOGETHER_BYTES = 64, 16 << 20
"""Limits of what a worker reads at a time: 64 spec files, or one plate."""


class Piece(NamedTuple):
    """A file by its name as given, and the range of a shard's blocks or an HDF5 file's rows."""

    file: str
    first: int = 0
    last: int = 0

    @property
    def of_shard(self) -> bool:
        return self.last > 0 and not self.file.lower().endswith(hdf5.SUFFIXES)


def pieces(arguments: Sequence[str]) -> list[Piece]:
    """Return the pieces that command-line arguments stand for, in order.

    An argument is what `readers.spectrum_paths` takes, a dataset folder, or shards of one.

    Raises:
        InputError: if an argument stands for no file, or a dataset cannot be predicted from.
    """
    return [piece for argument in arguments for piece in _pieces(argument)]


def _pieces(argument: str) -> Iterator[Piece]:
    folder = Path(argument)
    if os.path.isfile(folder / manifest.FILE_NAME):  # noqa: PTH113 (False for any odd name)
        files = [f"{argument.rstrip('/')}/{shard.file}" for shard in _observed(folder)]
    else:
        files = spectrum_paths([argument])
    for file in files:
        if file.endswith(SHARD_SUFFIX):
            from spectranet_jax.datasets.shards import shard_at

            blocks = shard_at(Path(file)).blocks
            for first in range(0, blocks, BLOCKS):
                yield Piece(file, first, min(first + BLOCKS, blocks))
        elif file.lower().endswith(hdf5.SUFFIXES):
            yield from _of_rows(file)
        else:
            yield Piece(file)


def _of_rows(file: str) -> Iterator[Piece]:
    """Yield pieces of an HDF5 file; one alone if it cannot be read, which the reader reports."""
    try:
        count = row_count(Path(file)) if Path(file).exists() else 0
    except InputError:
        count = 0
    if not count:
        yield Piece(file)
    for first in range(0, count, ROWS):
        yield Piece(file, first, min(first + ROWS, count))


def _observed(folder: Path) -> list[Shard]:
    """Return the shards of a dataset whose spectra have noise; the others are left out with a note.

    Raises:
        InputError: if there are none, or the folder is damaged.
    """
    contents = manifest.read(folder)
    for split in contents.noiseless:
        print(f"{folder}: the {split} split is noise-free; left out", file=sys.stderr)
    splits = [s for name, s in contents.shards.items() if name not in contents.noiseless]
    if not any(splits):
        raise InputError(f"every split of {folder} is noise-free; prepare it without --noiseless")
    return [shard for split in splits for shard in split]


def together(inputs: Sequence[Piece], sizes: NDArray[np.int64]) -> Iterator[tuple[Piece, ...]]:
    """Yield what a worker reads at a time: see `readers.groups`; a range of a file goes alone.

    Args:
        inputs: pieces.
        sizes: (n,) bytes of their files.
    """
    in_parts = [piece.last > 0 for piece in inputs]
    sizes = np.where(in_parts, TOGETHER_BYTES, sizes)
    return groups(inputs, sizes, TOGETHER_PIECES, TOGETHER_BYTES)


def names_sha256(inputs: Sequence[Piece]) -> str:
    """Return the identity of a list of pieces: over their names, in order."""
    digest = hashlib.sha256()
    for piece in inputs:
        digest.update(
            f"{piece.first} {piece.last} {piece.file}\0".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()
