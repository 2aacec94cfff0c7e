"""Survey files and catalogs -> a dataset folder: what `data_prep.sdss` and `data_prep.desi` do.

Files are read and rebinned by workers, a few at a time, and their results come back in order. Then
each spectrum is joined with its catalog row, and streams to the shard of its hash. What has been
read is kept until the dataset is whole, so that a run that was cut off goes on.
"""

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_prep import truth as truths
from data_prep.batch import Batch, concatenate, read_files
from data_prep.catalogs import BalRule
from data_prep.journal import Journal, journal
from data_prep.objects import objects_of
from data_prep.pictures import contact_sheet
from data_prep.selection import NO_ROW, Selection
from data_prep.split import FRACTIONS, check_fractions
from data_prep.split_lists import check_lists, division
from data_prep.summary import SHEET, creator, print_summary, sha256_of
from data_prep.write import SourceFile, first_block, write_dataset
from spectranet_jax import __version__
from spectranet_jax.datasets.folder import check_free
from spectranet_jax.datasets.manifest import Manifest
from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.progress import progress, telling
from spectranet_jax.readers import paths, spectrum_paths
from spectranet_jax.readers.workers import in_order
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity import FIBER, OBJECTS, OBSERVATIONS

GRID = QUASARNET_GRID
"""Of the datasets that are made of survey files: the one that QuasarNET's data set has."""

UNREADABLE = "in a file that cannot be read"
SAME_FILE = "in a file that had come before under another name"
NO_TARGET = "of the sky, or of a fiber that is out of order (OBJTYPE is SKY or BAD)"

TOGETHER_FILES, TOGETHER_BYTES = 16, 8 << 20
"""A worker reads so much before it answers: 16 spec files, or one plate."""

FEW_PARTS = 19
"""Up to so many of these parts, 300 spec files, starting worker processes is not worth it."""

NAMED_FILES = 10
"""Unreadable files named on the terminal; the report in the manifest names them all."""


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.sdss` and `data_prep.desi`."""

    catalog: tuple[str, ...]
    """FITS catalogs that tell classes and redshifts: Superset_DR12Q, DR12Q, DR14Q, DR16Q,
    DR16Q_Superset, spAll, DESI redrock files or quasar catalogs; as with spectra, several."""
    spectra: tuple[str, ...]
    """Spectra: spec (lite or full), spPlate, spSpec, DESI coadd or spectra files; files, folders,
    glob patterns, or lists of files (@LIST, *.txt)."""
    out: Path
    """The dataset folder to make."""
    bal: BalRule = "class"
    """What a BAL is: by the catalog's class, or by QuasarNET's rule (visual flag and BI_CIV agree).
    """
    all_are: Literal["STAR", "GALAXY", "QSO", "QSO_BAL"] | None = None
    """Class of all rows of catalogs that tell redshifts but no classes."""
    balance: bool = False
    """Draw equally many spectra of each class within a split."""
    seed: int = 0
    """Of the split by object and the order."""
    split_fractions: tuple[float, float, float] = FRACTIONS
    """Of the objects in train, valid and test."""
    split_lists: Path | None = None
    """A folder of lists of plate-mjd-fiber, *test*.lst, *valid*.lst and perhaps *train*.lst: a
    published split, instead of the fractions."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes that read files, or jobs of a SLURM cluster; the dataset does not depend on it."""
    scheduler: str = ""
    """Read on a Dask cluster: the address of its scheduler, or slurm."""


def prepare(config: Config, command: str) -> Manifest:
    """Read, join, split and write; see `Config`.

    Raises:
        InputError: if nothing can be read, nothing matches the catalog, or a class to balance is
            empty; one bad file among good ones is left out and counted.
    """
    check_free(config.out)
    check_fractions(config.split_fractions)
    check_lists(config.split_lists)
    catalogs = [Path(name) for name in paths(config.catalog)]
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")
    files = [f for f in spectrum_paths(config.spectra) if not _is_one_of(f, catalogs)]
    if not files:
        raise InputError(
            f"--spectra {' '.join(config.spectra)} names no spectra, but the catalog alone; name"
            " the files of the spectra"
        )
    with telling(f"reading {', '.join(map(str, catalogs))}"[:200]):
        truth = truths.read(*catalogs, bal=config.bal, every=config.all_are or "")

    chunks = list(_chunks(files))
    meaning = {"kinds": list(truth.kinds), "bal": config.bal}
    sources = [{"catalog": str(c), "sha256": sha256_of(c)} | meaning for c in catalogs]
    with journal(config.out, _key(files), few=len(chunks) <= FEW_PARTS) as record:
        work = _Work(config, files, truth, *_read(config, files, chunks, record))
        manifest = write_dataset(
            config.out,
            work.blocks(record),
            grid=GRID,
            expected=len(work.rows),
            seed=config.seed,
            sources=sources,
            source_files=work.read,
            creator=creator(command, config),
            report=work.report,
            division=division(
                config.split_lists, config.seed, config.split_fractions, truth.fiber, work.of_rows
            ),
            balance=truth.classes if config.balance else (),
        )
    contact_sheet(config.out / SHEET, [first_block(config.out, manifest)], GRID)
    print_summary(manifest, config.out)
    sys.stdout.flush()
    unreadable = work.report["unreadable"]
    for sentence in unreadable[:NAMED_FILES]:
        print(f"left out: {sentence}", file=sys.stderr)
    if len(unreadable) > NAMED_FILES:
        print(f"left out: {len(unreadable) - NAMED_FILES} more, see the manifest", file=sys.stderr)
    return manifest


def _is_one_of(name: str, catalogs: Sequence[Path]) -> bool:
    path = Path(name)
    return path.exists() and any(c.exists() and path.samefile(c) for c in catalogs)


def _chunks(files: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Files that a worker reads at a time; they depend on the files alone."""
    chunk: list[str] = []
    size = 0
    for name in files:
        chunk.append(name)
        size += _stat(name)[0]
        if len(chunk) >= TOGETHER_FILES or size >= TOGETHER_BYTES:
            yield tuple(chunk)
            chunk, size = [], 0
    if chunk:
        yield tuple(chunk)


def _stat(name: str) -> tuple[int, int]:
    """Size and time of a file; zeros where there is none."""
    try:
        found = Path(name).stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _key(files: Sequence[str]) -> str:
    """What an earlier run must have had in common, for its results to count."""
    digest = hashlib.sha256(__version__.encode())
    for name in files:
        digest.update(f"{name}\0{_stat(name)}\n".encode())
    return digest.hexdigest()


def _read(
    config: Config, files: Sequence[str], chunks: Sequence[tuple[str, ...]], record: Journal
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read the files into the journal; observation and object of every spectrum in them.

    All must be known before the first is written: the last file may tell that two objects are one.
    """
    keys, ids, taken = [], [], 0
    with progress("reading files", len(files)) as advance:
        for batch in _batches(config, chunks, record):
            keys.append(batch.keys)
            ids.append(batch.ids)
            taken += len(batch)
            advance(len(batch.files), f"{taken} spectra")
    return np.concatenate(keys), np.concatenate(ids)


def _batches(config: Config, chunks: Sequence[tuple[str, ...]], record: Journal) -> Iterator[Batch]:
    """The files read: those of an earlier run, then the others."""
    done = 0
    for batch in record.batches():
        done += 1
        yield batch
    if done:
        print(f"going on after {done} of {len(chunks)} parts", file=sys.stderr, flush=True)
    workers = config.workers if len(chunks) > FEW_PARTS else 1
    with in_order(
        partial(read_files, grid=GRID), chunks[done:], workers, config.scheduler
    ) as results:
        for batch in results:
            record.add(batch)
            yield batch


class _Work:
    """The stream from batches to blocks; `report` and `read` are complete at its end.

    Attributes:
        rows: the catalog's row of each spectrum, -1 for none.
        of_rows: of what object each row of the catalog is.
    """

    def __init__(
        self,
        config: Config,
        files: Sequence[str],
        truth: truths.Truth,
        keys: NDArray[np.int64],
        ids: NDArray[np.int64],
    ) -> None:
        self.config = config
        self.files = files
        self.selection = Selection(truth, GRID, Counter())
        self.read: list[SourceFile] = []
        observed = dict(zip(OBSERVATIONS, keys.T, strict=True))
        named = dict(zip(OBJECTS, ids.T, strict=True))
        self.rows, by_object = truth.rows_of(observed, named)
        self.of_rows, self._of_spectra = objects_of(truth, self.rows, named)
        self.report: dict[str, Any] = {
            "rows_in": 0,
            "reasons": self.selection.reasons,
            "masked": 0,
            "by_object": int(by_object.sum()),
            "checksum": 0,
            "unreadable": [],
        }
        self._seen: set[str] = set()

    def blocks(self, record: Journal) -> Iterator[Block]:
        """Blocks of the spectra that can be used.

        Raises:
            InputError: if nothing can be read, or nothing matches the catalog.
        """
        taken = place = 0
        with progress("joining with the catalog", len(self.files)) as advance:
            for batch in _gathered(record.batches()):
                self.read += [file[:3] for file in batch.files]
                block = self._select(batch, slice(place, place := place + len(batch)))
                taken += len(block)
                yield block
                advance(len(batch.files), f"{taken} spectra")
        unreadable = self.report["unreadable"]
        if not taken and len(unreadable) == len(self.files):
            raise InputError(f"none of the {len(self.files)} files can be read: {unreadable[0]}")
        if not taken and set(self.selection.reasons) <= {NO_ROW, UNREADABLE}:
            raise InputError(
                f"no spectrum matches a row of {', '.join(self.config.catalog)} by its observation,"
                " as plate, MJD and fiber, or by object; give the catalog that belongs to these"
                " spectra"
            )

    def _select(self, batch: Batch, part: slice) -> Block:
        bad = [reason for _, _, _, reason in batch.files if reason]
        self.report["unreadable"] += bad
        self.report["rows_in"] += len(batch) + len(bad)
        self.report["masked"] += int((batch.flags & Flag.BAD_PIXELS != 0).sum())
        self.report["checksum"] += int((batch.flags & Flag.CHECKSUM != 0).sum())
        if bad:
            self.selection.reasons[UNREADABLE] += len(bad)
        again = []
        for _, sha256, _, _ in batch.files:
            again.append(bool(sha256) and sha256 in self._seen)
            self._seen.add(sha256)
        names = [Path(name).name.encode() for name, _, _, _ in batch.files]
        fiber = batch.keys[:, OBSERVATIONS.index(FIBER)]
        return self.selection.take(
            rows=self.rows[part],
            fiber=fiber,
            flux=batch.flux,
            ivar=batch.ivar,
            name=batch.name,
            source=np.array(names, np.bytes_)[batch.file],
            object_id=self._of_spectra[part],
            left_out={
                SAME_FILE: np.array(again, np.bool_)[batch.file] & (fiber < 0),
                NO_TARGET: ~batch.aims,
            },
        )


def _gathered(parts: Iterator[Batch]) -> Iterator[Batch]:
    """The same in batches of about a block."""
    waiting: list[Batch] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= BLOCK_SIZE or len(waiting) >= BLOCK_SIZE:
            yield concatenate(waiting)
            waiting = []
    if waiting:
        yield concatenate(waiting)
