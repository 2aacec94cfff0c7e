"""The shards of a dataset folder, with random access to their blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from array_record.python.array_record_data_source import ArrayRecordDataSource

from spectranet_jax.datasets import manifest as manifests
from spectranet_jax.datasets import records
from spectranet_jax.datasets.manifest import Manifest, Shard
from spectranet_jax.datasets.records import Block
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid

ANEW = (
    "copy the dataset again from an intact copy, or prepare it anew (training and evaluation can"
    " leave out what is damaged, with --skip-damaged)"
)
"""Remedy for damage."""


def shard_at(path: Path) -> Shard:
    """Return the entry of a shard in the manifest beside it.

    Raises:
        InputError: if there is none, it does not name the shard, or its spectra are without noise.
    """
    for split, shards in manifests.read(path.parent).shards.items():
        for shard in shards:
            if shard.file == path.name:
                usable(path.parent, split)
                return shard
    raise InputError(
        f"{path} is not in the {manifests.FILE_NAME} beside it; give the dataset folder"
    )


def grid_beside(path: Path) -> LogGrid:
    """Return the grid of a shard from the manifest beside it."""
    return manifests.read(path.parent).grid


def read_blocks(path: Path, numbers: range) -> Block:
    """Return records of a shard as one block.

    Raises:
        InputError: as `shard_at` does, and if the shard is missing or damaged.
    """
    blocks = open_shards(path.parent, [shard_at(path)], grid_beside(path))
    return records.concatenate([blocks.read(number) for number in numbers])


def usable(folder: Path, split: str, draws_noise: bool = False) -> Manifest:
    """Return the manifest of a dataset whose split can be used: with noise, or the caller draws it.

    Raises:
        InputError: if the folder is no dataset, has no such split, or one without noise.
    """
    manifest = manifests.read(folder)
    if split not in manifest.shards:
        raise InputError(f"{folder} has no split {split!r}; it has {', '.join(manifest.shards)}")
    if split in manifest.noiseless and not draws_noise:
        raise InputError(
            f"the {split} split of {folder} is noise-free, and only training draws noise; name"
            " another split, or prepare a dataset without --noiseless"
        )
    return manifest


def readable(folder: Path, shard: Shard) -> None:
    """Check that a shard can be opened, and holds as many blocks as the manifest says.

    Raises:
        DamageError: if it is missing, damaged, or another one than the manifest's.
    """
    path = folder / shard.file
    if not path.is_file():
        raise DamageError(f"{path} is missing; {ANEW}")
    try:
        blocks = len(ArrayRecordDataSource([str(path)]))
    except (RuntimeError, ValueError, IndexError, OSError) as error:
        raise DamageError(f"{path} is truncated or damaged; {ANEW}") from error
    if blocks != shard.blocks:
        raise DamageError(
            f"{path} holds {blocks} blocks, but its manifest lists {shard.blocks}: they do not"
            " belong"
            f" together; {ANEW}"
        )


class DamageError(InputError):
    """A shard or a block that differs from what was written."""


class LeftOut(NamedTuple):
    """A part of a split that is left out because it is damaged.

    Attributes:
        shard: name of the file.
        block: number of the block; None for the whole shard.
        spectra: how many are lost.
        why: a sentence that names it.
    """

    shard: str
    block: int | None
    spectra: int
    why: str


@dataclass(frozen=True)
class Blocks:
    """The blocks of some shards of a dataset on disk, numbered one after another.

    Attributes:
        folder: the dataset folder.
        shards: in order.
        grid: the bins that every block must be on.
        source: random access to their records.
    """

    folder: Path
    shards: Sequence[Shard]
    grid: LogGrid
    source: Any

    def __len__(self) -> int:
        return len(self.source)

    def place(self, index: int) -> tuple[Shard, int]:
        """Return the shard of a block, and its number within the shard."""
        for shard in self.shards:
            if index < shard.blocks:
                return shard, index
            index -= shard.blocks
        raise IndexError(index)

    def read(self, index: int) -> Block:
        """Read block `index` and verify its checksum.

        Raises:
            DamageError: if it is not what was written.
            InputError: if it is not on the grid.
        """
        try:
            block = records.decode(self.source[index])
        except (InputError, RuntimeError, ValueError, IndexError) as error:
            why = error if isinstance(error, InputError) else "it cannot be read"
            raise DamageError(f"{self._named(index)} is damaged ({why}); {ANEW}") from error
        if block.flux.shape != (len(block), self.grid.size):
            raise InputError(
                f"{self._named(index)} has {block.flux.shape[-1]} bins, not {self.grid.size};"
                " prepare the dataset anew"
            )
        return block

    def left_out(self, index: int, why: DamageError) -> LeftOut:
        """Return what is lost if a block is left out."""
        shard, number = self.place(index)
        spectra = min(records.BLOCK_SIZE, shard.spectra - number * records.BLOCK_SIZE)
        return LeftOut(shard.file, number, spectra, str(why))

    def _named(self, index: int) -> str:
        shard, number = self.place(index)
        return f"block {number} of {shard.blocks} in {self.folder / shard.file}"


def divided(folder: Path, shards: Sequence[Shard]) -> tuple[list[Shard], list[LeftOut]]:
    """Return the shards that can be opened, and those that cannot."""
    fine, left_out = [], []
    for shard in shards:
        try:
            readable(folder, shard)
            fine.append(shard)
        except DamageError as error:
            left_out.append(LeftOut(shard.file, None, shard.spectra, str(error)))
    return fine, left_out


def open_shards(folder: Path, shards: Sequence[Shard], grid: LogGrid) -> Blocks:
    """Return random access to the blocks of shards.

    Raises:
        DamageError: if a shard cannot be opened: see `readable`.
    """
    for shard in shards:
        readable(folder, shard)
    paths = [str(folder / shard.file) for shard in shards]
    return Blocks(folder, shards, grid, ArrayRecordDataSource(paths) if paths else [])
