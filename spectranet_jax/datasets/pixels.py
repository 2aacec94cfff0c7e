"""Pixels of spectra by their number, out of blocks on disk of which the last ones are kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.datasets.shards import decode
from spectranet_jax.spectra.grid import LogGrid

CACHE = 120 << 20
"""Bytes of decoded blocks kept in memory: 64 blocks of 512 spectra in 443 bins."""

Indices = NDArray[np.int64]

Pixels = Callable[[Indices], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Numbers of spectra (n,) -> their flux and ivar, both (n, bins)."""


def pixel_reader(source: Any, rows: Sequence[Indices], folder: Path, grid: LogGrid) -> Pixels:
    """A reader of the pixels of chosen spectra; threads may share it.

    Args:
        source: records, as `shards.open_shards` opens them.
        rows: of each record, which of its spectra are chosen; these are numbered one after another.
        folder: of the dataset, for errors.
        grid: the bins.
    """
    block = _block_reader(source, folder, grid)
    first = np.concatenate([[0], np.cumsum([len(chosen) for chosen in rows])])

    def pixels(indices: Indices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        flux = np.empty((len(indices), grid.size), np.float32)
        ivar = np.empty_like(flux)
        owner = np.searchsorted(first, indices, side="right") - 1
        for index in np.unique(owner):
            here = owner == index
            members = rows[index][indices[here] - first[index]]
            loaded = block(int(index))
            flux[here], ivar[here] = loaded.flux[members], loaded.ivar[members]
        return flux, ivar

    return pixels


def _block_reader(source: Any, folder: Path, grid: LogGrid) -> Callable[[int], Block]:
    """A reader of blocks by number that keeps those it used last."""
    kept = max(1, CACHE // (BLOCK_SIZE * grid.bytes_a_spectrum))
    cache: OrderedDict[int, Block] = OrderedDict()
    lock = threading.Lock()

    def block(index: int) -> Block:
        with lock:
            if index in cache:
                cache.move_to_end(index)
                return cache[index]
        loaded = decode(source, index, folder, grid)
        with lock:
            cache[index] = loaded
            while len(cache) > kept:
                cache.popitem(last=False)
        return loaded

    return block
