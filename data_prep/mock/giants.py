"""G and K giants: what low gravity does to the lines of a dwarf of the same temperature."""

import numpy as np

from data_prep.mock.carbon_stars import BLUE_CYANOGEN, RED_CYANOGEN
from data_prep.mock.draws import log_normal
from data_prep.mock.normal_stars import in_frame, normal_stars, velocities
from data_prep.mock.profiles import Array, add_band, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

# Line -> vacuum Angstrom, width in km/s, and what a bright giant's equivalent width has more than a
# dwarf's, Angstrom. Signs after Gray & Corbally (2009); sizes are round numbers, near the range of
# the calcium triplet (Cenarro et al. 2001, MNRAS 326, 959) and of Mg b (both cited from memory).
LOW_GRAVITY = {
    "CaII 8500": (8500.4, 220, 0.6),
    "CaII 8544": (8544.4, 260, 1.6),
    "CaII 8665": (8664.5, 250, 1.3),
    "Mgb": (5176.7, 650, -2.2),
    "MgH": (5120.0, 1500, -1.5),
    "NaD": (5895.6, 330, -1.2),
    "NaI 8191": (8191.6, 330, -0.5),
    "CaI 4228": (4227.9, 250, -0.8),
    "SrII 4079": (4078.9, 250, 0.5),
    "SrII 4217": (4216.7, 250, 0.4),
    "BaII 4555": (4555.3, 250, 0.3),
    "BaII 6498": (6498.7, 350, 0.3),
    "CH 4300": (4303.0, 900, 1.2),
}


def giants(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw photospheres of 3600 to 5600 K, [Fe/H] -2.2 to 0.5, float32 (n, bins).

    Equivalent widths grow as the metals to the power 0.45, as those of strong lines do.
    """
    metals = np.clip(rng.normal(-0.4, 0.55, n), -2.2, 0.5)
    return normal_stars(rng, grid, rng.triangular(3600, 4600, 5600, n), 10 ** (0.45 * metals))


def low_gravity(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw what the spectrum of a dwarf is multiplied by to be a giant's, float32 (n, bins).

    Cyanogen is strong, and the triplet of calcium; magnesium and sodium are weak.
    """
    velocity = velocities(rng, n)
    depth = np.zeros((n, grid.size), np.float32)
    luminosity = rng.uniform(0.3, 1.3, n).astype(np.float32)
    for at, width, change in LOW_GRAVITY.values():
        strength = change * luminosity * log_normal(rng, n, 1, 0.3)
        add_line(depth, grid, at, strength, width, z=velocity / SPEED_OF_LIGHT)
    wavelength = in_frame(grid, velocity)
    for bands, median in ((BLUE_CYANOGEN, 0.22), (RED_CYANOGEN, 0.13)):
        amount = luminosity * log_normal(rng, n, median, 0.5)
        for head, tail, full in bands:
            add_band(depth, wavelength, head, full * amount, tail)
    return np.exp(-depth)
