"""Spectra that a catalog names, from the SDSS archive, to a folder.

python -m data_prep.download --release dr12 --catalog Superset_DR12Q.fits --out spectra/
"""

import re
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep import archive
from data_prep.archive import BASE_URL, Kind, Release, Wanted
from data_prep.catalog_columns import read_column, read_text
from data_prep.catalog_files import open_catalog
from data_prep.fetch import Checksums, FetchError, MissingError, UnreachableError, fetch
from spectranet_jax.command_line import command
from spectranet_jax.datasets.atomic import check_writable, write_text
from spectranet_jax.progress import progress
from spectranet_jax.readers import refuse_spectra
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER

MISSING_LIST, FAILED_LIST = "missing.txt", "failed.txt"

MOST_CONNECTIONS = 16
"""The archive is shared by all; more connections are not faster for long."""

UNREACHABLE_FILES = 3
"""If so many files are asked for and the archive answers none of them, it is no use to go on."""

_RUN = re.compile(r"[\w.]+", re.ASCII)
"""RUN2D where it can be a folder of the archive: v5_13_2, 26; else that of the release is taken."""


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.download`."""

    release: Release
    """Data release whose reduction is fetched."""
    catalog: Path
    """FITS catalog with PLATE, MJD and FIBERID, and RUN2D if it has it: Superset_DR12Q, DR16Q,
    spAll, ..."""
    out: Path
    """Folder for the files, one a plate as in the archive; what is there already stays."""
    files: Kind = "spec-lite"
    """spec-lite, spec (with single exposures) or spPlate (whole plates)."""
    base_url: str = BASE_URL
    """The archive, or a mirror of it."""
    connections: int = 4
    """Files fetched at a time, up to 16."""


@dataclass(frozen=True)
class Summary:
    """What became of the files: counts, and the names of those that are not there."""

    there: int
    fetched: int
    bytes_fetched: int
    missing: list[str]
    failed: list[str]


def download(config: Config) -> Summary:
    """Fetch what is not there yet; see `Config`.

    Files that the archive does not have are listed in missing.txt, others that could not be
    fetched in failed.txt, which the next run tries again.

    Raises:
        InputError: if the catalog cannot be read or names no spectrum, or files could not be
            fetched, at once where the archive does not answer at all.
    """
    if not 1 <= config.connections <= MOST_CONNECTIONS:
        raise InputError(f"connections {config.connections} is not from 1 to {MOST_CONNECTIONS}")
    check_writable(config.out, folder=True)
    wanted = _wanted(config.catalog, config.files)
    trouble = _Trouble()
    checksums = Checksums(trouble.tell)
    there, fetched, size, unreachable = 0, 0, 0, 0
    missing: list[str] = []
    failed: list[str] = []
    with (
        ThreadPoolExecutor(config.connections) as pool,
        progress("fetching files", len(wanted)) as advance,
    ):
        jobs = ((pool, config, checksums, trouble, spectrum) for spectrum in wanted)
        try:
            for spectrum, came, reason, answered in _some_at_a_time(jobs, 4 * config.connections):
                name = archive.file_name(spectrum, config.files)
                if reason == "missing":
                    missing.append(name)
                elif reason:
                    failed.append(f"{name}  # {reason}")
                elif came:
                    fetched, size = fetched + 1, size + came
                else:
                    there += 1
                unreachable += not answered
                if fetched + len(missing) + len(failed) == unreachable == UNREACHABLE_FILES:
                    raise InputError(
                        f"none of the first {unreachable} files could be fetched because {reason};"
                        " check the network and --base-url, then run the same command again"
                    )
                counts = (("fetched", fetched), ("failed", len(failed)), ("missing", len(missing)))
                advance(1, ", ".join(f"{count} {what}" for what, count in counts if count))
        except (InputError, KeyboardInterrupt):
            trouble.given_up = True
            pool.shutdown(cancel_futures=True)
            raise
    summary = Summary(there, fetched, size, sorted(missing), sorted(failed))
    _tell(config.out, summary)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(wanted)} files could not be fetched, the first because"
            f" {summary.failed[0].partition('# ')[2]}; run the same command again later"
        )
    return summary


def _wanted(catalog: Path, kind: Kind) -> list[Wanted]:
    """What the catalog names, each once, plate by plate."""
    with open_catalog(catalog) as hdus:
        table = hdus.table(FIBER)
        if table is None:
            raise InputError(
                f"{catalog} has no table with PLATE, MJD and FIBERID; give a catalog like"
                " Superset_DR12Q"
            )
        refuse_spectra(hdus)
        keys = [read_column(table, name) for name in FIBER]
        runs: NDArray[np.str_] = np.full(len(keys[0]), "")
        if "RUN2D" in table.columns:
            runs = read_text(table, "RUN2D")
    if kind == "spPlate":
        keys[2] = np.zeros_like(keys[2])
    known = (keys[0] > 0) & (keys[1] > 0)
    named = [run if _RUN.fullmatch(run) else "" for run in runs[known].tolist()]
    rows = zip(*(key[known].tolist() for key in keys), named, strict=True)
    wanted = sorted({Wanted(*row) for row in rows})
    if not wanted:
        raise InputError(f"{catalog} names no spectrum: it has no row with a plate and an MJD")
    return wanted


class _Trouble:
    """Tells of the first failure to reach the archive at once, and ends the tries once given up."""

    def __init__(self) -> None:
        self.given_up = False
        self._told = False
        self._lock = threading.Lock()

    def tell(self, sentence: str) -> None:
        if self.given_up:
            raise FetchError("the download has ended")
        with self._lock:
            first, self._told = not self._told, True
        if first:
            print(sentence, file=sys.stderr, flush=True)


class _Outcome(NamedTuple):
    """A file, the bytes that came, why it is not there, and whether the archive answered."""

    wanted: Wanted
    came: int = 0
    reason: str = ""
    answered: bool = True


Job = tuple[ThreadPoolExecutor, Config, Checksums, _Trouble, Wanted]


def _some_at_a_time(jobs: Iterator[Job], most: int) -> Iterator[_Outcome]:
    """Outcomes as they come, with few jobs waiting: a catalog names half a million files."""
    running: set[Future[_Outcome]] = set()
    for pool, config, checksums, trouble, spectrum in jobs:
        running.add(pool.submit(_spectrum, config, checksums, trouble, spectrum))
        if len(running) >= most:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _spectrum(config: Config, checksums: Checksums, trouble: _Trouble, wanted: Wanted) -> _Outcome:
    """Fetch a file from where it is."""
    path = config.out / f"{wanted.plate:04d}" / archive.file_name(wanted, config.files)
    if path.exists():
        return _Outcome(wanted)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    for url in archive.addresses(wanted, config.files, config.release, config.base_url):
        try:
            came = fetch(url, path, checksums.of(url), tell=trouble.tell)
            return _Outcome(wanted, came)
        except MissingError:
            continue
        except FetchError as error:
            answered = not isinstance(error, UnreachableError)
            return _Outcome(wanted, reason=str(error), answered=answered)
    return _Outcome(wanted, reason="missing")


def _tell(out: Path, summary: Summary) -> None:
    print(f"already there: {summary.there}")
    print(f"fetched: {summary.fetched} ({summary.bytes_fetched / 1e6:.1f} MB)")
    lists: Sequence[tuple[str, list[str], str]] = (
        ("not in the archive", summary.missing, MISSING_LIST),
        ("not fetched", summary.failed, FAILED_LIST),
    )
    for what, names, file in lists:
        print(f"{what}: {len(names)}" + (f" (listed in {out / file})" if names else ""))
        if names:
            write_text(out / file, "".join(f"{name}\n" for name in names))
        else:
            (out / file).unlink(missing_ok=True)
    sys.stdout.flush()


if __name__ == "__main__":
    command(Config, download, __doc__)
