"""From a stream of blocks to a dataset folder: ArrayRecord shards and a manifest.

Blocks arrive in any order and are spilled at once to one temporary file a shard; when the stream
ends, each shard in turn is loaded, ordered by a hash of its rows, and written. So memory is bounded
by one shard, and the bytes depend on the spectra and the seed, not on who delivered them when.
"""

import hashlib
import os
import shutil
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep import split as splitting
from spectranet_jax.spectra import BOSS_GRID, CLASSES, InputError, LogGrid, manifest, records
from spectranet_jax.spectra.manifest import SPLITS, Manifest, Shard
from spectranet_jax.spectra.records import Block

SHARD_SIZE = 60_000
"""Spectra expected in a shard: 65k is the limit, and a hash fills shards unevenly (+- 250)."""

BALANCED_AWAY = "left out to balance the classes"

_LENGTH = struct.Struct("<Q")
_SHARD_SEED, _BALANCE_SEED = 1, 2  # hashes that must not follow the one of the split


def write_dataset(
    out: Path,
    blocks: Iterable[Block],
    *,
    expected: int,
    seed: int,
    sources: list[dict[str, Any]],
    creator: dict[str, Any],
    report: dict[str, Any] | None = None,
    fractions: Sequence[float] = splitting.FRACTIONS,
    balance: Sequence[int] = (),
    noiseless: Sequence[str] = (),
    grid: LogGrid = BOSS_GRID,
) -> Manifest:
    """Divide spectra by object into train, valid and test, and write the dataset folder.

    Equal spectra and seed give equal bytes, whatever the order and the size of the blocks. The
    folder appears under its name only when it is whole.

    Args:
        out: the folder to make; it may exist if it is empty.
        blocks: the spectra; the blocks may have any length.
        expected: about how many spectra will come, which decides the number of shards.
        seed: of the split, the shards and the order.
        sources: what went in; read after the last block, so that a generator may add to it.
        creator: program, version, command and settings.
        report: rows_in and reasons (reason -> rows left out); read after the last block too.
            rows_out is what was written.
        fractions: of train, valid and test.
        balance: labels to draw equally from within each split, after the split; other labels and
            the surplus are left out and counted. Empty: everything stays.
        noiseless: splits whose flux carries no noise yet.
        grid: the wavelength bins of the spectra.

    Raises:
        InputError: if `out` is taken or cannot be written, the fractions are no fractions, nothing
            came, or a class to balance is empty.
    """
    splitting.check_fractions(fractions)
    report = {} if report is None else report
    shards = {
        s: max(1, -(-int(expected * f) // SHARD_SIZE))
        for s, f in zip(SPLITS, fractions, strict=True)
    }
    with _whole_folder(out) as folder:
        spill = folder / "spill"
        with _writing(out):
            spill.mkdir()
        seen: list[tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.uint64]]] = []
        for block in blocks:
            if block.flux.shape[1:] != (grid.size,):
                raise ValueError(f"flux {block.flux.shape} is not on a grid of {grid.size} bins")
            split = splitting.split_of(block.object_id, block.name, seed, fractions)
            names = splitting.name_hash(block.name)
            seen.append((split, block.label, _balance_key(names, seed)))
            shard = splitting.mix(splitting.mix(names, _SHARD_SEED), seed)
            with _writing(out):
                for s, name in enumerate(SPLITS):
                    shard_of = shard % np.uint64(shards[name])
                    for number in np.unique(shard_of[split == s]):
                        rows = (split == s) & (shard_of == number)
                        _append(spill / f"{name}-{number}", block.take(rows))

        rows_in = sum(len(labels) for _, labels, _ in seen)
        if rows_in == 0:
            reasons = "; ".join(f"{why}: {n}" for why, n in report.get("reasons", {}).items())
            raise InputError(
                f"no spectrum is left to write to {out} ({reasons or 'none came in'});"
                " check that spectra and catalog belong together"
            )
        cut = _cuts(seen, balance) if balance else None

        written: dict[str, list[Shard]] = {s: [] for s in SPLITS}
        counts = {s: dict.fromkeys(CLASSES, 0) for s in SPLITS}
        for s, name in enumerate(SPLITS):
            for number in range(shards[name]):
                path = spill / f"{name}-{number}"
                if not path.exists():
                    continue  # a hash leaves a shard empty only where the split has few spectra
                block = _load(path)
                if cut is not None:
                    block = block.take(_kept(block, cut[s], balance, seed))
                if not len(block):
                    continue
                file = f"{name}-{number:05d}-of-{shards[name]:05d}.array_record"
                with _writing(out):
                    path.unlink()
                    written[name].append(_write_shard(folder / file, block, seed))
                for label, n in zip(*np.unique(block.label, return_counts=True), strict=True):
                    key = CLASSES[label] if label >= 0 else "UNKNOWN"
                    counts[name][key] = counts[name].get(key, 0) + int(n)

        rows_out = sum(shard.spectra for part in written.values() for shard in part)
        reasons = dict(report.get("reasons", {}))
        if cut is not None:
            reasons[BALANCED_AWAY] = rows_in - rows_out
        result = Manifest(
            grid=grid,
            shards=written,
            counts=counts,
            split={"rule": splitting.RULE, "seed": seed, "fractions": list(fractions)},
            sources=sources,
            creator=creator,
            report={"rows_in": rows_in} | report | {"rows_out": rows_out, "reasons": reasons},
            noiseless=list(noiseless),
        )
        with _writing(out):
            shutil.rmtree(spill)
        manifest.write(folder, result)
    return result


def check_free(out: Path) -> None:
    """Raise InputError unless `out` is absent or an empty folder: nothing is ever overwritten."""
    if (out / manifest.FILE_NAME).exists():
        raise InputError(
            f"{out} already holds a dataset; choose another folder, or remove it first"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder; choose another folder for the dataset")


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that takes its name if the block succeeds, or vanishes."""
    check_free(out)
    out = out.absolute()
    folder = out.parent / f".writing-{out.name}-{os.getpid()}"
    with _writing(out):
        shutil.rmtree(folder, ignore_errors=True)  # of a killed run that had our process number
        folder.mkdir(parents=True)
    try:
        yield folder
        with _writing(out):
            folder.rename(out)  # onto an empty folder too
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Turn what the disk says into a sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write {out}: {error.strerror or error}; choose another folder or make room"
        ) from error


def _append(path: Path, block: Block) -> None:
    record = records.encode(block)
    with path.open("ab") as file:
        file.write(_LENGTH.pack(len(record)) + record)


def _load(path: Path) -> Block:
    """All blocks spilled to a file as one, its texts no wider than the longest of them."""
    content = path.read_bytes()
    blocks, start = [], 0
    while start < len(content):
        (length,) = _LENGTH.unpack_from(content, start)
        start += _LENGTH.size
        blocks.append(records.decode(content[start : start + length]))
        start += length
    block = records.concatenate(blocks)
    texts = {c: getattr(block, c) for c in ("name", "source")}
    widths = {c: max(1, int(np.strings.str_len(t).max())) for c, t in texts.items()}
    return replace(block, **{c: t.astype(f"S{widths[c]}") for c, t in texts.items()})


def _write_shard(path: Path, block: Block, seed: int) -> Shard:
    from array_record.python.array_record_module import ArrayRecordWriter

    order = _order(block, seed)
    starts = range(0, len(block), records.BLOCK_SIZE)
    writer = ArrayRecordWriter(str(path), "group_size:1")  # one block is one random access
    for start in starts:
        writer.write(records.encode(block.take(order[start : start + records.BLOCK_SIZE])))
    writer.close()
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Shard(path.name, len(block), len(starts), sha256)


def _order(block: Block, seed: int) -> NDArray[np.int64]:
    """A random order that depends on the rows alone: rows that tie are equal in every column."""
    salt = str(seed).encode()
    columns = [getattr(block, f.name) for f in fields(Block)]
    digests = [
        hashlib.blake2b(salt + b"".join(c[row].tobytes() for c in columns), digest_size=8).digest()
        for row in range(len(block))
    ]
    return np.argsort(np.frombuffer(b"".join(digests), "<u8"), kind="stable")


def _balance_key(names: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    return splitting.mix(splitting.mix(names, _BALANCE_SEED), seed)


def _cuts(
    seen: list[tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.uint64]]],
    labels: Sequence[int],
) -> NDArray[np.uint64]:
    split, label, key = (np.concatenate(column) for column in zip(*seen, strict=True))
    try:
        return splitting.balance(split, label, key, labels)
    except ValueError as error:
        part, empty = error.args
        raise InputError(
            f"class {CLASSES[empty]} has no spectrum in the {part} split, so the classes cannot be"
            " balanced; give more spectra of it, or leave out --balance"
        ) from error


def _kept(
    block: Block, cut: NDArray[np.uint64], labels: Sequence[int], seed: int
) -> NDArray[np.bool_]:
    key = _balance_key(splitting.name_hash(block.name), seed)
    kept = np.zeros(len(block), np.bool_)
    for label, limit in zip(labels, cut, strict=True):
        kept |= (block.label == label) & (key <= limit)
    return kept
