"""Families of a quasar's broad lines: the strength of each, and the speed of the outflow."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import log_uniform
from data_prep.mock.profiles import Array


class Family(NamedTuple):
    """Lines that rise, fall and move together.

    Attributes:
        baldwin: slope of log10 of the equivalent width against magnitude.
        scatter: of the equivalent width, natural log.
        blueshift: exponent of the outflow factor in the increase of the lines' shifts.
        weakening: exponent of the outflow factor in the decrease of their equivalent widths.
        velocity: scatter of the family's shift from quasar to quasar, km/s (about the intrinsic
            scatter of line peaks of Shen et al. 2016, ApJ 831, 7).
    """

    baldwin: float
    scatter: float
    blueshift: float
    weakening: float
    velocity: float


FAMILIES = {
    "lya": Family(0.09, 0.45, 0.5, 0.20, 150),
    "high": Family(0.095, 0.35, 1.0, 0.35, 150),
    "semi": Family(0.03, 0.35, 0.5, 0.15, 180),
    "low": Family(0.03, 0.40, 0.5, -0.35, 150),
    "magnesium": Family(0.065, 0.35, 0.0, 0.0, 160),
    "balmer": Family(0.02, 0.35, 0.0, 0.0, 200),
    "iron": Family(0.0, 0.60, 0.0, -0.1, 200),
}


def outflow_factor(rng: np.random.Generator, luminosity: NDArray[np.float64]) -> Array:
    """Draw the outflow factor of the high-ionization lines, float32 (n,): 1 in the composite.

    The blueshift of C IV runs from 0 to 3,000 km/s (mean 810 km/s of radio-quiet quasars, Richards
    et al. 2011, AJ 141, 167; checked in its abstract) and grows with luminosity.
    """
    mean = np.clip(1.0 - 0.13 * luminosity, 0.35, 1.8)
    return np.maximum(mean * rng.gamma(2.2, 1 / 2.2, len(luminosity)), 0.05).astype(np.float32)


def strengths(
    rng: np.random.Generator, luminosity: NDArray[np.float64], outflow: Array
) -> dict[str, Array]:
    """Draw the strength of each family of lines, about 1: Baldwin effect, outflow and scatter.

    Where the outflow is fast, C IV is weak and Al III and Si III] are strong beside C III]
    (Richards et al. 2011, AJ 141, 167; cited from memory for these lines). Each (n,), float32.
    """
    n = len(luminosity)
    common = rng.normal(0, 0.25, n)
    weak = rng.random(n) < 0.03  # weak-line quasars
    baldwin = np.clip(luminosity, -3, 3.5)
    return {
        name: (
            np.exp(common * (name != "iron") + rng.normal(0, family.scatter, n) - 1.2 * weak)
            * 10 ** (family.baldwin * baldwin)
            * outflow**-family.weakening
        ).astype(np.float32)
        for name, family in FAMILIES.items()
    }


WEAKEST_FRACTION, WEAKEST = 0.02, (1.0, 13.0)
"""Fraction of weak-line quasars by the definition of Diamond-Stanic et al. (2009, ApJ 699, 782;
cited from memory), and their equivalent widths of Lyman-alpha with N V: below 15.4 Angstrom."""


def weaken(rng: np.random.Generator, strength: dict[str, Array], composite: float) -> None:
    """Weaken the lines of some quasars in place, high-ionization lines most, Mg II and iron not.

    Args:
        rng: of the choice and of the weakness.
        strength: of each family, (n,), 1 for the composite.
        composite: equivalent width of Lyman-alpha with N V at strength 1, Angstrom.
    """
    rows = np.flatnonzero(rng.random(len(strength["lya"])) < WEAKEST_FRACTION)
    left = log_uniform(rng, len(rows), *WEAKEST) / np.float32(composite)
    strength["lya"][rows] = strength["high"][rows] = left
    strength["semi"][rows] = 2 * left
    strength["low"][rows] *= 0.5
