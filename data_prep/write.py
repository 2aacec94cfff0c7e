"""From a stream of blocks to a dataset folder: ArrayRecord shards and a manifest.

Blocks arrive in any order and are spilled to disk; when the stream ends, each shard in turn is
ordered by a hash of its rows, and written. So memory is bounded by one shard, and the bytes depend
on the spectra and the seed, not on the order of arrival.
"""

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.balance import BalanceKeys, within
from data_prep.division import NOT_LISTED, Division
from data_prep.spill import Spill
from spectranet_jax.datasets import manifest, records
from spectranet_jax.datasets.checksums import sha256_of
from spectranet_jax.datasets.folder import whole_folder, writing
from spectranet_jax.datasets.manifest import SPLITS, Manifest, Shard
from spectranet_jax.datasets.records import ARRAYS, Block
from spectranet_jax.readers.file_reading import FileRead
from spectranet_jax.spectra import CLASSES, InputError, LogGrid

SHARD_SIZE = 60_000
"""Spectra expected in a shard: 65k is the limit, and a hash fills shards unevenly (+- 250). A shard
of spectra with native pixels has fewer, but as many bytes, since it must fit into memory.
"""

BALANCED_AWAY = "to balance the classes"
NOT_IN_LISTS = "in none of the split lists"

SOURCES = "sources.csv"
"""The list of source files: a million of them would be too long for the manifest."""

Shards = dict[str, list[Shard]]
Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Plan:
    """The plan of a dataset: how it is divided, balanced and stored.

    Attributes:
        grid: the wavelength bins of the spectra.
        expected: about how many spectra will come, which decides the number of shards.
        seed: of the shards and the order.
        division: of the spectra into train, valid and test.
        balance: labels to draw equally from within each split, after the split; other labels and
            the surplus are left out and counted. Empty: everything stays.
        noiseless: splits whose flux carries no noise yet.
        effects: names of `observation.EFFECTS` with which these splits are to be observed.
        instruments: names of `instruments.INSTRUMENTS` with which they are to be observed.
        native: the native pixels that spectra have beside their bins, if they do.
    """

    grid: LogGrid
    expected: int
    seed: int
    division: Division
    balance: Sequence[int] = ()
    noiseless: Sequence[str] = ()
    effects: tuple[str, ...] | None = None
    instruments: tuple[str, ...] = ()
    native: LogGrid | None = None

    @property
    def shards(self) -> list[int]:
        """Return the number of shards of each split."""
        size = self._shard_size
        return [max(1, -(-round(self.expected * f) // size)) for f in self.division.fractions]

    @property
    def _shard_size(self) -> int:
        """Return the spectra expected in a shard."""
        if self.native is None:
            return SHARD_SIZE
        binned = self.grid.bytes_per_spectrum
        return max(1, SHARD_SIZE * binned // (binned + self.native.bytes_per_spectrum))


@dataclass(frozen=True)
class Provenance:
    """Sources of a dataset's spectra; read after the last block, which may add to it.

    Attributes:
        creator: program, version, command and settings.
        sources: what went in.
        files: what went in, file by file, for sources.csv, of which the manifest gets the checksum.
        report: rows_in and reasons (reason -> rows left out); rows_out is what was written.
    """

    creator: dict[str, Any]
    sources: Sequence[dict[str, Any]] = ()
    files: Sequence[FileRead] = ()
    report: Mapping[str, Any] = field(default_factory=dict)


def write_dataset(
    out: Path, blocks: Iterable[Block], plan: Plan, provenance: Provenance
) -> Manifest:
    """Divide spectra by object into train, valid and test, and write the dataset folder.

    Equal spectra and seed give equal bytes, whatever the order and the size of the blocks. The
    folder appears under its name only when it is complete.

    Args:
        out: the folder to make; it may exist if it is empty.
        blocks: the spectra; the blocks may have any length.
        plan: how they become a dataset.
        provenance: where they come from.

    Raises:
        InputError: if `out` is taken or cannot be written, nothing came, or a class to balance is
            empty.
    """
    with whole_folder(out) as folder:
        with writing(out):
            spill = Spill(folder / "spill", plan.shards, plan.seed)
        seen, not_listed = _spilled(out, blocks, plan, spill)
        report = _report(seen.rows, not_listed, provenance.report)
        if seen.rows == 0:
            raise _nothing_to_write(out, report)
        cuts = seen.cuts(plan.balance) if plan.balance else None
        shards, counts = _write_shards(out, folder, spill, plan, cuts)
        _complete(report, seen.rows, shards, bool(plan.balance))
        sources = list(provenance.sources)
        with writing(out):
            if provenance.files:
                sources.append(_write_sources(folder / SOURCES, provenance.files))
            spill.remove()
        result = Manifest(
            grid=plan.grid,
            shards=shards,
            counts=counts,
            split=plan.division.record,
            sources=sources,
            creator=provenance.creator,
            report=report,
            noiseless=list(plan.noiseless),
            effects=plan.effects,
            instruments=plan.instruments,
            native=plan.native,
        )
        manifest.write(folder, result)
    return result


def _spilled(
    out: Path, blocks: Iterable[Block], plan: Plan, spill: Spill
) -> tuple[BalanceKeys, int]:
    """Spill all blocks; return what balancing needs, and the spectra that belong to no split."""
    seen, not_listed = BalanceKeys(plan.seed), 0
    for block in blocks:
        if block.flux.shape[1:] != (plan.grid.size,):
            raise ValueError(f"flux {block.flux.shape} is not on a grid of {plan.grid.size} bins")
        if bool(block.native) != (plan.native is not None):
            raise ValueError("blocks have native pixels exactly where the plan names their grid")
        split = plan.division.of(block.object_id, block.name)
        listed = split != NOT_LISTED
        if not listed.all():
            not_listed += int((~listed).sum())
            block, split = block.take(listed), split[listed]
        seen.add(block, split)
        with writing(out):
            spill.add(block, split)
    return seen, not_listed


def _report(rows: int, not_listed: int, reported: Mapping[str, Any]) -> dict[str, Any]:
    """Manifest's report of rows in, and of those left out before the shards are written."""
    report: dict[str, Any] = {"rows_in": rows + not_listed, "reasons": {}, **reported}
    report["reasons"] = dict(report["reasons"])
    if not_listed:
        report["reasons"][NOT_IN_LISTS] = not_listed
    return report


def _nothing_to_write(out: Path, report: Mapping[str, Any]) -> InputError:
    reasons = "; ".join(f"{why}: {rows}" for why, rows in report["reasons"].items())
    return InputError(
        f"no spectrum is left to write to {out} ({reasons or 'none came in'});"
        " check that spectra and catalog belong together"
    )


def _complete(report: dict[str, Any], rows: int, shards: Shards, balanced: bool) -> None:
    """Add the rows that were written, and those left out to balance the classes."""
    report["rows_out"] = sum(shard.spectra for split in shards.values() for shard in split)
    if balanced:
        report["reasons"][BALANCED_AWAY] = rows - report["rows_out"]


def _write_shards(
    out: Path, folder: Path, spill: Spill, plan: Plan, cuts: NDArray[np.uint64] | None
) -> tuple[Shards, Counts]:
    """Write the shards from the spill; return them, and each split's spectra by class."""
    shards: Shards = {name: [] for name in SPLITS}
    counts: Counts = {name: dict.fromkeys(CLASSES, 0) for name in SPLITS}
    for s, name in enumerate(SPLITS):
        for number in range(plan.shards[s]):
            with writing(out):
                block = spill.take(s, number)
            if block is None:
                continue  # hashes leave a shard empty only where its split is almost empty
            if cuts is not None:
                block = block.take(within(block, cuts[s], plan.balance, plan.seed))
            if len(block):
                path = folder / f"{name}-{number:05d}-of-{plan.shards[s]:05d}.array_record"
                with writing(out):
                    shards[name].append(_write_shard(path, block, plan.seed))
                _count(counts[name], block.label)
    return shards, counts


def _write_shard(path: Path, block: Block, seed: int) -> Shard:
    from array_record.python.array_record_module import ArrayRecordWriter

    order = _order(block, seed)
    starts = range(0, len(block), records.BLOCK_SIZE)
    # One block is one random access. Noise hardly shrinks (by a tenth) and takes five times as long
    # to read when compressed.
    writer = ArrayRecordWriter(str(path), "group_size:1,uncompressed")
    try:
        for start in starts:
            writer.write(records.encode(block.take(order[start : start + records.BLOCK_SIZE])))
        writer.close()
    except RuntimeError as error:  # its message for a full disk
        raise OSError(str(error).partition(";")[0]) from error
    return Shard(path.name, len(block), len(starts), sha256_of(path))


def _order(block: Block, seed: int) -> NDArray[np.int64]:
    """Return a random order that depends on the rows alone: tied rows are equal in every column."""
    salt = str(seed).encode()
    columns = [getattr(block, name) for name in ARRAYS]
    digests = (
        hashlib.blake2b(salt + b"".join(c[row].tobytes() for c in columns), digest_size=8).digest()
        for row in range(len(block))
    )
    return np.argsort(np.frombuffer(b"".join(digests), "<u8"), kind="stable")


def _count(counts: dict[str, int], label: NDArray[np.int8]) -> None:
    for value, n in zip(*np.unique(label, return_counts=True), strict=True):
        name = CLASSES[value] if value >= 0 else "UNKNOWN"
        counts[name] = counts.get(name, 0) + int(n)


def _write_sources(path: Path, files: Sequence[FileRead]) -> dict[str, Any]:
    """Write the list of files; return its entry in the manifest."""
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("file", "sha256", "spectra"))
        table.writerows((read.name, read.sha256, read.spectra) for read in files)
    return {"spectra": path.name, "files": len(files), "sha256": sha256_of(path)}


def open_shard(path: Path) -> Any:
    """Return a reader of a shard's records: num_records(), read([number, ...]), close()."""
    from array_record.python.array_record_module import ArrayRecordReader

    return ArrayRecordReader(str(path))


def first_block(folder: Path, contents: Manifest) -> Block:
    """Return the first block of a dataset: a random draw of its spectra, to look at."""
    shards = [shard for split in SPLITS for shard in contents.shards[split]]
    reader = open_shard(folder / shards[0].file)
    block = records.decode(reader.read([0])[0])
    reader.close()
    return block
