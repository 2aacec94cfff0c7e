"""Small synthetic templates in the formats of redrock and of PyHammer."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from spectranet_jax.spectra.lines import REST


def write_archetypes(
    path: Path, kind: str, flux: np.ndarray, subtype: list[str], start=3.4, step=1e-4
) -> None:
    columns = [
        fits.Column("ARCHETYPE", f"{flux.shape[1]}E", array=flux),
        fits.Column("SUBTYPE", "8A", array=np.array(subtype)),
    ]
    header = fits.Header({"CRVAL1": start, "CDELT1": step, "LOGLAM": True, "RRTYPE": kind})
    fits.BinTableHDU.from_columns(columns, header, name="ARCHETYPES").writeto(path)


def write_basis(
    path: Path,
    kind: str,
    vectors: np.ndarray,
    weights: np.ndarray | None = None,
    subtype: str = "",
    start=3.4,
    step=1e-4,
) -> None:
    header = fits.Header({"CRVAL1": start, "CDELT1": step, "RRTYPE": kind, "RRSUBTYP": subtype})
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(vectors, header, name="BASIS_VECTORS")]
    if weights is not None:
        hdus.append(fits.ImageHDU(weights, name="ARCHETYPE_COEFF"))
    fits.HDUList(hdus).writeto(path)


def write_star(path: Path, flux: np.ndarray, start=3.5563) -> None:
    loglam = start + 1e-4 * np.arange(len(flux))
    columns = [
        fits.Column("Loglam", "D", array=loglam),
        fits.Column("Flux", "D", array=flux),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(path)


def bump(wavelength: np.ndarray, name: str, amount: float, sigma: float = 6.0) -> np.ndarray:
    return amount * np.exp(-0.5 * ((wavelength - REST[name]) / sigma) ** 2)


def write_folder(folder: Path) -> Path:
    """Write galaxies, with and without H-alpha, quasars, and stars of type A to M and WD."""
    (folder / "redrock").mkdir(parents=True)
    (folder / "pyhammer").mkdir()
    wavelength = 1400.0 + np.arange(8700)
    old = np.where(wavelength < 4000, 0.4, 1.0) - bump(wavelength, "Mgb", 0.2)
    vectors = np.array([old, 3e3 / wavelength + bump(wavelength, "Halpha", 4)])
    share = np.concatenate([np.linspace(0, 0.02, 12), np.linspace(0.9, 1, 12)])
    weights = np.stack([1 - share, share], axis=1)
    galaxies = folder / "redrock" / "rrtemplate-galaxy.fits"
    write_basis(galaxies, "GALAXY", vectors, weights, start=1400.0, step=1.0)

    wavelength = 10 ** (2.9 + 1e-4 * np.arange(9000))
    strength = np.linspace(0.5, 3, 12)[:, None]
    flux = 3e3 / wavelength * (1 + strength * bump(wavelength, "MgII", 1, 30))
    quasars = folder / "redrock" / "rrarchetype-qso.fits"
    write_archetypes(quasars, "QSO", flux, [""] * len(flux), 2.9)
    dwarfs = (wavelength / 3000) ** -3 * np.ones((6, 1))
    write_archetypes(
        folder / "redrock" / "rrarchetype-star.fits", "STAR", dwarfs, ["WD:DA"] * 6, 3.2
    )

    wavelength = 10 ** (3.5563 + 1e-4 * np.arange(4500))
    for i in range(36):
        name = f"{'BAFGKM'[i // 6]}{i % 6}_+0.0_Dwarf.fits"
        flux = (wavelength / 5500) ** (i / 6 - 3.0) - bump(wavelength, "Halpha", 0.5 / (1 + i / 6))
        write_star(folder / "pyhammer" / name, flux)
    return folder
