"""From a stream of blocks to a dataset folder: ArrayRecord shards and a manifest.

Blocks arrive in any order and are spilled at once to one temporary file a shard; when the stream
ends, each shard in turn is loaded, ordered by a hash of its rows, and written. So memory is bounded
by one shard, and the bytes depend on the spectra and the seed, not on who delivered them when.
"""

import csv
import hashlib
import shutil
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep import division as splitting
from data_prep.summary import sha256_of
from spectranet_jax.datasets import manifest, records
from spectranet_jax.datasets.folder import whole_folder, writing
from spectranet_jax.datasets.manifest import SPLITS, Manifest, Shard
from spectranet_jax.datasets.records import Block
from spectranet_jax.spectra import CLASSES, InputError, LogGrid

SHARD_SIZE = 60_000
"""Spectra expected in a shard: 65k is the limit, and a hash fills shards unevenly (+- 250)."""

BALANCED_AWAY = "to balance the classes"
NOT_IN_LISTS = "in none of the split lists"

SOURCES = "sources.csv"
"""The file that lists the files that went in: a million of them would swell the manifest."""

SourceFile = tuple[str, str, int]
"""Name as given, sha256 ("" if unreadable), number of spectra."""

_LENGTH = struct.Struct("<Q")
_SHARD_SALT, _BALANCE_SALT = 1, 2  # hashes of a name that follow neither the split nor each other


def write_dataset(
    out: Path,
    blocks: Iterable[Block],
    *,
    grid: LogGrid,
    expected: int,
    seed: int,
    sources: list[dict[str, Any]],
    creator: dict[str, Any],
    source_files: Sequence[SourceFile] = (),
    report: dict[str, Any] | None = None,
    fractions: Sequence[float] = splitting.FRACTIONS,
    division: splitting.Division | None = None,
    balance: Sequence[int] = (),
    noiseless: Sequence[str] = (),
) -> Manifest:
    """Divide spectra by object into train, valid and test, and write the dataset folder.

    Equal spectra and seed give equal bytes, whatever the order and the size of the blocks. The
    folder appears under its name only when it is whole.

    Args:
        out: the folder to make; it may exist if it is empty.
        blocks: the spectra; the blocks may have any length.
        grid: the wavelength bins of the spectra.
        expected: about how many spectra will come, which decides the number of shards.
        seed: of the split, the shards and the order.
        sources: what went in; read after the last block, so that a generator may add to it.
        creator: program, version, command and settings.
        source_files: what went in, file by file, for sources.csv, of which the manifest gets the
            checksum; read after the last block.
        report: rows_in and reasons (reason -> rows left out); read after the last block too.
            rows_out is what was written.
        fractions: of train, valid and test.
        division: another one than by hash of (seed, object) into these fractions.
        balance: labels to draw equally from within each split, after the split; other labels and
            the surplus are left out and counted. Empty: everything stays.
        noiseless: splits whose flux carries no noise yet.

    Raises:
        InputError: if `out` is taken or cannot be written, the fractions are no fractions, nothing
            came, or a class to balance is empty.
    """
    division = division or splitting.by_hash(seed, fractions)
    shards = [max(1, -(-round(expected * f) // SHARD_SIZE)) for f in division.fractions]
    with whole_folder(out) as folder:
        spill = folder / "spill"
        with writing(out):
            spill.mkdir()
        seen, not_listed = _Seen([], [], []), 0
        for block in blocks:
            if block.flux.shape[1:] != (grid.size,):
                raise ValueError(f"flux {block.flux.shape} is not on a grid of {grid.size} bins")
            split = division.of(block.object_id, block.name)
            if (split == splitting.NOT_LISTED).any():
                listed = split != splitting.NOT_LISTED
                not_listed += int((~listed).sum())
                block, split = block.take(listed), split[listed]
            seen.add(split, block.label, _name_key(block, seed, _BALANCE_SALT))
            with writing(out):
                _spill(spill, block, split, shards, seed)

        account: dict[str, Any] = {"rows_in": seen.rows + not_listed, "reasons": {}} | (
            report or {}
        )
        if not_listed:
            account["reasons"] = dict(account["reasons"]) | {NOT_IN_LISTS: not_listed}
        if seen.rows == 0:
            reasons = "; ".join(f"{why}: {n}" for why, n in account["reasons"].items())
            raise InputError(
                f"no spectrum is left to write to {out} ({reasons or 'none came in'});"
                " check that spectra and catalog belong together"
            )
        cuts = seen.cuts(balance) if balance else None

        written: dict[str, list[Shard]] = {name: [] for name in SPLITS}
        counts = {name: dict.fromkeys(CLASSES, 0) for name in SPLITS}
        for s, name in enumerate(SPLITS):
            for number in range(shards[s]):
                path = spill / f"{name}-{number}"
                if not path.exists():
                    continue  # hashes leave a shard empty only where its split is all but empty
                with writing(out):
                    shard = _load(path)
                    path.unlink()
                if cuts is not None:
                    shard = shard.take(_within(shard, cuts[s], balance, seed))
                file = folder / f"{name}-{number:05d}-of-{shards[s]:05d}.array_record"
                if len(shard):
                    with writing(out):
                        written[name].append(_write_shard(file, shard, seed))
                    _count(counts[name], shard.label)

        account["rows_out"] = sum(shard.spectra for part in written.values() for shard in part)
        account["reasons"] = dict(account["reasons"])
        if cuts is not None:
            account["reasons"][BALANCED_AWAY] = seen.rows - account["rows_out"]
        if source_files:
            with writing(out):
                sources = [*sources, _write_sources(folder / SOURCES, source_files)]
        result = Manifest(
            grid=grid,
            shards=written,
            counts=counts,
            split=division.record,
            sources=sources,
            creator=creator,
            report=account,
            noiseless=list(noiseless),
        )
        with writing(out):
            shutil.rmtree(spill)
        manifest.write(folder, result)
    return result


def open_shard(path: Path) -> Any:
    """A reader of a shard's records: num_records(), read([number, ...]), close()."""
    from array_record.python.array_record_module import ArrayRecordReader

    return ArrayRecordReader(str(path))


def first_block(folder: Path, contents: Manifest) -> Block:
    """The first block of a dataset: a random draw of its spectra, to look at."""
    shards = [shard for split in SPLITS for shard in contents.shards[split]]
    reader = open_shard(folder / shards[0].file)
    block = records.decode(reader.read([0])[0])
    reader.close()
    return block


def _write_sources(path: Path, files: Sequence[SourceFile]) -> dict[str, Any]:
    """Write the list of files; what the manifest says of it."""
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("file", "sha256", "spectra"))
        table.writerows(files)
    return {"spectra": path.name, "files": len(files), "sha256": sha256_of(path)}


@dataclass(frozen=True)
class _Seen:
    """What balancing must know of every spectrum: 10 bytes of each."""

    split: list[NDArray[np.int8]]
    label: list[NDArray[np.int8]]
    key: list[NDArray[np.uint64]]

    def add(
        self, split: NDArray[np.int8], label: NDArray[np.int8], key: NDArray[np.uint64]
    ) -> None:
        self.split.append(split)
        self.label.append(label)
        self.key.append(key)

    @property
    def rows(self) -> int:
        return sum(map(len, self.split))

    def cuts(self, labels: Sequence[int]) -> NDArray[np.uint64]:
        return splitting.balance(
            np.concatenate(self.split),
            np.concatenate(self.label),
            np.concatenate(self.key),
            labels,
        )


def _name_key(block: Block, seed: int, salt: int) -> NDArray[np.uint64]:
    return splitting.mix(splitting.mix(splitting.name_hash(block.name), salt), seed)


def _spill(
    folder: Path, block: Block, split: NDArray[np.int8], shards: Sequence[int], seed: int
) -> None:
    """Append each row to the temporary file of its shard."""
    key = _name_key(block, seed, _SHARD_SALT)
    for s, name in enumerate(SPLITS):
        number = (key % np.uint64(shards[s])).astype(np.int64)
        for n in np.unique(number[split == s]):
            record = records.encode(block.take((split == s) & (number == n)))
            with (folder / f"{name}-{n}").open("ab") as file:
                file.write(_LENGTH.pack(len(record)) + record)


def _load(path: Path) -> Block:
    """All that was spilled to a file as one block, its texts no wider than the longest of them."""
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


def _within(
    block: Block, cut: NDArray[np.uint64], labels: Sequence[int], seed: int
) -> NDArray[np.bool_]:
    """Which rows stay when classes are balanced, bool (n,): see `split.balance`."""
    key = _name_key(block, seed, _BALANCE_SALT)
    kept = [
        (block.label == label) & (key <= limit) for label, limit in zip(labels, cut, strict=True)
    ]
    return np.any(kept, axis=0)


def _write_shard(path: Path, block: Block, seed: int) -> Shard:
    from array_record.python.array_record_module import ArrayRecordWriter

    order = _order(block, seed)
    starts = range(0, len(block), records.BLOCK_SIZE)
    # One block is one random access. Noise hardly shrinks (by a tenth) and takes five times as long
    # to read when compressed.
    writer = ArrayRecordWriter(str(path), "group_size:1,uncompressed")
    for start in starts:
        writer.write(records.encode(block.take(order[start : start + records.BLOCK_SIZE])))
    writer.close()
    return Shard(path.name, len(block), len(starts), sha256_of(path))


def _order(block: Block, seed: int) -> NDArray[np.int64]:
    """A random order that depends on the rows alone: rows that tie are equal in every column."""
    salt = str(seed).encode()
    columns = [getattr(block, field.name) for field in fields(Block)]
    digests = (
        hashlib.blake2b(salt + b"".join(c[row].tobytes() for c in columns), digest_size=8).digest()
        for row in range(len(block))
    )
    return np.argsort(np.frombuffer(b"".join(digests), "<u8"), kind="stable")


def _count(counts: dict[str, int], label: NDArray[np.int8]) -> None:
    for value, n in zip(*np.unique(label, return_counts=True), strict=True):
        name = CLASSES[value] if value >= 0 else "UNKNOWN"
        counts[name] = counts.get(name, 0) + int(n)
