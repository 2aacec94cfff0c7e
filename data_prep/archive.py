"""Where the SDSS archive keeps spectra: the layout of its releases.

Paths are those of the SDSS data model (files spec, spec-lite, spPlate): the run of the reduction,
the plate in four digits or more, and the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Release = Literal["dr12", "dr16", "dr17"]
Kind = Literal["spec-lite", "spec", "spPlate"]

BASE_URL = "https://data.sdss.org/sas"

RUNS = {
    "dr12": ("boss", ("v5_7_0", "v5_7_2")),
    "dr16": ("eboss", ("v5_13_0",)),
    "dr17": ("eboss", ("v5_13_2",)),
}
"""Release -> survey folder and runs (RUN2D) of BOSS and eBOSS; v5_7_2 has the last of DR12."""

LEGACY_RUNS = ("26", "103", "104")
"""Runs of SDSS-I/II: the main survey, and SEGUE."""

FIRST_BOSS_PLATE = 3510


@dataclass(frozen=True, order=True)
class Wanted:
    """A spectrum, or the plate that holds it (fiber 0); run is "" where the catalog has none."""

    plate: int
    mjd: int
    fiber: int
    run: str = ""


def file_name(wanted: Wanted, kind: Kind) -> str:
    """spec-7102-56666-0082.fits, or spPlate-7102-56666.fits."""
    if kind == "spPlate":
        return f"spPlate-{wanted.plate:04d}-{wanted.mjd}.fits"
    return f"spec-{wanted.plate:04d}-{wanted.mjd}-{wanted.fiber:04d}.fits"


def addresses(wanted: Wanted, kind: Kind, release: Release, base_url: str) -> Iterator[str]:
    """Where a file may be, the likeliest place first."""
    survey, runs = RUNS[release]
    legacy = wanted.plate < FIRST_BOSS_PLATE
    for run in (wanted.run,) if wanted.run else LEGACY_RUNS if legacy else runs:
        folder = "sdss" if run in LEGACY_RUNS else survey
        plate = f"{wanted.plate:04d}"
        inner = {"spec-lite": f"spectra/lite/{plate}", "spec": f"spectra/{plate}", "spPlate": plate}
        root = f"{base_url.rstrip('/')}/{release}/{folder}/spectro/redux/{run}"
        yield f"{root}/{inner[kind]}/{file_name(wanted, kind)}"
