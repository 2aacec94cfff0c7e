"""Noise-free mock spectra in the rest frame, at native pixels, from which basis vectors are made.

They are drawn at redshift 0 over every wavelength that is wanted, so that none has a missing end.
Of what lies between a quasar and us, absorbers and the forest, they have none.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import dust, quasar_lines
from data_prep.mock import galaxies as observed_galaxies
from data_prep.mock import quasars as observed_quasars
from data_prep.mock.draws import log_normal
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.populations import REST_GRID, stellar_flux
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.native import STEP

LUMINOSITY = (-2.5, 4.5)
"""Range of M_i + 26 of quasars below z = 1.57."""

HOSTS = ("old", "intermediate", "star-forming")


def rest_grid(first: float, last: float) -> tuple[int, LogGrid]:
    """Return native pixels centered from `first` to `last`, Angstrom.

    Returns:
        log10 of the first center in steps of `native.STEP`, and the pixels.
    """
    start, stop = int(np.ceil(np.log10(first) / STEP)), int(np.floor(np.log10(last) / STEP))
    return start, LogGrid(start=10 ** ((start - 0.5) * STEP), dloglam=STEP, size=stop - start + 1)


def galaxies(
    rng: np.random.Generator, n: int, grid: LogGrid, ingredients: Ingredients = EVERYTHING
) -> Array:
    """Draw galaxies of the kinds of the mock survey, noise-free, float32 (n, pixels), any scale."""
    names = np.array(list(observed_galaxies.FRACTIONS))
    kind = names[rng.choice(len(names), n, p=list(observed_galaxies.FRACTIONS.values()))]
    z = np.zeros(n)
    flux = _starlight(rng, kind, grid)
    ionized = np.isin(kind, observed_galaxies.IONIZED)
    flux += observed_galaxies.gas(rng, ionized, flux, z, grid)
    if (bank := ingredients.bank("GALAXY")) is not None:
        rows = np.flatnonzero(rng.random(n) < observed_galaxies.EMPIRICAL)
        flux[rows] = observed_galaxies.template_flux(rng, bank, ionized[rows], z[rows], grid)
    reddening = rng.exponential(0.12, n).astype(np.float32) * (kind != "old")
    return flux * dust.dimming(dust.milky_way(_wavelength(n, grid)), reddening)


def quasars(
    rng: np.random.Generator, n: int, grid: LogGrid, ingredients: Ingredients = EVERYTHING
) -> Array:
    """Draw quasars as below z = 1.57, noise-free, float32 (n, pixels), any scale."""
    z, wavelength = np.zeros(n), _wavelength(n, grid)
    luminosity = rng.uniform(*LUMINOSITY, n)
    flux = observed_quasars.power_law(rng, wavelength)
    flux *= 1 + quasar_lines.emission(rng, luminosity, z, grid, ingredients)
    if (bank := ingredients.bank("QSO")) is not None:
        rows = np.flatnonzero(rng.random(n) < observed_quasars.EMPIRICAL)
        flux[rows] = observed_quasars.template_flux(rng, bank, flux[rows], z[rows], grid)
    reddening = rng.exponential(0.033, n).astype(np.float32)
    flux *= dust.dimming(dust.small_magellanic(wavelength), reddening)
    if ingredients.has("host and iron"):
        stars = _starlight(rng, rng.choice(np.array(HOSTS), n), grid)
        at_5500 = int(grid.bin_of(np.log10(np.array(5500.0))))
        ratio = log_normal(rng, n, 0.25, 1.1) * 10 ** (0.16 * luminosity)  # as in `quasars.host`
        level = flux[:, at_5500] / stars[:, at_5500] * np.minimum(ratio, 4.0)
        flux += level[:, None].astype(np.float32) * stars
    return flux


Generator = Callable[[np.random.Generator, int, LogGrid, Ingredients], Array]

KINDS: dict[str, tuple[Generator, tuple[float, float]]] = {
    "GALAXY": (galaxies, (1500.0, 9980.0)),
    "QSO": (quasars, (1340.0, 10_000.0)),
}
"""Generator of each kind, and the wavelengths of its basis vectors, Angstrom: for galaxies those of
the templates that half of them are drawn from.
"""


def principal(flux: NDArray[np.floating], vectors: int) -> NDArray[np.float64]:
    """Return leading principal vectors of spectra of equal weight, float64 (vectors, pixels).

    Every spectrum is brought to unit norm first, so that none counts for its brightness, nor for
    the strength of its lines. No mean is subtracted: the first vector is about the mean. Each has
    unit norm and a positive sum.

    Args:
        flux: (n, pixels), n no less than `vectors`.
        vectors: how many.
    """
    flux = np.asarray(flux, np.float64)
    flux = flux / np.linalg.norm(flux, axis=1, keepdims=True)
    _, amounts = np.linalg.eigh(flux @ flux.T)  # ascending
    leading = amounts[:, ::-1][:, :vectors].T @ flux
    leading *= np.where(leading.sum(axis=1) < 0, -1, 1)[:, None]
    return leading / np.linalg.norm(leading, axis=1, keepdims=True)


def _starlight(rng: np.random.Generator, kind: NDArray[np.str_], grid: LogGrid) -> Array:
    """Draw starlight, float32 (n, pixels), interpolated between the pixels computed."""
    flux = stellar_flux(rng, kind, np.zeros(len(kind)), REST_GRID)
    places, wanted = np.log10(REST_GRID.centers), np.log10(grid.centers)
    return np.array([np.interp(wanted, places, row) for row in flux], np.float32)


def _wavelength(n: int, grid: LogGrid) -> Array:
    return np.broadcast_to(grid.centers.astype(np.float32), (n, grid.size))
