"""The spectra of one split of a dataset: their columns in memory, their pixels on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets import records
from spectranet_jax.datasets.manifest import Manifest, Shard
from spectranet_jax.datasets.pixels import Indices, ReadPixels, native_columns, pixel_reader
from spectranet_jax.datasets.shards import ANEW, DamageError, LeftOut, divided, open_shards, usable
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid


@dataclass(frozen=True)
class Split:
    """The selected spectra of one split.

    Attributes:
        folder: the dataset folder.
        name: of the split.
        columns: everything of `records.Block` but flux and ivar, one row per chosen spectrum.
        block_sizes: (blocks,) chosen spectra in each record.
        pixels: indices (n,) -> flux and ivar, both float32 (n, bins).
        manifest: of the dataset.
        native: indices (n,) -> flux and ivar at native pixels, both float32 (n, pixels); None
            where the dataset has none.
        phase: (n,) of the pixels that the bins were made of, dex: see `spectra.phase`; likewise.
        left_out: damaged parts, which are not among the spectra.
    """

    folder: Path
    name: str
    columns: Columns
    block_sizes: Indices
    pixels: ReadPixels
    manifest: Manifest
    native: ReadPixels | None = None
    phase: NDArray[np.float64] | None = None
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return int(self.block_sizes.sum())

    @property
    def grid(self) -> LogGrid:
        """The bins of the pixels."""
        return self.manifest.grid

    @property
    def noiseless(self) -> bool:
        """Whether the pixels are noise-free, still to be observed."""
        return self.name in self.manifest.noiseless


def open_split(
    folder: Path,
    split: str,
    select: Callable[[Columns], NDArray[np.bool_]],
    draws_noise: bool = False,
    skip_damaged: bool = False,
) -> Split:
    """Read a split's columns once and keep the selected spectra.

    Args:
        folder: a dataset folder, as the data_prep commands write it.
        split: "train", "valid" or "test".
        select: columns -> bool (n,).
        draws_noise: whether the caller will observe spectra that are stored without noise.
        skip_damaged: leave out shards and blocks that are damaged: see `Split.left_out`.

    Raises:
        InputError: if the folder is no dataset, is damaged, is noiseless where the caller draws no
            noise, or nothing in the split is selected.
    """
    manifest = usable(folder, split, draws_noise)
    shards: Sequence[Shard] = manifest.shards[split]
    left_out: list[LeftOut] = []
    if skip_damaged:
        shards, left_out = divided(folder, shards)
    blocks = open_shards(folder, shards, manifest.grid)

    names = [name for name in records.ARRAYS if name not in ("flux", "ivar")]
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    rows: list[NDArray[np.int64]] = []
    phases: list[NDArray[np.float64]] = []
    total = 0
    for index in range(len(blocks)):
        try:
            block = blocks.read(index)
        except DamageError as error:
            if not skip_damaged:
                raise
            left_out.append(blocks.left_out(index, error))
            rows.append(np.zeros(0, np.int64))
            continue
        known = {name: getattr(block, name) for name in names}
        chosen = np.flatnonzero(select(known))
        rows.append(chosen)
        if manifest.native is not None:
            phases.append(native_columns(block, manifest.native, folder)["phase"][chosen])
        for name in names:
            columns[name].append(known[name][chosen])
        total += len(block)
    lost = sum(part.spectra for part in left_out)
    if total + lost != sum(shard.spectra for shard in manifest.shards[split]):
        raise InputError(
            f"the shards of the {split} split of {folder} hold {total} spectra, but its manifest"
            " lists another number: they do not belong together; prepare the dataset anew"
        )
    sizes = np.array([len(chosen) for chosen in rows], np.int64)
    if total == 0 and lost:
        raise InputError(f"everything in the {split} split of {folder} is damaged; {ANEW}")
    if total == 0:
        raise InputError(
            f"the {split} split of {folder} is empty; prepare the dataset anew, from more spectra"
            " or"
            " with other --split-fractions"
        )
    if sizes.sum() == 0:
        raise InputError(
            f"no spectrum in the {split} split of {folder} has a requested class; give a dataset"
            " with such spectra"
        )
    native = manifest.native
    return Split(
        folder=folder,
        name=split,
        columns={name: np.concatenate(values) for name, values in columns.items()},
        block_sizes=sizes,
        pixels=pixel_reader(blocks, rows),
        manifest=manifest,
        native=pixel_reader(blocks, rows, native) if native else None,
        phase=np.concatenate(phases) if native else None,
        left_out=tuple(left_out),
    )


def first(split: Split, count: int) -> Split:
    """First spectra of a split, or all if there are fewer; their order on disk is random."""
    before = np.cumsum(split.block_sizes) - split.block_sizes
    sizes = np.clip(count - before, 0, split.block_sizes)
    return replace(
        split,
        columns={name: values[:count] for name, values in split.columns.items()},
        block_sizes=sizes[sizes > 0],
        phase=None if split.phase is None else split.phase[:count],
    )


def check_grid(split: Split, grid: LogGrid) -> None:
    """Raise InputError unless a split is on a model's grid."""
    if split.grid != grid:
        raise InputError(
            f"{split.folder} has the grid {split.grid}, but the model has {grid};"
            " give a dataset on the model's grid"
        )
