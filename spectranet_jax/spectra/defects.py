"""Defects that pipelines leave in a few spectra: hot pixels, wrongly scaled arms, too low a level.

The size of a defect does not depend on the grid. A spike that is narrower than a bin is therefore
higher in a narrower bin, and an offset is the same flux in bins of any width.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.instruments import KNOT_WIDTH
from spectranet_jax.spectra.random_fields import Draws, exponential
from spectranet_jax.spectra.spectrographs import Tables

RAY_RATE, RAY_SIGMA = 0.0008, 6.0
"""Cosmic rays per bin of `KNOT_WIDTH`, one per 860,000 km/s, and their mean height in its sigma."""

HOT_FRACTION, HOT_PIXELS, HOT_SIGMA = 0.03, 3.0, 20.0
"""Fraction of spectra with hot pixels, their mean number, and their mean height in this sigma."""

SCALED_FRACTION, LARGEST_SCALE = 0.04, 1.3
"""Fraction of spectra with one wrongly scaled arm, and the largest factor, up or down."""

PEDESTAL_FRACTION, PEDESTAL = 0.03, 1.5
"""Fraction of spectra with too much sky subtracted, and the mean excess in this sigma."""


def glitches(
    draws: Draws, flux: Float[Any, "n bins"], sigma: Float[Any, "n bins"], grid: LogGrid
) -> Float[Any, "n bins"]:
    """Return flux with cosmic rays that survived co-addition, (n, bins)."""
    narrower = KNOT_WIDTH / grid.dloglam
    hit = draws.uniform(*flux.shape) < RAY_RATE / narrower
    height = np.float32(RAY_SIGMA * narrower**0.5)
    return flux + hit * height * sigma * exponential(draws, *flux.shape)


def defects(
    draws: Draws,
    flux: Float[Any, "n bins"],
    sigma: Float[Any, "n bins"],
    tables: Tables,
    grid: LogGrid,
) -> Float[Any, "n bins"]:
    """Return flux with all defects, each in a few of the spectra, (n, bins)."""
    flux = hot_pixels(draws, flux, sigma, grid)
    return pedestal(draws, scaled_arm(draws, flux, tables), tables, grid)


def hot_pixels(
    draws: Draws, flux: Float[Any, "n bins"], sigma: Float[Any, "n bins"], grid: LogGrid
) -> Float[Any, "n bins"]:
    """Return flux with hot pixels in a few of the spectra, (n, bins)."""
    n, bins = flux.shape
    hot = draws.uniform(n, 1) < HOT_FRACTION
    hit = hot & (draws.uniform(n, bins) < HOT_PIXELS / bins)
    height = np.float32(HOT_SIGMA * (KNOT_WIDTH / grid.dloglam) ** 0.5)
    return flux + hit * height * sigma * exponential(draws, n, bins)


def scaled_arm(draws: Draws, flux: Float[Any, "n bins"], tables: Tables) -> Float[Any, "n bins"]:
    """Return flux with one wrongly scaled arm in a few of the spectra, (n, bins)."""
    xp, n = flux.__array_namespace__(), len(flux)
    arm = one_arm(draws, tables)
    scale = xp.exp(np.float32(np.log(LARGEST_SCALE)) * (2 * draws.uniform(n, 1) - 1))
    scaled = (draws.uniform(n, 1) < SCALED_FRACTION) & arm
    return xp.where(scaled, flux * scale, flux)


def one_arm(draws: Draws, tables: Tables) -> Shaped[Any, "n bins"]:
    """Draw one arm of each spectrum's instrument; return the mask of its bins, bool (n, bins)."""
    arm = (draws.uniform(len(tables.arms), 1) * tables.arms).astype(np.int32)
    return tables.arm == arm


def pedestal(
    draws: Draws, flux: Float[Any, "n bins"], tables: Tables, grid: LogGrid
) -> Float[Any, "n bins"]:
    """Return flux from which too much sky was taken in a few of the spectra, (n, bins)."""
    n = len(flux)
    too_much = (draws.uniform(n, 1) < PEDESTAL_FRACTION) * exponential(draws, n, 1)
    sigma = tables.white * np.float32((grid.dloglam / KNOT_WIDTH) ** 0.5)  # of a wide bin
    return flux - np.float32(PEDESTAL) * too_much * sigma
