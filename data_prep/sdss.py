"""SDSS and BOSS spec files, and a catalog of visual inspection -> a dataset folder.

python -m data_prep.sdss --catalog Superset_DR12Q.fits --spectra spectra/ --out data/boss
"""

import hashlib
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep import truth as truths
from data_prep.command import command
from data_prep.folder import check_free
from data_prep.pictures import contact_sheet
from data_prep.progress import progress
from data_prep.readers import paths, rebin_all, sdss
from data_prep.selection import NO_ROW, Selection
from data_prep.split import FRACTIONS, check_fractions
from data_prep.summary import SHEET, creator, print_summary, sha256_of
from data_prep.truth import fiber_key
from data_prep.write import first_block, write_dataset
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.manifest import Manifest
from spectranet_jax.spectra.records import BLOCK_SIZE, Block

UNREADABLE = "in a file that cannot be read"

FEW_FILES = 300
"""Up to so many files, starting worker processes takes longer than reading."""

NAMED_FILES = 10
"""Unreadable files named on the terminal; the report in the manifest names them all."""


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.sdss`."""

    catalog: Path
    """FITS catalog with the columns of Superset_DR12Q (CLASS_PERSON, Z_VI, Z_CONF_PERSON, THING_ID,
    PLATE, MJD, FIBERID) or of DR12Q (Z_VI, BAL_FLAG_VI, BI_CIV, ...)."""
    spectra: tuple[str, ...]
    """Spec or spec-lite files: files, folders, glob patterns, or lists of files (@LIST, *.txt)."""
    out: Path
    """The dataset folder to make."""
    balance: bool = False
    """Draw equally many spectra of each class within a split."""
    seed: int = 0
    """Of the split by object and the order."""
    split_fractions: tuple[float, float, float] = FRACTIONS
    """Of the objects in train, valid and test."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes that read files; the dataset does not depend on it."""


def prepare(config: Config) -> Manifest:
    """Read, join, split and write; see `Config`.

    Raises:
        InputError: if nothing can be read, nothing matches the catalog, or a class to balance is
            empty; one bad file among good ones is left out and counted.
    """
    check_free(config.out)
    check_fractions(config.split_fractions)
    files = [Path(name) for name in paths(config.spectra)]
    if config.catalog.exists():  # a folder of spectra may hold it
        files = [f for f in files if not (f.exists() and f.samefile(config.catalog))]
    print(f"reading {config.catalog}", file=sys.stderr, flush=True)
    truth = truths.read(config.catalog)

    report: dict[str, Any] = {"rows_in": len(files), "reasons": Counter(), "unreadable": []}
    sources: list[dict[str, Any]] = [
        {"catalog": str(config.catalog), "sha256": sha256_of(config.catalog)}
    ]
    manifest = write_dataset(
        config.out,
        _blocks(config, files, truth, report, sources),
        expected=len(files),
        seed=config.seed,
        sources=sources,
        creator=creator("data_prep.sdss", config),
        report=report,
        fractions=config.split_fractions,
        balance=truth.classes if config.balance else (),
    )
    for sentence in report["unreadable"][:NAMED_FILES]:
        print(f"left out: {sentence}", file=sys.stderr)
    contact_sheet(config.out / SHEET, [first_block(config.out, manifest)])
    print_summary(manifest, config.out)
    return manifest


@dataclass(frozen=True)
class _File:
    """What is taken from a file; one that cannot be read has an `error` and no spectra."""

    path: Path
    sha256: str
    names: list[str]
    fiber: NDArray[np.int64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    error: str = ""


def _read(path: Path) -> _File:
    """Read and rebin one file; what a worker process does."""
    spectra, digest, error = [], "", ""
    try:
        spectra = sdss.read(path)
        digest = sha256_of(path)
    except InputError as reason:
        error = str(reason)
    keys = np.array([s.key for s in spectra], np.int64).reshape(-1, 3)
    return _File(
        path, digest, [s.name for s in spectra], fiber_key(*keys.T), *rebin_all(spectra), error
    )


@contextmanager
def _all_read(files: Sequence[Path], workers: int) -> Iterator[Iterator[_File]]:
    """The files read, in order, by worker processes where that is worth their start."""
    if workers <= 1 or len(files) <= FEW_FILES:
        yield map(_read, files)
        return
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool.map(_read, files, chunksize=16)
    finally:
        pool.shutdown(cancel_futures=True)


def _blocks(
    config: Config,
    files: Sequence[Path],
    truth: truths.Truth,
    report: dict[str, Any],
    sources: list[dict[str, Any]],
) -> Iterator[Block]:
    """Blocks of the spectra that can be used; `report` and `sources` are complete at the end."""
    selection = Selection(truth, report["reasons"])
    digest, taken = hashlib.sha256(), 0
    with (
        _all_read(files, config.workers) as results,
        progress("reading spectra", len(files)) as advance,
    ):
        while batch := list(islice(results, BLOCK_SIZE)):
            bad = [file.error for file in batch if file.error]
            report["unreadable"] += bad
            if bad:
                selection.reasons[UNREADABLE] += len(bad)
            for file in batch:
                digest.update(file.sha256.encode())
            block = _select(selection, batch)
            taken += len(block)
            yield block
            advance(len(batch))
    sources.append({"spectra": config.spectra, "files": len(files), "sha256": digest.hexdigest()})

    if not taken and len(report["unreadable"]) == len(files):
        raise InputError(f"none of the {len(files)} files can be read: {report['unreadable'][0]}")
    if not taken and set(selection.reasons) <= {NO_ROW, UNREADABLE}:
        raise InputError(
            f"no spectrum matches a row of {config.catalog} by plate, MJD and fiber;"
            " give the catalog that belongs to these spectra"
        )


def _select(selection: Selection, batch: Sequence[_File]) -> Block:
    fiber = np.concatenate([file.fiber for file in batch])
    return selection.take(
        rows=selection.truth.rows_of_fibers(fiber),
        fiber=fiber,
        flux=np.concatenate([file.flux for file in batch]),
        ivar=np.concatenate([file.ivar for file in batch]),
        name=np.array([n.encode() for file in batch for n in file.names], np.bytes_),
        source=np.array([file.path.name.encode() for file in batch for _ in file.names], np.bytes_),
    )


if __name__ == "__main__":
    command(Config, prepare, __doc__)
