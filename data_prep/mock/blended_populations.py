"""A second model of the starlight of galaxies: photospheres with broad blends of lines.

Independent of `populations` in its temperatures, mixtures and lines, so that a network does not
depend on how one model draws starlight. All lines of a galaxy are weaker or stronger together.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import log_normal
from data_prep.mock.photospheres import absorption, continuum
from data_prep.mock.populations import (
    BIN,
    FINE_REST_GRID,
    REST_GRID,
    dirichlet,
    rest_bins,
    smoothed,
)
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid

STARS = 250.0
"""Width (sigma) by which the motions of stars smooth starlight, km/s: that of massive galaxies."""

TEMPERATURES = (3500.0, 4400.0, 5700.0, 9000.0, 20000.0)
"""Temperatures of the stars of a population: cool giants, giants, turn-off, A and B stars."""

# Fraction of the flux at 5500 Angstrom by temperature; a Dirichlet draw around it.
MIXTURES = {
    "old": (0.26, 0.28, 0.41, 0.04, 0.01),
    "intermediate": (0.16, 0.22, 0.39, 0.18, 0.05),
    "post-starburst": (0.10, 0.18, 0.28, 0.40, 0.04),
    "star-forming": (0.05, 0.13, 0.25, 0.37, 0.20),
    "compact blue": (0.02, 0.04, 0.10, 0.34, 0.50),
}

CONCENTRATION = 12.0
"""Concentration of the Dirichlet draw: a larger value makes galaxies of a kind more alike."""

SCATTER = 0.2
"""Scatter of the strength of all lines, natural log."""


def stellar_flux(
    rng: np.random.Generator, kind: NDArray[np.str_], z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Draw starlight alone, float32 (n, bins), about 1 at rest-frame 5500 Angstrom.

    Args:
        rng: of the scatter in mixture and line strength.
        kind: (n,), keys of `MIXTURES`.
        z: (n,), redshift.
        grid: the bins.
    """
    narrow = grid.dloglam < REST_GRID.dloglam
    rest = FINE_REST_GRID if narrow else REST_GRID
    smooth, depth = _photospheres(rest, 0.0 if narrow else BIN)
    weights = CONCENTRATION * np.array([MIXTURES[name] for name in kind])
    fractions = dirichlet(rng, weights).astype(np.float32)
    strength = log_normal(rng, len(z), 1, SCATTER)[:, None]
    fine = rest_bins(rest, z, grid)
    flux = np.zeros(fine.shape, np.float32)
    for fraction, level, lines in zip(fractions.T, smooth, depth, strict=True):
        flux += fraction[:, None] * level[fine] * np.exp(-strength * lines[fine])
    return flux


@cache
def _photospheres(rest: LogGrid, instrument: float) -> tuple[Array, Array]:
    """Return continua and depths of lines, each float32 (temperatures, rest.size).

    Lines are smoothed by the motions of stars and by the width of an instrument, km/s.
    """
    temperature = np.array(TEMPERATURES, np.float32)
    ones = np.ones_like(temperature)
    wavelength = np.broadcast_to(rest.centers.astype(np.float32), (len(temperature), rest.size))
    depth = absorption(rest, wavelength, temperature, ones, ones, ones, ones, 0 * ones)
    seen = smoothed(np.exp(-depth), rest, float(np.hypot(STARS, instrument)))
    return continuum(wavelength, temperature, ones), -np.log(seen).astype(np.float32)
