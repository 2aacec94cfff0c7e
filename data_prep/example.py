"""Write labeled mock spectra as SDSS files, to try commands on: `python -m data_prep.example`.

The files have the layout of SDSS spec files, and the catalog has that of Superset_DR12Q. So you can
try every command that reads them without a download.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.command_line import command
from spectranet_jax.spectra.errors import InputError

PLATE, MJD = 7102, 56666
CLASS_PERSON = {"STAR": 1, "GALAXY": 4, "QSO": 3, "QSO_BAL": 30}
"""Class -> its code in the catalog."""

MOST = 1000
"""Fibers of a plate."""


@dataclass(frozen=True)
class Config:
    """Example files."""

    out: Path = Path("example")
    """Folder to make, with spectra/spec-*.fits and catalog.fits."""
    spectra: int = 40
    """Number of spectra, 4 to 1000, with equal numbers of STAR, GALAXY, QSO and QSO_BAL."""
    seed: int = 0
    """Seed of every draw."""


def main(config: Config) -> None:
    """Draw the spectra at native pixels and write a file of each, and the catalog."""
    if not len(CLASS_PERSON) <= config.spectra <= MOST:
        raise InputError(f"--spectra {config.spectra} is not possible; give 4 to {MOST}")
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")
    if config.out.exists():
        raise InputError(f"{config.out} exists; give another folder with --out, or remove it")
    from data_prep.mock.survey import blocks
    from spectranet_jax.datasets.atomic import atomic, check_writable
    from spectranet_jax.progress import progress
    from spectranet_jax.spectra.grid import QUASARNET_GRID

    check_writable(config.out, folder=True)
    each, remainder = divmod(config.spectra, len(CLASS_PERSON))
    counts = {name: each + (i < remainder) for i, name in enumerate(CLASS_PERSON)}
    drawn = []
    with progress("drawing mock spectra", config.spectra) as advance:
        for block in blocks(counts, config.seed, QUASARNET_GRID, native=True):
            drawn.append(block)
            advance(len(block))
    flux, ivar = (np.concatenate([block.native[k] for block in drawn]) for k in ("flux", "ivar"))
    z = np.concatenate([block.z for block in drawn])
    codes = np.repeat(list(CLASS_PERSON.values()), list(counts.values()))
    with atomic(config.out) as folder:
        (folder / "spectra").mkdir(parents=True)
        for fiber, pixels in enumerate(zip(flux, ivar, strict=True), 1):
            _write_spec(folder / "spectra", fiber, *pixels)
        _write_catalog(folder / "catalog.fits", codes, z)
    print(f"{config.spectra} mock spectra in {config.out / 'spectra'}, and what they are in")
    print(f"{config.out / 'catalog.fits'}")


def _write_spec(folder: Path, fiber: int, flux: NDArray[Any], ivar: NDArray[Any]) -> None:
    """Write one spectrum (4750,) as a spec file; flux in 1e-17 erg/s/cm^2/Angstrom."""
    from astropy.io import fits

    from spectranet_jax.spectra.native import NATIVE_GRID

    primary = fits.PrimaryHDU()
    primary.header.update({"PLATEID": PLATE, "MJD": MJD, "FIBERID": fiber})
    primary.header["COMMENT"] = "A mock spectrum, not an observation."
    columns = {"flux": flux, "ivar": ivar, "loglam": np.log10(NATIVE_GRID.centers)}
    coadd = fits.BinTableHDU.from_columns(
        [fits.Column(name, "E", array=values) for name, values in columns.items()]
        + [fits.Column("and_mask", "J", array=np.zeros(len(flux), np.int32))],
        name="COADD",
    )
    name = f"spec-{PLATE}-{MJD}-{fiber:04d}.fits"
    fits.HDUList([primary, coadd]).writeto(folder / name, checksum=True)


def _write_catalog(path: Path, codes: NDArray[Any], z: NDArray[np.float64]) -> None:
    """Write class codes (n,) and redshifts (n,), NaN for stars, in the layout of Superset_DR12Q."""
    from astropy.table import Table

    n = len(codes)
    fiber = np.arange(1, n + 1, dtype=np.int32)
    Table(
        {
            "PLATE": np.full(n, PLATE, np.int32),
            "MJD": np.full(n, MJD, np.int32),
            "FIBERID": fiber,
            "THING_ID": 1000 + fiber,
            "CLASS_PERSON": codes.astype(np.int32),
            "Z_VI": np.where(np.isfinite(z), z, 0),
            "Z_CONF_PERSON": np.full(n, 3, np.int32),
        }
    ).write(path)


if __name__ == "__main__":
    command(Config, main, "Write mock spectra as spec files with a catalog, to try commands with.")
