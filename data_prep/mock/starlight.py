"""Starlight of galaxies and of the hosts of quasars, from two independent models."""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import blended_populations, populations
from data_prep.mock.ingredients import Ingredients
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid

BLENDED = 0.5
"""Fraction drawn from `blended_populations`."""


def starlight(
    rng: np.random.Generator,
    kind: NDArray[np.str_],
    z: NDArray[np.float64],
    grid: LogGrid,
    ingredients: Ingredients,
) -> Array:
    """Draw starlight, float32 (n, bins), about 1 at rest-frame 5500 Angstrom.

    Args:
        rng: of all scatter.
        kind: (n,), keys of `populations.MIXTURES`.
        z: (n,), redshift.
        grid: the bins.
        ingredients: whether there is more than one model of starlight.
    """
    fraction = BLENDED if ingredients.has("second starlight") else 0.0
    blended = rng.random(len(z)) < fraction
    flux = np.zeros((len(z), grid.size), np.float32)
    for rows, model in ((~blended, populations), (blended, blended_populations)):
        if rows.any():
            flux[rows] = model.stellar_flux(rng, kind[rows], z[rows], grid)
    return flux
