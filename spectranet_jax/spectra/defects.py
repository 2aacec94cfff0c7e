"""Defects that pipelines leave in a few spectra: hot pixels, arms out of scale, too low a level."""

from typing import Any

import numpy as np
from jaxtyping import Float

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.instruments import KNOT_WIDTH
from spectranet_jax.spectra.random_fields import Draws, exponential
from spectranet_jax.spectra.spectrographs import Tables

HOT_FRACTION, HOT_PIXELS, HOT_SIGMA = 0.03, 3.0, 20.0
"""Fraction of spectra with hot pixels, their mean number, and their mean height in sigma."""

SCALED_FRACTION, LARGEST_SCALE = 0.04, 1.3
"""Fraction of spectra with one arm out of scale, and the largest factor, up or down."""

PEDESTAL_FRACTION, PEDESTAL = 0.03, 1.5
"""Fraction of spectra from which too much sky is taken, and its mean, in sigma of a bin."""


def glitches(
    draws: Draws, flux: Float[Any, "n bins"], sigma: Float[Any, "n bins"], grid: LogGrid
) -> Float[Any, "n bins"]:
    """Return flux with cosmic rays that survived co-addition, and hot pixels, float32 (n, bins).

    There is one ray per 860,000 km/s. They are narrower than a bin, so that in a narrower bin there
    are fewer of them, and each stands out of the noise by more.
    """
    n, bins = flux.shape
    narrower = KNOT_WIDTH / grid.dloglam
    hot = draws.uniform(n, 1) < HOT_FRACTION
    hit = draws.uniform(n, bins) < 0.0008 / narrower + hot * np.float32(HOT_PIXELS / bins)
    height = np.float32(6 * narrower**0.5) + hot * np.float32(HOT_SIGMA)
    return flux + hit * height * sigma * exponential(draws, n, bins)


def defects(draws: Draws, flux: Float[Any, "n bins"], tables: Tables) -> Float[Any, "n bins"]:
    """Return flux with arms out of scale and levels too low in a few spectra, (n, bins)."""
    xp = flux.__array_namespace__()
    n = len(flux)
    arm = (draws.uniform(n, 1) * tables.arms).astype(np.int32)
    scale = xp.exp(np.float32(np.log(LARGEST_SCALE)) * (2 * draws.uniform(n, 1) - 1))
    scaled = (draws.uniform(n, 1) < SCALED_FRACTION) & (tables.arm == arm)
    flux = xp.where(scaled, flux * scale, flux)

    too_much = (draws.uniform(n, 1) < PEDESTAL_FRACTION) * exponential(draws, n, 1)
    return flux - np.float32(PEDESTAL) * too_much * tables.white
