"""Pixels of spectra by their index, from blocks on disk with a cache of recent blocks."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.datasets.shards import Blocks
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid

CACHE = 120 << 20
"""Bytes of decoded blocks kept in memory: 64 blocks of 512 spectra in 443 bins, 6 of those at
native pixels."""

Indices = NDArray[np.int64]

ReadPixels = Callable[[Indices], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Indices of spectra (n,) -> their flux and ivar, both (n, bins)."""


Images = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Flux and ivar of n spectra, both (n, bins)."""


def pixel_reader(
    blocks: Blocks,
    rows: Sequence[Indices],
    native: LogGrid | None = None,
) -> ReadPixels:
    """Return a reader of the pixels of chosen spectra; threads may share it.

    Args:
        blocks: of the dataset.
        rows: of each block, which of its spectra are chosen; these are numbered one after another.
        native: the native pixels, to read these and not the bins.
    """
    block = _block_reader(blocks, native)
    size = (native or blocks.grid).size
    first = np.concatenate([[0], np.cumsum([len(chosen) for chosen in rows])])

    def pixels(indices: Indices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        flux = np.empty((len(indices), size), np.float32)
        ivar = np.empty_like(flux)
        owner = np.searchsorted(first, indices, side="right") - 1
        for index in np.unique(owner):
            in_block = owner == index
            members = rows[index][indices[in_block] - first[index]]
            flux[in_block], ivar[in_block] = (image[members] for image in block(int(index)))
        return flux, ivar

    return pixels


def _block_reader(blocks: Blocks, native: LogGrid | None) -> Callable[[int], Images]:
    """Return a reader of blocks by number that caches the most recent ones."""
    capacity = max(1, CACHE // (BLOCK_SIZE * (native or blocks.grid).bytes_per_spectrum))
    cache: OrderedDict[int, Images] = OrderedDict()
    lock = threading.Lock()

    def block(index: int) -> Images:
        with lock:
            if index in cache:
                cache.move_to_end(index)
                return cache[index]
        loaded = _images(blocks.read(index), blocks.folder, native)
        with lock:
            cache[index] = loaded
            while len(cache) > capacity:
                cache.popitem(last=False)
        return loaded

    return block


def native_columns(block: Block, native: LogGrid, folder: Path) -> Columns:
    """Return the native pixels of a block of a dataset that has them: see `Block.native`.

    Raises:
        InputError: if they are not on the grid that the manifest names.
    """
    columns = block.native
    if columns.keys() < {"flux", "ivar", "phase"} or columns["flux"].shape[1] != native.size:
        raise InputError(
            f"{folder} has a block without the native pixels that its manifest names; prepare the"
            " dataset anew"
        )
    return columns


def _images(block: Block, folder: Path, native: LogGrid | None) -> Images:
    """Return the pixels to cache of a block, copied if they are a small part of its bytes."""
    if native is not None:
        columns = native_columns(block, native, folder)
        return columns["flux"], columns["ivar"]
    return (block.flux.copy(), block.ivar.copy()) if block.native else (block.flux, block.ivar)
