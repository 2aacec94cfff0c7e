"""Download spectra from the SDSS archive: those in a catalog, a small sample, or known sets.

Also download templates for the mock survey from GitHub.

python -m data_prep.download --release dr12 --catalog Superset_DR12Q.fits --out spectra/

python -m data_prep.download --sample --out spectra/
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep import archive, public_sets, public_templates
from data_prep.archive import BASE_URL, UNVERIFIED, Kind, Release, Wanted
from data_prep.catalog_columns import read_column, read_text
from data_prep.catalog_files import open_catalog
from data_prep.fetch_many import MOST_CONNECTIONS, Summary, Target, fetch_many
from spectranet_jax.command_line import command
from spectranet_jax.datasets.atomic import check_writable
from spectranet_jax.readers import refuse_spectra
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER

FIELDS = ("FIELD", "MJD", "CATALOGID")

_RUN = re.compile(r"[\w.]+", re.ASCII)
"""RUN2D that can be a folder of the archive: v5_13_2, 26; otherwise the release's is used."""


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.download`."""

    out: Path
    """Folder for the files, with one subfolder per plate or field as in the archive, or per set;
    existing files are kept."""
    catalog: Path | None = None
    """Catalog of the spectra to fetch (FITS, CSV, ECSV, VOTable), such as Superset_DR12Q, DR16Q,
    spAll or a table of CasJobs, with the columns PLATE, MJD and FIBERID, or for SDSS-V FIELD, MJD
    and CATALOGID; RUN2D is used if it exists."""
    release: Release | None = None
    """Data release to fetch from, with --catalog. dr18 and dr19 (SDSS-V) are unverified: their
    addresses follow the archive's templates and were never tried."""
    sample: bool = False
    """Fetch 20 spectra of four classes, and write labels.csv, a --catalog for data_prep.sdss."""
    sets: bool = False
    """Fetch the sets of spectra that the tables in the documentation are measured on (387 files,
    80 MB). Each set gets its own folder with labels.csv; index.csv lists all sets, and
    experiments.headline and other commands read it."""
    templates: bool = False
    """Fetch observed templates for the mock survey (230 files) from GitHub: redrock's galaxies and
    quasar archetypes, and PyHammer's stars. To use them in data_prep.mock and in training commands,
    set RR_TEMPLATE_DIR to the folder."""
    files: Kind = "spec-lite"
    """Kind of files to fetch, with --catalog: spec-lite, spec (with single exposures) or spPlate
    (whole plates)."""
    base_url: str = BASE_URL
    """Address of the archive, or of a mirror; with --templates, of a mirror of GitHub's raw
    files."""
    connections: int = 4
    """Number of files to fetch at a time, up to 16."""


def download(config: Config) -> Summary:
    """Fetch missing files; see `Config` and `fetch_many`.

    Raises:
        InputError: if the flags do not tell what is wanted, the catalog cannot be read or names no
            spectrum, or files could not be fetched, or are not those that are listed.
    """
    if (config.catalog is not None) + config.sample + config.sets + config.templates != 1:
        raise InputError("pass exactly one of --catalog, --sample, --sets and --templates")
    if not 1 <= config.connections <= MOST_CONNECTIONS:
        raise InputError(f"connections {config.connections} is not from 1 to {MOST_CONNECTIONS}")
    check_writable(config.out, folder=True)
    if config.catalog is not None:
        return fetch_many(config.out, _of_catalog(config.catalog, config), config.connections)
    if config.templates:
        mirror = public_templates.BASE_URL if config.base_url == BASE_URL else config.base_url
        targets = list(public_templates.targets(config.out, mirror))
        return fetch_many(config.out, targets, config.connections)
    targets = list(public_sets.targets(config.out, config.sample, config.base_url))
    for path in public_sets.write_labels(config.out, config.sample):
        print(f"labels: {path}")
    return fetch_many(config.out, targets, config.connections)


def _of_catalog(catalog: Path, config: Config) -> list[Target]:
    release = config.release
    if release is None:
        raise InputError(f"--catalog {catalog} needs --release, such as dr17, to fetch files of")
    wanted = _wanted(catalog, config.files)
    if wanted[0].catalog_id and release not in archive.RUNS_BY_FIELD:
        raise InputError(
            f"{catalog} names spectra of SDSS-V, which {release} does not have; pass --release"
            f" {' or '.join(archive.RUNS_BY_FIELD)}"
        )
    if release in UNVERIFIED:
        print(
            f"note: the addresses of {release} are unverified: they follow the archive's"
            " templates, and were never tried; if files are missing, find their addresses and"
            " see --base-url",
            file=sys.stderr,
            flush=True,
        )
    targets = []
    for spectrum in wanted:
        urls = list(archive.addresses(spectrum, config.files, release, config.base_url))
        name = urls[0].rpartition("/")[2]
        targets.append(Target(config.out / f"{spectrum.plate:04d}" / name, urls))
    return targets


def _wanted(catalog: Path, kind: Kind) -> list[Wanted]:
    """Return the spectra that the catalog names, each once, plate by plate."""
    with open_catalog(catalog) as hdus:
        by_field = hdus.table(FIELDS)
        table = by_field or hdus.table(FIBER)
        if table is None:
            raise InputError(
                f"{catalog} has no table with PLATE, MJD and FIBERID, or FIELD, MJD and CATALOGID;"
                " give a catalog like Superset_DR12Q"
            )
        refuse_spectra(hdus)
        names = FIELDS if by_field else FIBER
        keys = [read_column(table, name) for name in names]
        runs: NDArray[np.str_] = np.full(len(keys[0]), "")
        if "RUN2D" in table.columns:
            runs = read_text(table, "RUN2D")
    if by_field and kind == "spPlate":
        raise InputError("--files spPlate is for plates, but SDSS-V has fields; fetch spec-lite")
    last = np.zeros_like(keys[2]) if kind == "spPlate" else keys[2]
    known = (keys[0] > 0) & (keys[1] > 0) & ((keys[2] > 0) | (by_field is None))
    named = [run if _RUN.fullmatch(run) else "" for run in runs[known].tolist()]
    rows = zip(*(key[known].tolist() for key in (keys[0], keys[1], last)), named, strict=True)
    wanted = sorted({
        Wanted(plate, mjd, 0, run, number) if by_field else Wanted(plate, mjd, number, run)
        for plate, mjd, number, run in rows
    })  # fmt: skip
    if not wanted:
        raise InputError(f"{catalog} names no spectrum: it has no row with a plate and an MJD")
    return wanted


if __name__ == "__main__":
    command(Config, download, __doc__)
