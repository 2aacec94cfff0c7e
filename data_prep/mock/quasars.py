"""Quasars: power laws with emission lines, seen through troughs, dust and hydrogen."""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import bals, dust, igm, quasar_lines
from data_prep.mock.draws import log_normal
from data_prep.mock.galaxies import stellar_light
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT


def redshifts(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Redshifts of a BOSS-like quasar survey, float64 (n,).

    Half from the peak of the selection (median 2.5, a tail to 5), half spread over 0.05 to 3.6,
    more evenly than any survey's, so that every line meets every part of the grid; a few more
    nearby, where hosts shine, and a few above 3.
    """
    peak = 2.05 + rng.gamma(1.7, 0.33, n)
    spread = rng.uniform(0.05, 3.6, n)
    z = np.where(rng.random(n) < 0.52, peak, spread)
    z = np.where(rng.random(n) < 0.08, rng.uniform(0.05, 0.9, n), z)
    return np.where(rng.random(n) < 0.05, rng.uniform(3, 5.3, n), np.minimum(z, 5.3))


def quasars(
    rng: np.random.Generator, z: NDArray[np.float64], magnitude: Array, grid: LogGrid, bal: bool
) -> tuple[Array, Array]:
    """Noiseless spectra of quasars, float32 (n, bins), arbitrary scale, and BI of C IV (n,).

    Args:
        rng: the source of all scatter.
        z: (n,), redshift.
        magnitude: (n,), i band: brighter than others of its redshift means weaker lines.
        grid: the bins.
        bal: give every quasar broad absorption troughs; z must then be within bals.DETECTABLE.
    """
    n = len(z)
    wavelength = (grid.centers / (1 + z[:, None])).astype(np.float32)
    luminosity = absolute_magnitude(magnitude, z) + 26.0  # 0 at M_i -26, negative is brighter
    light = power_law(rng, wavelength)
    light *= 1 + quasar_lines.emission(rng, luminosity, z, grid)

    absorbed, balnicity = np.ones_like(light), np.zeros(n, np.float32)
    if bal:
        absorbed, balnicity = bals.troughs(rng, z, grid)
    reddening = rng.exponential(0.07 if bal else 0.033, n)
    reddening += (rng.random(n) < 0.06) * rng.exponential(0.1, n)
    passed = dust.dimming(dust.small_magellanic(wavelength), reddening.astype(np.float32))
    light = light * absorbed * passed * igm.transmission(rng, z, grid)
    light *= bals.narrow_absorbers(rng, z, grid)
    return light + host(rng, light, luminosity, z, grid), balnicity


def absolute_magnitude(magnitude: Array, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """M_i in a flat universe (Omega_m 0.3, h 0.7), K-corrected for a slope of -0.5 in f_nu.

    The luminosity distance is the closed approximation of Pen (1999, ApJS 120, 49), to 0.4%.
    """
    distance = (1 + z) * (SPEED_OF_LIGHT / 70) * (_pen(1.0) - _pen(1 / (1 + z)))
    return magnitude - 5 * np.log10(distance * 1e5) + 2.5 * 0.5 * np.log10(1 + z)


def _pen(a: NDArray[np.float64] | float) -> NDArray[np.float64] | float:
    s3 = 0.7 / 0.3
    s = s3 ** (1 / 3)
    inner = a**-4 - 0.1540 * s * a**-3 + 0.4304 * s**2 * a**-2 + 0.19097 * s3 / a + 0.066941 * s**4
    return 2 * np.sqrt(s3 + 1) * inner ** (-1 / 8)


def power_law(rng: np.random.Generator, wavelength: Array) -> Array:
    """Broken power law, 1 at 1450 Angstrom, float32 (n, bins).

    Slopes alpha_nu: -1.5 below 1100 Angstrom, -0.5 to 5000, flatter beyond, each +- 0.3 (BOSS DR9
    mocks of Ross et al. 2013; Vanden Berk et al. 2001).
    """
    slopes = -2 - rng.normal((-1.5, -0.5, -0.4), 0.3, (len(wavelength), 3)).astype(np.float32)
    ultraviolet, middle, red = slopes[:, [0]], slopes[:, [1]], slopes[:, [2]]
    near = np.clip(wavelength, 1100, 5000)
    blue, tail = np.minimum(wavelength / 1100, 1), np.maximum(wavelength / 5000, 1)
    return (near / 1450) ** middle * blue**ultraviolet * tail**red


def host(
    rng: np.random.Generator,
    light: Array,
    luminosity: NDArray[np.float64],
    z: NDArray[np.float64],
    grid: LogGrid,
) -> Array:
    """Light of the host galaxy, float32 (n, bins): up to 80% of all in faint nearby quasars."""
    n = len(z)
    kind = rng.choice(np.array(["old", "intermediate", "star-forming"]), n)
    stars = stellar_light(rng, kind, z, grid)
    where = np.clip(np.log10(5500 * (1 + z) / grid.start) / grid.dloglam, 0, grid.size - 1)
    rows, column = np.arange(n), where.astype(np.int64)
    level = light[rows, column] / np.maximum(stars[rows, column], 1e-9)
    ratio = log_normal(rng, n, 0.25, 1.1) * 10 ** (0.16 * luminosity)
    ratio = np.minimum(ratio, 4.0) * (z < 1.1)
    return (level * ratio)[:, None].astype(np.float32) * stars
