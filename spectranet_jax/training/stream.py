"""Spectra out of a dataset folder, streamed by grain. The only file that knows grain."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import grain
import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra import manifest as manifests
from spectranet_jax.spectra import records
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import BOSS_GRID
from spectranet_jax.spectra.manifest import Manifest, Shard
from spectranet_jax.training.order import Indices, Order

Columns = dict[str, NDArray[Any]]
Batch = dict[str, NDArray[Any]]

CACHED_BLOCKS = 64
"""Decoded blocks kept in memory: 64 of 512 spectra are 117 MB."""

ALL = slice(None)


@dataclass(frozen=True)
class Split:
    """The chosen spectra of one split: their columns in memory, their pixels on disk.

    Attributes:
        folder: the dataset folder.
        name: of the split.
        columns: everything of `records.Block` but flux and ivar, one row a chosen spectrum.
        block_sizes: (blocks,) chosen spectra in each record.
        pixels: indices (n,) -> flux and ivar, both float32 (n, bins).
        manifest: of the dataset.
    """

    folder: Path
    name: str
    columns: Columns
    block_sizes: Indices
    pixels: Callable[[Indices], tuple[NDArray[np.float32], NDArray[np.float32]]]
    manifest: Manifest

    def __len__(self) -> int:
        return int(self.block_sizes.sum())

    @property
    def noiseless(self) -> bool:
        """Whether the pixels are light, still to be observed."""
        return self.name in self.manifest.noiseless


def open_split(
    folder: Path,
    split: str,
    select: Callable[[Columns], NDArray[np.bool_]],
    draws_noise: bool = False,
) -> Split:
    """Read a split's columns once and keep those spectra that are selected.

    Args:
        folder: a dataset folder, as the data_prep commands write it.
        split: "train", "valid" or "test".
        select: columns -> bool (n,).
        draws_noise: whether the caller will observe spectra that are stored as light alone.

    Raises:
        InputError: if the folder is no dataset, is damaged, has another grid, is noiseless where
            the caller draws no noise, or nothing in the
            split is selected.
    """
    manifest = _checked(folder, split, draws_noise)
    source = _source(folder, manifest.shards[split])

    names = [f.name for f in fields(records.Block) if f.name not in ("flux", "ivar")]
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    rows: list[NDArray[np.int64]] = []
    total = 0
    for index in range(len(source)):
        block = _decode(source, index, folder)
        one = {name: getattr(block, name) for name in names}
        chosen = np.flatnonzero(select(one))
        rows.append(chosen)
        for name in names:
            columns[name].append(one[name][chosen])
        total += len(block)
    if total != sum(shard.spectra for shard in manifest.shards[split]):
        raise InputError(
            f"the shards of the {split} split of {folder} hold {total} spectra, its manifest says"
            " otherwise: they do not belong together; prepare the dataset anew"
        )
    sizes = np.array([len(chosen) for chosen in rows], np.int64)
    if total == 0:
        raise InputError(
            f"the {split} split of {folder} is empty; prepare the dataset anew, of more spectra or"
            " with other --split-fractions"
        )
    if sizes.sum() == 0:
        raise InputError(
            f"no spectrum in the {split} split of {folder} is of the class that is asked for;"
            " give a dataset that has some"
        )
    return Split(
        folder=folder,
        name=split,
        columns={name: np.concatenate(parts) for name, parts in columns.items()},
        block_sizes=sizes,
        pixels=_pixel_reader(source, rows, folder),
        manifest=manifest,
    )


def training_batches(
    split: Split,
    targets: Columns,
    order: Order,
    start: int,
    stop: int,
    rows: Indices | slice = ALL,
) -> Iterator[Batch]:
    """The batches of the steps start to stop, or some rows of them, read ahead by grain's threads.

    Yields:
        flux, ivar (batch, bins) float32 and the rows of `targets` that belong to them.
    """

    def load(step: int) -> Batch:
        indices = order.positions(int(step))[rows]
        flux, ivar = split.pixels(indices)
        return {"flux": flux, "ivar": ivar} | {k: v[indices] for k, v in targets.items()}

    steps = grain.MapDataset.range(start, stop).map(load)
    iterator = iter(steps.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=8)))
    yield from iterator


def padded_batches(
    split: Split, targets: Columns, batch: int, rows: Indices | slice = ALL
) -> Iterator[Batch]:
    """Every spectrum once, in order, or some rows of these batches.

    The last batch is filled up by repeating its first row.
    """
    starts = range(0, len(split), batch)

    def load(start: int) -> Batch:
        indices = np.arange(start, start + batch)
        indices = np.where(indices < len(split), indices, start)[rows]
        flux, ivar = split.pixels(indices)
        return {"flux": flux, "ivar": ivar} | {k: v[indices] for k, v in targets.items()}

    batches = grain.MapDataset.source(starts).map(load)
    yield from batches.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=8))


def shard_at(path: Path) -> Shard:
    """What the manifest beside a shard says of it.

    Raises:
        InputError: if there is none, it does not name the shard, or its spectra are on another
            grid, or without noise.
    """
    for split, shards in manifests.read(path.parent).shards.items():
        for shard in shards:
            if shard.file == path.name:
                _checked(path.parent, split)
                return shard
    raise InputError(
        f"{path} is not in the {manifests.FILE_NAME} beside it; give the dataset folder"
    )


def read_blocks(path: Path, numbers: range) -> records.Block:
    """Some records of a shard, as one block.

    Raises:
        InputError: as `shard_at` does, and if the shard is missing or damaged.
    """
    folder = path.parent
    source = _source(folder, [shard_at(path)])
    return records.concatenate([_decode(source, number, folder) for number in numbers])


def _checked(folder: Path, split: str, draws_noise: bool = False) -> Manifest:
    """The manifest of a dataset whose split can be used: the grid fits, noise is there or drawn."""
    manifest = manifests.read(folder)
    if manifest.grid != BOSS_GRID:
        raise InputError(
            f"{folder} is on the grid {manifest.grid} and the networks are on {BOSS_GRID};"
            " prepare the dataset anew"
        )
    if split not in manifest.shards:
        raise InputError(f"{folder} has no split {split!r}; it has {', '.join(manifest.shards)}")
    if split in manifest.noiseless and not draws_noise:
        raise InputError(
            f"the {split} split of {folder} carries no noise yet, which only training draws;"
            " name another split, or prepare a dataset without --noiseless"
        )
    return manifest


def _source(folder: Path, shards: Sequence[Shard]) -> Any:
    """Random access to the records of the shards, checked to be as many as the manifest says."""
    for shard in shards:
        if not (folder / shard.file).is_file():
            raise InputError(f"{folder / shard.file} is missing; prepare the dataset anew")
        try:
            blocks = len(grain.sources.ArrayRecordDataSource([str(folder / shard.file)]))
        except (RuntimeError, ValueError, OSError) as error:
            raise InputError(
                f"{folder / shard.file} is truncated or damaged; prepare the dataset anew"
            ) from error
        if blocks != shard.blocks:
            raise InputError(
                f"{folder / shard.file} holds {blocks} records and its manifest says"
                f" {shard.blocks}: they do not belong together; prepare the dataset anew"
            )
    paths = [str(folder / shard.file) for shard in shards]
    return grain.sources.ArrayRecordDataSource(paths) if paths else []


def _decode(source: Any, index: int, folder: Path) -> records.Block:
    try:
        block = records.decode(source[index])
    except (InputError, RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"record {index} in {folder}: {error}") from error
    if block.flux.shape != (len(block), BOSS_GRID.size):
        raise InputError(
            f"record {index} in {folder} has {block.flux.shape[-1]} bins, not {BOSS_GRID.size};"
            " prepare the dataset anew"
        )
    return block


def _pixel_reader(
    source: Any, rows: list[NDArray[np.int64]], folder: Path
) -> Callable[[Indices], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """A reader of pixels by index that keeps the blocks it used last; threads may share it."""
    first = np.concatenate([[0], np.cumsum([len(chosen) for chosen in rows])])
    cache: OrderedDict[int, records.Block] = OrderedDict()
    lock = threading.Lock()

    def block(index: int) -> records.Block:
        with lock:
            if index in cache:
                cache.move_to_end(index)
                return cache[index]
        loaded = _decode(source, index, folder)
        with lock:
            cache[index] = loaded
            while len(cache) > CACHED_BLOCKS:
                cache.popitem(last=False)
        return loaded

    def pixels(indices: Indices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        flux = np.empty((len(indices), BOSS_GRID.size), np.float32)
        ivar = np.empty_like(flux)
        owner = np.searchsorted(first, indices, side="right") - 1
        for index in np.unique(owner):
            here = owner == index
            members = rows[index][indices[here] - first[index]]
            loaded = block(int(index))
            flux[here], ivar[here] = loaded.flux[members], loaded.ivar[members]
        return flux, ivar

    return pixels
