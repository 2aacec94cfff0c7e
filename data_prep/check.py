"""Verification of a dataset folder, block by block."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data_prep.write import SOURCES, open_shard
from spectranet_jax.datasets import records
from spectranet_jax.datasets.checksums import sha256_of
from spectranet_jax.datasets.manifest import SPLITS, Manifest, Shard
from spectranet_jax.datasets.records import Block
from spectranet_jax.spectra import InputError


@dataclass(frozen=True)
class Checked:
    """A block of a shard, or None where `damage` says what is wrong."""

    split: str
    shard: Shard
    block: Block | None
    damage: str = ""


def checked_blocks(folder: Path, contents: Manifest) -> Iterator[Checked]:
    """Yield every block of a dataset in order, with its checksum verified, and what is damaged.

    A shard whose sha256 differs although its blocks are whole is damaged elsewhere, and told too.
    """
    for split in SPLITS:
        for shard in contents.shards[split]:
            yield from _of_shard(folder / shard.file, split, shard)


def source_list_damage(folder: Path, contents: Manifest) -> list[str]:
    """Return what is wrong with the list of source files, where there is one."""
    path = folder / SOURCES
    for source in contents.sources:
        if source.get("spectra") == SOURCES:
            if not path.is_file():
                return [f"{SOURCES} is missing"]
            if sha256_of(path) != source.get("sha256"):
                return [f"{SOURCES} differs from its sha256"]
    return []


def _of_shard(path: Path, split: str, shard: Shard) -> Iterator[Checked]:
    def damaged(problem: str) -> Checked:
        return Checked(split, shard, None, f"{path.name}{problem}")

    if not path.is_file():
        yield damaged(" is missing")
        return
    intact = True
    try:
        reader = open_shard(path)
        count = reader.num_records()
    except (RuntimeError, ValueError, IndexError, OSError):
        yield damaged(" cannot be opened: it is truncated, or its end is damaged")
        return
    if count != shard.blocks:
        intact = False
        yield damaged(f" holds {count} blocks where {shard.blocks} were written: it is truncated")
    for number in range(count):
        try:
            block = records.decode(reader.read([number])[0])
        except (RuntimeError, ValueError, IndexError) as error:  # InputError is a ValueError
            intact = False
            reason = "checksum differs" if isinstance(error, InputError) else "cannot be read"
            yield damaged(f", block {number} of {count}, is damaged ({reason})")
            continue
        yield Checked(split, shard, block)
    with suppress(RuntimeError):  # it reports the damaged block again
        reader.close()
    if intact and sha256_of(path) != shard.sha256:
        yield damaged(" differs from its sha256, outside its blocks")
