"""G and K giants: the effect of low gravity on the lines of a dwarf of the same temperature."""

import numpy as np

from data_prep.mock.carbon_stars import BLUE_CYANOGEN, RED_CYANOGEN
from data_prep.mock.draws import log_normal
from data_prep.mock.normal_stars import normal_stars
from data_prep.mock.profiles import Array, add_band
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

# Line of `lines.REST` -> width in km/s, and the fraction by which it is deeper in a bright giant
# than in a dwarf. Signs after Gray & Corbally (2009); sizes are round numbers, near the range of
# the calcium triplet (Cenarro et al. 2001, MNRAS 326, 959) and of Mg b (both cited from memory).
LOW_GRAVITY = {
    "CaII 8500": (220, 0.6),
    "CaII 8544": (260, 0.6),
    "CaII 8665": (250, 0.6),
    "MgH": (1500, -0.35),
    "Mgb": (650, -0.35),
    "NaD": (330, -0.35),
    "NaI 8191": (330, -0.5),
    "CaI 4228": (250, -0.4),
    "SrII 4079": (250, 0.5),
    "SrII 4217": (250, 0.5),
    "BaII 4555": (250, 0.4),
    "BaII 6498": (350, 0.4),
    "G band": (900, 0.2),
}

MOST = 0.8
"""Largest fraction of its depth that a line may lose, so that no line turns into emission."""

SIDE = 900.0
"""Length of the continuum on either side of a line, km/s: more than a bin of the survey."""


def giants(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw photospheres of 3600 to 5600 K, [Fe/H] -2.2 to 0.5, float32 (n, bins).

    Equivalent widths grow as metallicity to the power of 0.45, like those of strong lines.
    """
    metals = np.clip(rng.normal(-0.4, 0.55, n), -2.2, 0.5)
    return normal_stars(rng, grid, rng.triangular(3600, 4600, 5600, n), 10 ** (0.45 * metals))


def low_gravity(rng: np.random.Generator, flux: Array, grid: LogGrid) -> Array:
    """Turn spectra of dwarfs (n, bins) into spectra of giants, float32 (n, bins).

    Cyanogen and the calcium triplet become stronger; magnesium and sodium become weaker. A line
    changes by a fraction of its own depth, at any metallicity, temperature and velocity.
    """
    n, giant = len(flux), flux.copy()
    luminosity = rng.uniform(0.3, 1.3, n).astype(np.float32)
    for name, (width, change) in LOW_GRAVITY.items():
        fraction = np.maximum(change * luminosity * log_normal(rng, n, 1, 0.3), -MOST)
        giant *= np.exp(-fraction[:, None] * line_depth(giant, grid, REST[name], width))
    # Band heads are smooth over 600 km/s, so the velocity of the star is ignored.
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), flux.shape)
    depth = np.zeros_like(flux)
    for bands, median in ((BLUE_CYANOGEN, 0.22), (RED_CYANOGEN, 0.13)):
        amount = luminosity * log_normal(rng, n, median, 0.5)
        for head, tail, full in bands:
            add_band(depth, wavelength, head, full * amount, tail)
    return giant * np.exp(-depth)


def line_depth(flux: Array, grid: LogGrid, rest: float, width: float) -> Array:
    """Return the optical depth of one line of spectra (n, bins), 0 away from it and in emission.

    The continuum is the straight line through the highest flux on each side, because there are
    other lines on the sides, too.
    """
    velocity = np.log(grid.centers / rest) * SPEED_OF_LIGHT
    bin_half = grid.bin_kms / 2
    reach = 3 * width + bin_half
    sides = [(s * velocity > reach) & (s * velocity < reach + SIDE) for s in (-1, 1)]
    blue, red = (flux[:, side].max(axis=1, keepdims=True) for side in sides)
    start, end = (velocity[side].mean() for side in sides)
    share = np.clip((velocity - start) / (end - start), 0, 1).astype(np.float32)
    level = blue * (1 - share) + red * share
    window = np.exp(-((velocity / (2 * width + bin_half)) ** 4)).astype(np.float32)
    seen = np.log(np.maximum(level, 1e-30) / np.maximum(flux, 1e-30))
    return (window * np.maximum(seen, 0)).astype(np.float32)
