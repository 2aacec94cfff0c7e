"""The shards of a dataset folder, read at random: blocks by their number."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from array_record.python.array_record_data_source import ArrayRecordDataSource

from spectranet_jax.datasets import manifest as manifests
from spectranet_jax.datasets import records
from spectranet_jax.datasets.manifest import Manifest, Shard
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid


def shard_at(path: Path) -> Shard:
    """What the manifest beside a shard says of it.

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
    """The grid of a shard, as the manifest beside it tells."""
    return manifests.read(path.parent).grid


def read_blocks(path: Path, numbers: range) -> records.Block:
    """Some records of a shard, as one block.

    Raises:
        InputError: as `shard_at` does, and if the shard is missing or damaged.
    """
    folder = path.parent
    source = open_shards(folder, [shard_at(path)])
    grid = manifests.read(folder).grid
    return records.concatenate([decode(source, number, folder, grid) for number in numbers])


def usable(folder: Path, split: str, draws_noise: bool = False) -> Manifest:
    """The manifest of a dataset whose split can be used: noise is there, or the caller draws it.

    Raises:
        InputError: if the folder is no dataset, has no such split, or one without noise.
    """
    manifest = manifests.read(folder)
    if split not in manifest.shards:
        raise InputError(f"{folder} has no split {split!r}; it has {', '.join(manifest.shards)}")
    if split in manifest.noiseless and not draws_noise:
        raise InputError(
            f"the {split} split of {folder} carries no noise yet, which only training draws;"
            " name another split, or prepare a dataset without --noiseless"
        )
    return manifest


def open_shards(folder: Path, shards: Sequence[Shard]) -> Any:
    """Random access to the records of the shards, checked to be as many as the manifest says.

    Raises:
        InputError: if a shard is missing, damaged, or another one than the manifest's.
    """
    for shard in shards:
        if not (folder / shard.file).is_file():
            raise InputError(f"{folder / shard.file} is missing; prepare the dataset anew")
        try:
            blocks = len(ArrayRecordDataSource([str(folder / shard.file)]))
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
    return ArrayRecordDataSource(paths) if paths else []


def decode(source: Any, index: int, folder: Path, grid: LogGrid) -> records.Block:
    """Block `index` of a source.

    Raises:
        InputError: if it is damaged, or not on the grid.
    """
    try:
        block = records.decode(source[index])
    except (InputError, RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"record {index} in {folder}: {error}") from error
    if block.flux.shape != (len(block), grid.size):
        raise InputError(
            f"record {index} in {folder} has {block.flux.shape[-1]} bins, not {grid.size};"
            " prepare the dataset anew"
        )
    return block
