"""Survey files and catalogs -> a dataset folder: the work of `data_prep.sdss` and `data_prep.desi`.

Files are read and rebinned by workers, a few at a time, and their results come back in order. Then
each spectrum is joined with its catalog row, and streams to the shard of its hash. Readings are
kept until the dataset is complete, so that an interrupted run can resume.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_prep import truth as truths
from data_prep.catalog_files import column_names
from data_prep.catalog_layouts import BalRule
from data_prep.division import FRACTIONS, check_fractions
from data_prep.join import Join
from data_prep.labeled_files import IDS, KEYS, decode, encode, naming, read_files
from data_prep.pictures import contact_sheet
from data_prep.split_lists import check_lists, division
from data_prep.summary import SHEET, creator, print_summary, warn_of_unreadable
from data_prep.write import Plan, Provenance, first_block, write_dataset
from spectranet_jax import __version__
from spectranet_jax.datasets.checksums import sha256_of
from spectranet_jax.datasets.folder import check_free
from spectranet_jax.datasets.journal import Journal, journal
from spectranet_jax.datasets.manifest import Manifest
from spectranet_jax.progress import notice_if_slow, progress
from spectranet_jax.readers import paths, spectrum_paths
from spectranet_jax.readers.file_reading import FileRead, Reading
from spectranet_jax.readers.groups import groups, sizes_and_times
from spectranet_jax.readers.workers import cores, in_order
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.identity import OBJECTS, OBSERVATIONS
from spectranet_jax.spectra.native import NATIVE_GRID

GRID = QUASARNET_GRID
"""Grid of datasets made of survey files: that of QuasarNET's data set."""

TOGETHER_FILES, TOGETHER_BYTES = 16, 8 << 20
"""Limits of what a worker reads at a time: 16 spec files, or one plate."""

SERIAL_GROUPS = 19
"""Up to this many groups, 300 spec files, starting worker processes is not worthwhile."""


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.sdss` and `data_prep.desi`."""

    catalog: tuple[str, ...]
    """Catalogs with classes and redshifts, one or more: Superset_DR12Q, DR12Q, DR14Q, DR16Q,
    DR16Q_Superset, spAll, DESI redrock files or quasar catalogs; *.csv files of a visual
    inspection (spectranet inspect); or your own tables (FITS, CSV, ECSV, VOTable, Parquet). Your
    tables need CLASS, Z and columns that identify the spectra: FILE, or PLATE, MJD and FIBERID, or
    FIELD, MJD and CATALOGID, or TARGETID."""
    spectra: tuple[str, ...]
    """Spectra: spec (lite or full), spPlate, spSpec, DESI coadd or spectra files. Give files,
    folders, glob patterns, or lists of files (@LIST, *.txt)."""
    out: Path
    """The dataset folder to make."""
    columns: tuple[str, ...] = ()
    """Names of columns in your catalogs, if they differ, such as CLASS=my_class Z=z_best."""
    bal: BalRule = "class"
    """How a BAL is defined: by the catalog's class, or by QuasarNET's rule (visual flag and BI_CIV
    agree)."""
    all_are: Literal["STAR", "GALAXY", "QSO", "QSO_BAL"] | None = None
    """Class of all rows, for catalogs that have redshifts but no classes."""
    balance: bool = False
    """Draw the same number of spectra of each class within a split."""
    native: bool = False
    """Keep the native pixels in addition to the bins, so that refined redshifts can be evaluated on
    the dataset; adds 38 kB per spectrum."""
    seed: int = 0
    """Seed of the split by object and of the order."""
    split_fractions: tuple[float, float, float] = FRACTIONS
    """Fractions of the objects in the splits train, valid and test."""
    split_lists: Path | None = None
    """Folder with a published split to use instead of the fractions: lists of plate-mjd-fiber named
    *test*.lst, *valid*.lst and optionally *train*.lst."""
    workers: int = field(default_factory=cores)
    """Processes that read files, or jobs of a SLURM cluster; does not change the dataset."""
    scheduler: str = ""
    """Read on a Dask cluster: address of its scheduler, or slurm; by default on this machine."""


def prepare(config: Config, command: str) -> Manifest:
    """Read, join, split and write; see `Config`.

    Raises:
        InputError: if nothing can be read, nothing matches the catalog, or a class to balance is
            empty; one bad file among good ones is left out and counted.
    """
    _check(config)
    catalogs = [Path(name) for name in paths(config.catalog)]
    files = _files_of_spectra(config, catalogs)
    with notice_if_slow(f"reading {', '.join(map(str, catalogs))}"[:200]):
        truth = truths.read(
            *catalogs,
            bal=config.bal,
            every=config.all_are or "",
            names=column_names(config.columns),
        )
    states = sizes_and_times(files)
    file_groups = list(groups(files, states[:, 0], TOGETHER_FILES, TOGETHER_BYTES))
    sources = _sources(config, catalogs, truth)
    with journal(
        config.out, _key(files, states, config.native), is_short=len(file_groups) <= SERIAL_GROUPS
    ) as record:
        keys, ids = _read(config, files, file_groups, record)
        join = Join(config.catalog, len(files), truth, GRID, keys, ids)
        provenance = Provenance(creator(command, config), sources, join.read, join.report)
        plan = _plan(config, truth, join)
        manifest = write_dataset(config.out, join.blocks(_kept(record)), plan, provenance)
    contact_sheet(config.out / SHEET, [first_block(config.out, manifest)], GRID)
    print_summary(manifest, config.out)
    warn_of_unreadable(join.report["unreadable"])
    return manifest


def _check(config: Config) -> None:
    """Raise InputError, before any work, for flags that cannot be used."""
    check_free(config.out)
    check_fractions(config.split_fractions)
    check_lists(config.split_lists)
    column_names(config.columns)
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")


def _files_of_spectra(config: Config, catalogs: Sequence[Path]) -> list[str]:
    files = [f for f in spectrum_paths(config.spectra) if not _is_one_of(f, catalogs)]
    if not files:
        raise InputError(
            f"--spectra {' '.join(config.spectra)} names only the catalog; name the files of the"
            " spectra"
        )
    return files


def _is_one_of(name: str, catalogs: Sequence[Path]) -> bool:
    path = Path(name)
    return path.exists() and any(c.exists() and path.samefile(c) for c in catalogs)


def _sources(config: Config, catalogs: Sequence[Path], truth: truths.Truth) -> list[dict[str, Any]]:
    meaning = {"kinds": list(truth.kinds), "bal": config.bal}
    return [{"catalog": str(c), "sha256": sha256_of(c)} | meaning for c in catalogs]


def _plan(config: Config, truth: truths.Truth, join: Join) -> Plan:
    return Plan(
        grid=GRID,
        expected=len(join.rows),
        seed=config.seed,
        division=division(
            config.split_lists, config.seed, config.split_fractions, truth.fiber, join.of_rows
        ),
        balance=truth.classes if config.balance else (),
        native=NATIVE_GRID if config.native else None,
    )


def _key(files: Sequence[str], states: NDArray[np.int64], native: bool) -> str:
    """Return the key that an earlier run must share for its results to count."""
    columns = [field.name for field in fields(Reading)], FileRead._fields, list(naming([]))
    form = __version__, columns, str(GRID), OBSERVATIONS, OBJECTS, *([NATIVE_GRID] * native)
    digest = hashlib.sha256(str(form).encode())
    for name, state in zip(files, states.tolist(), strict=True):
        digest.update(f"{name}\0{state}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _kept(record: Journal) -> Iterator[Reading]:
    """Yield the readings so far, in order."""
    return (decode(kept, GRID) for kept in record.records())


def _read(
    config: Config, files: Sequence[str], file_groups: Sequence[tuple[str, ...]], record: Journal
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read the files into the journal; return observation and object of every spectrum.

    All must be known before the first is written: the last file may show that two objects are one.
    """
    keys, ids, taken = [], [], 0
    with progress("reading files", len(files)) as advance:
        for reading in _readings(config, file_groups, record):
            keys.append(reading.columns[KEYS].copy())  # views, if an earlier run read them
            ids.append(reading.columns[IDS].copy())
            taken += len(reading)
            advance(len(reading.files), f"{taken} spectra")
    return np.concatenate(keys), np.concatenate(ids)


def _readings(
    config: Config, file_groups: Sequence[tuple[str, ...]], record: Journal
) -> Iterator[Reading]:
    """Yield the readings of an earlier run, then the others."""
    done = 0
    for reading in _kept(record):
        done += 1
        yield reading
    if done:
        print(
            f"resuming at {done} of {len(file_groups)} groups of files", file=sys.stderr, flush=True
        )
    workers = config.workers if len(file_groups) > SERIAL_GROUPS else 1
    with in_order(
        partial(read_files, grid=GRID, native=config.native),
        file_groups[done:],
        workers,
        config.scheduler,
    ) as results:
        for reading in results:
            record.add(encode(reading))
            yield reading
