"""Spectra, a catalog and p(z) for tests of inspection, made without a network."""

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inspection.page import Content
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.spectrum import Spectrum

HOSTILE = "<img src=x onerror=window.hacked=1>.fits"
"""A file name that a page must show but not run."""

EDGES = 5e-4 * np.arange(1641)


def spectrum(number: int, z: float, pixels: int = 1500, source: str = "") -> Spectrum:
    """A BOSS-like spectrum with Lya, C IV, C III] and Mg II at a redshift, and a masked region."""
    rng = np.random.default_rng(number)
    loglam = 3.56 + 4e-4 * (1500 / pixels) * np.arange(pixels)
    flux = np.ones(pixels)
    for line in ("Lya", "CIV", "CIII]", "MgII"):
        flux += 4 * np.exp(-0.5 * ((10**loglam / (1 + z) - REST[line]) / 15) ** 2)
    ivar = np.full(pixels, 25.0)
    ivar[700:720] = 0
    flux += rng.normal(0, 0.2, pixels)
    identity = {"PLATE": 7000 + number, "MJD": 56000, "FIBERID": 1 + number}
    name = f"{7000 + number}-56000-{1 + number:04d}"
    return Spectrum(
        name,
        loglam,
        flux.astype(np.float32),
        ivar.astype(np.float32),
        source or f"data/spec-{name}.fits",
        identity,
    )


def catalog(spectra: list[Spectrum], z: NDArray[np.floating]) -> Table:
    """Return what a model could answer: all quasars, the first ones least certain."""
    count = len(spectra)
    sure = np.linspace(0.2, 0.99, count)
    table = Table(masked=True)
    table["FILE"] = [spectrum.source for spectrum in spectra]
    table["ID"] = [spectrum.name for spectrum in spectra]
    table["CLASS"] = np.array(["QSO"] * count, "U7")
    for name in CLASSES:
        table[f"P_{name}"] = np.float32(sure if name == "QSO" else (1 - sure) / 3)
    table["Z"], table["Z_ERR"] = z, np.full(count, 0.001, np.float32)
    table["P_3000"], table["P_BAL"] = np.float32(sure), np.full(count, 0.1, np.float32)
    table["SN"] = np.linspace(5, 1, count).astype(np.float32)
    table["FLAGS"] = np.zeros(count, np.int32)
    table["ZWARN"] = np.zeros(count, np.int32)
    table["RA"], table["DEC"] = 150.123456 + np.arange(count), np.full(count, -2.5)
    table["Z2"], table["P_3000_Z2"] = z / 2, np.float32(0.9 - 0.9 * sure)
    table["EV_CIV"] = np.full(count, 3.5, np.float32)
    table["EV_MgII"] = np.full(count, -0.75, np.float32)
    return table


def posterior(z: NDArray[np.floating]) -> NDArray[np.float32]:
    """p(z) with a peak at z and a lower one at z / 2, (n, steps)."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    peaks = [np.exp(-0.5 * ((middle - np.log10(1 + at[:, None])) / 1e-3) ** 2) for at in (z, z / 2)]
    p = peaks[0] + 0.3 * peaks[1]
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def content(count: int, pixels: int = 1500) -> Content:
    """Spectra of quasars at z from 0.9 to 3.1, with all that a page can show of them."""
    z = np.linspace(0.9, 3.1, count)
    spectra = [spectrum(i, at, pixels) for i, at in enumerate(z)]
    table = catalog(spectra, z)
    return Content(table, spectra, posterior(z), EDGES, reference_z=z + 0.01 * np.arange(count))
