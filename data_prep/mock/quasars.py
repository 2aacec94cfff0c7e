"""Quasars: power laws with emission lines, or observed spectra, seen through troughs, dust and
hydrogen."""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import bals, dust, igm, outflows, quasar_lines
from data_prep.mock.displaced_lines import Displaced
from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.empirical import Bank, bent
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.profiles import Array
from data_prep.mock.starlight import starlight
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

EMPIRICAL = 0.3
"""Fraction of quasars drawn from templates where these reach."""


HIGHEST = 6.5
"""Highest redshift: Lyman-alpha is at 9,117 Angstrom, so some continuum redward is on the grid."""

DISTANT_FRACTION, NEAREST_FRACTION = 0.025, 0.015
"""Fractions of quasars that "wide range" adds: above redshift 5, and nearby."""


def redshifts(
    rng: np.random.Generator, n: int, ingredients: Ingredients = EVERYTHING
) -> NDArray[np.float64]:
    """Draw redshifts of a BOSS-like quasar survey, float64 (n,).

    Half from the peak of the selection (median 2.5, a tail to 5), half spread over 0.05 to 3.6,
    more evenly than any survey's, so that every line meets every part of the grid; more
    nearby, where host galaxies are bright, and a few above 3. The ingredient "wide range" adds some
    from 5 to `HIGHEST`, and Seyfert galaxies from 0.005.
    """
    peak = 2.05 + rng.gamma(1.7, 0.33, n)
    spread = rng.uniform(0.05, 3.6, n)
    z = np.where(rng.random(n) < 0.52, peak, spread)
    z = np.where(rng.random(n) < 0.13, rng.uniform(0.05, 0.9, n), z)
    z = np.where(rng.random(n) < 0.05, rng.uniform(3, 5.3, n), np.minimum(z, 5.3))
    if ingredients.has("wide range"):
        part = rng.random(n)
        z = np.where(part < DISTANT_FRACTION, rng.uniform(5, HIGHEST, n), z)
        z = np.where(part > 1 - NEAREST_FRACTION, log_uniform(rng, n, 0.005, 0.08), z)
    return z


def quasars(
    rng: np.random.Generator,
    z: NDArray[np.float64],
    magnitude: Array,
    grid: LogGrid,
    bal: bool,
    ingredients: Ingredients = EVERYTHING,
) -> tuple[Array, Array]:
    """Draw noise-free spectra of quasars, float32 (n, bins), arbitrary scale, and BI of C IV (n,).

    BI is NaN where there is a trough of low ions and C IV is not on the grid.

    Args:
        rng: the source of all scatter.
        z: (n,), redshift.
        magnitude: (n,), i band: brighter than others of its redshift means weaker lines.
        grid: the bins.
        bal: give every quasar broad absorption troughs; z must then be within bals.DETECTABLE.
        ingredients: what they are made of.
    """
    n = len(z)
    wavelength = (grid.centers / (1 + z[:, None])).astype(np.float32)
    luminosity = absolute_magnitude(magnitude, z) + 26.0  # 0 at M_i -26, negative is brighter
    flux = power_law(rng, wavelength)
    moving = ingredients.has("displaced lines")
    displaced = Displaced.draw(rng, z) if moving else Displaced.none(n)
    flux *= 1 + quasar_lines.emission(rng, luminosity, z, grid, ingredients, displaced)
    if (bank := ingredients.bank("QSO")) is not None:
        rows = np.flatnonzero((rng.random(n) < EMPIRICAL) & ~displaced.any)
        flux[rows] = template_flux(rng, bank, flux[rows], z[rows], grid)

    absorbed, balnicity = np.ones_like(flux), np.zeros(n, np.float32)
    if bal:
        absorbed, balnicity = bals.troughs(rng, z, grid)
    reddening = rng.exponential(0.07 if bal else 0.033, n)
    reddening += (rng.random(n) < 0.06) * rng.exponential(0.1, n)
    passed = dust.dimming(dust.small_magellanic(wavelength), reddening.astype(np.float32))
    flux = flux * absorbed * passed * igm.transmission(rng, z, grid)
    if ingredients.has("narrow absorbers"):
        flux *= bals.narrow_absorbers(rng, z, grid)
        if not bal:
            flux *= bals.mini_bals(rng, z, grid)
    if ingredients.has("wide range") and not bal:
        passed, unknown = outflows.low_ionization(rng, z, grid)
        flux *= passed * outflows.fast(rng, z, grid)
        balnicity[unknown] = np.nan
    if ingredients.has("host and iron"):
        flux += host(rng, flux, luminosity, z, grid, ingredients)
    return flux, balnicity


def template_flux(
    rng: np.random.Generator, bank: Bank, flux: Array, z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Draw templates of `bank` where they reach, and scale `flux` (n, bins) to them beyond.

    Blueward, where a template begins amid Lyman-alpha, the scale passes within 15 Angstrom from
    that of the line's peak to that of the continuum redward of the line.
    """
    n = len(z)
    rest = grid.centers / (1 + z[:, None])
    low, high = bank.grid.start * 1.001, float(bank.grid.edges[-1]) * 0.999
    template = bent(rng, bank.seen(rng.integers(0, len(bank), n), z, grid), grid, 0.03)
    ratio = np.log(np.maximum(template, 0.01) / np.maximum(flux, 1e-6))

    def ratio_at(wavelength: float) -> Array:
        """Ratio over 2,070 km/s from a rest wavelength on, or at the grid's end, (n, 1)."""
        first = grid.bin_of(np.log10(wavelength * (1 + z)))[:, None] + np.arange(grid.bins(2070))
        columns = np.clip(first, 0, grid.size - 1)
        return np.take_along_axis(ratio, columns, axis=1).mean(axis=1, keepdims=True)

    peak, continuum, red = ratio_at(low), ratio_at(1282.0), ratio_at(high * 0.993)
    fade = np.exp(np.minimum(rest - low, 0) / 15.0)
    blueward = continuum + (peak - continuum) * fade
    scale = np.where(rest < low, blueward, np.where(rest > high, red, ratio))
    return (flux * np.exp(scale)).astype(np.float32)


def absolute_magnitude(magnitude: Array, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return M_i in a flat universe (Omega_m 0.3, h 0.7), K-corrected for a slope of -0.5 in f_nu.

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
    """Draw a broken power law, 1 at 1450 Angstrom, float32 (n, bins).

    Slopes alpha_nu: -1.5 below 1100 Angstrom, -0.5 to 5000, flatter beyond, each +- 0.3 (as the
    quasars simulated for the BOSS DR9 luminosity function, Ross et al. 2013, ApJ 773, 14).
    """
    slopes = -2 - rng.normal((-1.5, -0.5, -0.4), 0.3, (len(wavelength), 3)).astype(np.float32)
    ultraviolet, middle, red = slopes[:, [0]], slopes[:, [1]], slopes[:, [2]]
    near = np.clip(wavelength, 1100, 5000)
    blue, tail = np.minimum(wavelength / 1100, 1), np.maximum(wavelength / 5000, 1)
    return (near / 1450) ** middle * blue**ultraviolet * tail**red


def host(
    rng: np.random.Generator,
    flux: Array,
    luminosity: NDArray[np.float64],
    z: NDArray[np.float64],
    grid: LogGrid,
    ingredients: Ingredients = EVERYTHING,
) -> Array:
    """Draw the host galaxy, float32 (n, bins): up to 80% of the total in faint nearby quasars."""
    n = len(z)
    kind = rng.choice(np.array(["old", "intermediate", "star-forming"]), n)
    stars = starlight(rng, kind, z, grid, ingredients)
    where = np.clip(np.log10(5500 * (1 + z) / grid.start) / grid.dloglam, 0, grid.size - 1)
    rows, column = np.arange(n), where.astype(np.int64)
    level = flux[rows, column] / np.maximum(stars[rows, column], 1e-9)
    ratio = log_normal(rng, n, 0.25, 1.1) * 10 ** (0.16 * luminosity)
    ratio = np.minimum(ratio, 4.0) * (z < 1.1)
    return (level * ratio)[:, None].astype(np.float32) * stars
