"""Addresses of spectra in the SDSS archive: the layout of its releases.

Paths of plates are those of the SDSS data model (files spec, spec-lite, spPlate): the run of the
reduction, the plate in four digits or more, and the file. Those of SDSS-V, by field, MJD and
CATALOGID, and of all files from DR18 on, follow sdss-tree 4.1.4 and sdss-access 3.0.11, packages of
the archive itself, and astroquery: no address of the releases `UNVERIFIED` was ever tried by us.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Release = Literal["dr12", "dr14", "dr16", "dr17", "dr18", "dr19"]
Kind = Literal["spec-lite", "spec", "spPlate"]

BASE_URL = "https://data.sdss.org/sas"

UNVERIFIED = ("dr18", "dr19")
"""Releases whose addresses come from templates and documents alone."""

RUNS: dict[Release, tuple[str, ...]] = {
    "dr12": ("v5_7_0", "v5_7_2"),
    "dr14": ("v5_10_0",),
    "dr16": ("v5_13_0",),
    "dr17": ("v5_13_2",),
    "dr18": ("v5_13_2",),
    "dr19": ("v5_13_2",),
}
"""Release -> runs (RUN2D) of BOSS and eBOSS plates; v5_7_2 has the last of DR12."""

RUNS_BY_FIELD: dict[Release, tuple[str, ...]] = {"dr18": ("v6_0_4",), "dr19": ("v6_1_3",)}
"""Release -> runs of SDSS-V, whose spectra are named by field, MJD and CATALOGID."""

ROOTS: dict[Release, tuple[str, ...]] = {
    "dr12": ("boss/spectro/redux",),
    "dr14": ("eboss/spectro/redux",),
    "dr16": ("eboss/spectro/redux",),
    "dr17": ("eboss/spectro/redux",),
    "dr18": ("spectro/sdss/redux", "spectro/boss/redux"),
    "dr19": ("spectro/sdss/redux", "spectro/boss/redux"),
}
"""Release -> folders of the runs of BOSS and later surveys, the most probable first."""

LEGACY_RUNS = ("26", "103", "104")
"""Runs of SDSS-I/II: the main survey, and SEGUE."""

LEGACY_ROOT = "sdss/spectro/redux"
"""Folder of the legacy runs up to DR17."""

FULL_FOLDER = ("dr16", "dr17", "dr18", "dr19")
"""Releases in which full spec files of BOSS and later surveys are in a folder `full`."""

FIRST_BOSS_PLATE = 3510

FIELDS_OF_PLATES = ("v6_0_1", "v6_0_2", "v6_0_3", "v6_0_4")
"""Runs of SDSS-V with plates: fields as they are, and a "p" after them in folders."""


@dataclass(frozen=True, order=True)
class Wanted:
    """A spectrum, or a plate (fiber 0); run is "" if the catalog has none.

    Of SDSS-V, `plate` is the field, and `catalog_id` the CATALOGID, 0 for others.
    """

    plate: int
    mjd: int
    fiber: int
    run: str = ""
    catalog_id: int = 0


def file_name(wanted: Wanted, kind: Kind, run: str = "") -> str:
    """Spec-7102-56666-0082.fits, spPlate-7102-56666.fits, spec-015000-59146-4375991629.fits."""
    if wanted.catalog_id:
        if (run or wanted.run) in FIELDS_OF_PLATES:
            return f"spec-{wanted.plate:04d}-{wanted.mjd}-{wanted.catalog_id:011d}.fits"
        return f"spec-{wanted.plate:06d}-{wanted.mjd}-{wanted.catalog_id}.fits"
    if kind == "spPlate":
        return f"spPlate-{wanted.plate:04d}-{wanted.mjd}.fits"
    return f"spec-{wanted.plate:04d}-{wanted.mjd}-{wanted.fiber:04d}.fits"


def addresses(wanted: Wanted, kind: Kind, release: Release, base_url: str) -> Iterator[str]:
    """Yield the addresses where a file may be, the most probable first."""
    for run in (wanted.run,) if wanted.run else _runs(wanted, release):
        before_dr18 = release not in UNVERIFIED
        roots = (LEGACY_ROOT,) if run in LEGACY_RUNS and before_dr18 else ROOTS[release]
        for root in roots:
            for folder in _folders(wanted, kind, release, run):
                place = f"{release}/{root}/{run}/{folder}/{file_name(wanted, kind, run)}"
                yield f"{base_url.rstrip('/')}/{place}"


def _runs(wanted: Wanted, release: Release) -> tuple[str, ...]:
    """Return the runs of a release that may have a spectrum whose run is unknown."""
    if wanted.catalog_id:
        return RUNS_BY_FIELD.get(release, ())
    return LEGACY_RUNS if wanted.plate < FIRST_BOSS_PLATE else RUNS[release]


def _folders(wanted: Wanted, kind: Kind, release: Release, run: str) -> Iterator[str]:
    """Yield the folders of a run in which a file may be."""
    plate = f"{wanted.plate:04d}"
    if wanted.catalog_id:
        of_plates = run in FIELDS_OF_PLATES
        plate = f"{plate}p" if of_plates else f"{wanted.plate:06d}"
        plate += f"/{wanted.mjd}"
    if kind == "spPlate":
        yield plate
        return
    if kind == "spec-lite":
        yield f"spectra/lite/{plate}"
        return
    if release in FULL_FOLDER and run not in LEGACY_RUNS:
        yield f"spectra/full/{plate}"
    yield f"spectra/{plate}"
