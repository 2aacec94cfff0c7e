"""The noise of a BOSS spectrum: its variance against wavelength and flux, and a draw of it.

variance = sky + photons * flux, with knots after the median sigma and the fits of variance against
flux of 140 spectra of plate 7102 (v5_7_0) in bins of `KNOT_WIDTH`; sky lines and the red end were
then set against plates 3650, 3655, 9367 and 10656 too. The variance of a bin is inversely
proportional to its width, as that of a mean of independent pixels is.

Works on NumPy and JAX arrays alike, so that a mock survey and a compiled training step draw the
same noise.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SKY

Array = Any
"""A NumPy or JAX array: any object with `__array_namespace__`."""

KNOT_WIDTH = 1e-3
"""Width in log10(wavelength) of the bins that the knots refer to: 690 km/s."""

# Wavelength, Angstrom -> sigma of such a bin without source light, 1e-17 erg/s/cm^2/Angstrom.
SKY_SIGMA = {3605: 1.3, 3650: 0.87, 3700: 0.58, 3800: 0.34, 4000: 0.18, 4250: 0.13, 4500: 0.105,
             5000: 0.085, 5500: 0.073, 5700: 0.085, 5900: 0.093, 6050: 0.093, 6300: 0.088,
             6500: 0.063, 7000: 0.050, 7500: 0.047, 8000: 0.055, 8250: 0.050, 8500: 0.057,
             8750: 0.055, 9000: 0.068, 9200: 0.044, 9500: 0.060, 9700: 0.070, 9900: 0.120,
             9980: 0.17}  # fmt: skip

MEDIAN_SIGMA = float(np.median(list(SKY_SIGMA.values())))
"""Median of the knots above: the sigma of noise that is the same at all wavelengths."""

# Wavelength, Angstrom -> variance per unit of flux.
PHOTONS = {3605: 0.03, 3800: 0.016, 4000: 0.0089, 4500: 0.0042, 5500: 0.0028, 6500: 0.0021,
           7500: 0.0016, 8500: 0.0023, 9200: 0.0017, 9980: 0.006}  # fmt: skip

# Sky line -> factor on the variance at its wavelength.
SKY_LINES = dict.fromkeys(SKY, 1.7) | {"sky OI 5579": 2.6, "sky OH 9378": 4, "sky OH 9442": 3}

# Wavelength, Angstrom -> true sigma over the sigma that ivar gives.
INFLATION = {3600: 1.35, 3800: 1.25, 4200: 1.12, 5500: 1.08, 6500: 1.03, 7500: 1.0}

LEVEL_SCATTER = 0.22
"""Scatter (natural log) of sigma from spectrum to spectrum, without source photons."""


def variance(
    flux: Float[Any, "*batch bins"], level: Float[Any, "*#batch #bins"], grid: LogGrid
) -> Float[Any, "*batch bins"]:
    """Return the variance of each bin, with the dtype and shape of flux.

    Args:
        flux: (n, bins), without noise, 1e-17 erg/s/cm^2/Angstrom.
        level: (n, bins) or (n, 1), sigma relative to the median spectrum's.
        grid: the bins.
    """
    xp = flux.__array_namespace__()
    sky, photons = (xp.asarray(x, dtype=flux.dtype)[None, :] for x in _knots(grid))
    positive = xp.maximum(flux, xp.zeros_like(flux))
    return level**2 * (sky + photons * positive)


def observe(
    flux: Float[Any, "*batch bins"],
    level: Float[Any, "*#batch #bins"],
    normals: Float[Any, "*batch bins"],
    grid: LogGrid,
) -> tuple[Float[Any, "*batch bins"], Float[Any, "*batch bins"]]:
    """Return flux with noise, and the inverse variance that a pipeline would report.

    Args:
        flux: (n, bins), without noise, 1e-17 erg/s/cm^2/Angstrom.
        level: (n, bins) or (n, 1), sigma relative to the median spectrum's.
        normals: (n, bins), standard normal draws.
        grid: the bins.

    Returns:
        flux and ivar, both (n, bins). The scatter is wider than ivar says in the blue, as in the
        survey (`INFLATION`).
    """
    xp = flux.__array_namespace__()
    var = variance(flux, level, grid)
    inflation = xp.asarray(_inflation(grid), dtype=flux.dtype)[None, :]
    return flux + inflation * xp.sqrt(var) * normals, 1 / var


def _knots(grid: LogGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance without source photons, and that per unit of flux, of each bin (bins,)."""
    narrower = KNOT_WIDTH / grid.dloglam
    sigma = np.interp(grid.centers, list(SKY_SIGMA), list(SKY_SIGMA.values()))
    sky = sigma**2
    for name, factor in SKY_LINES.items():
        distance = (np.log10(REST[name]) - np.log10(grid.centers)) / KNOT_WIDTH
        sky *= 1 + (factor - 1) * np.exp(-0.5 * (distance / 0.8) ** 2)
    photons = np.interp(grid.centers, list(PHOTONS), list(PHOTONS.values()))
    return narrower * sky, narrower * photons


def _inflation(grid: LogGrid) -> NDArray[np.float64]:
    return np.interp(grid.centers, list(INFLATION), list(INFLATION.values()))
