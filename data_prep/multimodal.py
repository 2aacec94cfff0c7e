"""Make a dataset folder from HDF5 files of MultimodalUniverse (labeled spectra of SDSS and DESI).

python -m data_prep.multimodal boss/*/*.hdf5 --out data/boss
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import tyro

from data_prep.catalog_layouts import Answer, named
from data_prep.class_names import labels_of
from data_prep.division import FRACTIONS, by_hash, check_fractions
from data_prep.join import NO_TARGET, SAME_FILE, UNREADABLE
from data_prep.labeled_files import IDS, KEYS, ON_TARGET, naming
from data_prep.objects import preferred
from data_prep.pictures import contact_sheet
from data_prep.selection import Selection
from data_prep.summary import SHEET, creator, print_summary, warn_of_unreadable
from data_prep.truth import Truth
from data_prep.write import Plan, Provenance, first_block, write_dataset
from spectranet_jax.command_line import command, one_or_more
from spectranet_jax.datasets.checksums import sha256_of
from spectranet_jax.datasets.folder import check_free
from spectranet_jax.datasets.manifest import Manifest
from spectranet_jax.datasets.records import Block
from spectranet_jax.progress import progress
from spectranet_jax.readers import paths
from spectranet_jax.readers.file_reading import FileRead, Reading, blank, read_file
from spectranet_jax.readers.hdf5 import is_hdf5
from spectranet_jax.readers.multimodal_universe import catalog_columns, row_count
from spectranet_jax.readers.workers import cores, in_order
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity import FIBER, OBJECTS, OBSERVATIONS
from spectranet_jax.spectra.identity_columns import IDENTITY_COLUMNS
from spectranet_jax.spectra.labels import GALAXY, QSO, STAR

GRID = QUASARNET_GRID

PIPELINE_CLASSES = (STAR, GALAXY, QSO)
"""Classes given by the pipelines of SDSS and DESI."""

SOURCE = {"layout": "MultimodalUniverse"}

ROWS_AT_ONCE = 1024
"""Spectra that a worker reads at a time: a file may hold any number."""

SERIAL_PARTS = 4
"""Up to this many parts, starting worker processes is not worthwhile."""

NOTHING = named(np.empty(0, np.int8), np.empty(0), np.empty(0, np.bool_))
"""The answer about no spectra."""


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.multimodal`."""

    files: Annotated[tuple[str, ...], tyro.conf.Positional, one_or_more("FILE")]
    """HDF5 files of SDSS or DESI, such as boss/healpix=583/001-of-001.hdf5; also folders, glob
    patterns, or lists of files (@LIST, *.txt)."""
    out: Path
    """The dataset folder to make."""
    balance: bool = False
    """Draw the same number of spectra of each class within a split."""
    seed: int = 0
    """Seed of the split by object and of the order."""
    split_fractions: tuple[float, float, float] = FRACTIONS
    """Fractions of the objects in the splits train, valid and test."""
    workers: int = field(default_factory=cores)
    """Processes that read files; does not change the dataset."""


def prepare(config: Config) -> Manifest:
    """Read, split and write; see `Config`. A few thousand spectra are in memory at a time.

    Raises:
        InputError: if nothing can be read, a file is not HDF5, or a class to balance is empty; one
            bad file among good ones is left out and counted.
    """
    check_free(config.out)
    check_fractions(config.split_fractions)
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")
    stream = _Stream(list(dict.fromkeys(paths(config.files))))
    plan = Plan(
        grid=GRID,
        expected=stream.expected,
        seed=config.seed,
        division=by_hash(config.seed, config.split_fractions),
        balance=PIPELINE_CLASSES if config.balance else (),
    )
    manifest = write_dataset(
        config.out,
        stream.blocks(1 if len(stream.parts) <= SERIAL_PARTS else config.workers),
        plan,
        Provenance(creator("data_prep.multimodal", config), [SOURCE], stream.files, stream.report),
    )
    contact_sheet(config.out / SHEET, [first_block(config.out, manifest)], GRID)
    print_summary(manifest, config.out)
    warn_of_unreadable(stream.report["unreadable"])
    return manifest


class Part(NamedTuple):
    """Some rows of a file."""

    file: str
    rows: range


class Labeled(NamedTuple):
    """Spectra with their file's labels; no answer where it cannot be read."""

    reading: Reading
    answer: Answer | None


def read_part(part: Part) -> Labeled:
    """Read and rebin rows of a file; the first part has the sha256 of the file."""
    try:
        columns = catalog_columns(Path(part.file), part.rows)
    except InputError as reason:
        return Labeled(_unreadable(part, str(reason)), None)
    reading = read_file(part.file, [GRID], partial(naming, file=""), rows=part.rows)
    if reading.errors:
        return Labeled(reading, None)
    if part.rows.start == 0:
        (file,) = reading.files
        reading = replace(reading, files=[file._replace(sha256=sha256_of(Path(part.file)))])
    sure = columns.get("ZWARNING", np.zeros(len(reading), np.int64)) == 0
    return Labeled(reading, named(labels_of(columns["CLASS"]), columns["Z"], sure))


def _unreadable(part: Part, reason: str) -> Reading:
    return blank([FileRead(part.file, 0, reason)], 0, [GRID], naming([]))


class _Stream:
    """The stream from files to blocks; `report` and `files` are complete at the end of `blocks`.

    Attributes:
        parts: what is read at a time, in order.
        expected: spectra in the files.
        files: those that were read, for the list of sources.
        report: the manifest's counts of spectra read, and of those left out.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self.files: list[FileRead] = []
        self.parts: list[Part] = []
        self.expected = 0
        self._selection = Selection(Truth.of_rows(NOTHING), GRID, Counter())
        self.report: dict[str, Any] = {
            "rows_in": 0,
            "reasons": self._selection.reasons,
            "masked": 0,
            "unreadable": [],
        }
        self._came_before: set[str] = set()
        with progress("counting spectra in files", len(files)) as advance:
            for file in files:
                self._look_into(file)
                advance(1, f"{self.expected} spectra")
        if not self.parts:
            raise InputError(f"none of the {len(files)} files can be read: {self._first_error()}")

    def _look_into(self, file: str) -> None:
        path = Path(file)
        if not path.exists():
            self._leave_out(f"{file} does not exist; check the name")
        elif not is_hdf5(path):
            self._leave_out(f"{file} is not an HDF5 file; give those of MultimodalUniverse")
        else:
            try:
                count = row_count(path)
            except InputError as reason:
                self._leave_out(str(reason))
                return
            self.expected += count
            starts = range(0, count, ROWS_AT_ONCE)
            self.parts += [Part(file, range(s, min(s + ROWS_AT_ONCE, count))) for s in starts]

    def _leave_out(self, reason: str) -> None:
        self.report["unreadable"].append(reason)
        self.report["rows_in"] += 1
        self.report["reasons"][UNREADABLE] += 1

    def _first_error(self) -> str:
        return next(iter(self.report["unreadable"]), "they hold no spectra")

    def blocks(self, workers: int) -> Iterator[Block]:
        """Yield blocks of the usable spectra.

        Raises:
            InputError: if none is left.
        """
        taken = 0
        with (
            progress("reading spectra", self.expected) as advance,
            in_order(read_part, self.parts, workers) as results,
        ):
            for part, labeled in zip(self.parts, results, strict=True):
                if labeled.answer is None:
                    for error in labeled.reading.errors:
                        self._leave_out(f"{error} (rows {part.rows.start} to {part.rows.stop - 1})")
                else:
                    block = self._select(part, labeled.reading, labeled.answer)
                    taken += len(block)
                    yield block
                advance(len(part.rows), f"{taken} spectra")
        if not self.files:
            raise InputError(f"none of the files can be read: {self._first_error()}")

    def _select(self, part: Part, reading: Reading, answer: Answer) -> Block:
        (file,) = reading.files
        repeated = self._is_repeated(part, file)
        self.report["rows_in"] += len(reading)
        self.report["masked"] += int((reading.flags & Flag.BAD_PIXELS != 0).sum())
        count = len(reading)
        ids = dict(zip(OBJECTS, reading.columns[IDS].T, strict=True))
        each = np.arange(count)
        ((flux, ivar),) = reading.pixels.values()
        self._selection.truth = Truth.of_rows(answer)
        return self._selection.take(
            rows=each,
            by_object=np.zeros(count, np.bool_),
            fiber=reading.columns[KEYS][:, OBSERVATIONS.index(FIBER)],
            flux=flux,
            ivar=ivar,
            name=np.strings.encode(reading.name, "utf-8", "surrogateescape"),
            source=np.full(count, Path(file.name).name.encode("utf-8", "surrogateescape")),
            object_id=preferred(ids, each),
            identity={name: reading.columns[name] for name in IDENTITY_COLUMNS},
            left_out={
                SAME_FILE: np.full(count, repeated),
                NO_TARGET: ~reading.columns[ON_TARGET],
            },
        )

    def _is_repeated(self, part: Part, file: FileRead) -> bool:
        """Return whether the content of the file had come before, and record the file."""
        if part.rows.start == 0 or not self.files or self.files[-1].name != file.name:
            self._same = bool(file.sha256) and file.sha256 in self._came_before
            self._came_before.add(file.sha256)
            self.files.append(file)
        else:
            last = self.files[-1]
            self.files[-1] = last._replace(spectra=last.spectra + file.spectra)
        return self._same


if __name__ == "__main__":
    command(Config, prepare, __doc__)
