"""Temporary storage of spectra before their shards are written: one file per shard.

Blocks arrive in any order and are spilled at once; each shard in turn is then taken from its file,
so that memory is bounded by one shard.
"""

import shutil
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.division import name_key
from spectranet_jax.datasets import records
from spectranet_jax.datasets.manifest import SPLITS
from spectranet_jax.datasets.records import Block

_LENGTH = struct.Struct("<Q")
_SALT = 1
"""Salt of a hash that is independent of the split and the balance."""


class Spill:
    """Spectra waiting for their shards.

    Attributes:
        folder: of the temporary files.
        shards: how many shards each of `manifest.SPLITS` has.
        seed: of the hash of a name that chooses a spectrum's shard.
    """

    def __init__(self, folder: Path, shards: Sequence[int], seed: int) -> None:
        self.folder = folder
        self.shards = shards
        self.seed = seed
        folder.mkdir()

    def add(self, block: Block, split: NDArray[np.int8]) -> None:
        """Append each spectrum to the temporary file of its shard."""
        key = name_key(block.name, self.seed, _SALT)
        for s in range(len(SPLITS)):
            number = (key % np.uint64(self.shards[s])).astype(np.int64)
            for n in np.unique(number[split == s]):
                record = records.encode(block.take((split == s) & (number == n)))
                with self._path(s, n).open("ab") as file:
                    file.write(_LENGTH.pack(len(record)) + record)

    def take(self, split: int, number: int) -> Block | None:
        """Return the spectra of a shard and remove them here; None if there are none."""
        path = self._path(split, number)
        if not path.exists():
            return None
        block = _load(path)
        path.unlink()
        return block

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)

    def _path(self, split: int, number: int) -> Path:
        return self.folder / f"{SPLITS[split]}-{number}"


def _load(path: Path) -> Block:
    """Load all spectra of a file as one block, its texts no wider than the longest of them."""
    content = memoryview(path.read_bytes())
    blocks, start = [], 0
    while start < len(content):
        (length,) = _LENGTH.unpack_from(content, start)
        start += _LENGTH.size
        blocks.append(records.decode(bytes(content[start : start + length])))
        start += length
    block = records.concatenate(blocks)
    return replace(block, name=_trim(block.name), source=_trim(block.source))


def _trim(text: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    return text.astype(f"S{max(1, int(np.strings.str_len(text).max()))}")
