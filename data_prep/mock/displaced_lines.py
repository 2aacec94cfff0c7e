"""Broad lines at other velocities than the narrow lines: displaced as a whole, or double-peaked.

The redshift of such a quasar is that of its narrow lines.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import log_normal
from data_prep.mock.profiles import Array, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

HIGHEST = 0.6
"""Redshift below which such lines occur: there narrow lines can be seen next to them."""

DISPLACED_FRACTION, PEAKED_FRACTION = 0.04, 0.04
"""Fractions of quasars below `HIGHEST`. About 3% of nearby quasars have two peaks (Strateva et al.
2003, AJ 126, 1720), and 88 of 15,900 have a line displaced by more than 1,000 km/s (Eracleous et
al. 2012, ApJS 201, 23; both cited from memory). The fractions here are larger, so that a network
can learn such lines.
"""

DISPLACEMENT = (1000.0, 5000.0)
"""Range of the displacement of a whole line to either side, km/s."""

BLUE, RED = (1500.0, 3000.0), (1500.0, 5000.0)
"""Ranges of the speeds of the two peaks, toward us and away, km/s."""

MOVED = ("balmer", "magnesium", "low", "iron")
"""Families of lines that are displaced."""

PEAKED = {"Halpha": 1.0, "Hbeta": 1.0, "Hgamma": 1.0, "Hdelta": 1.0, "MgII": 0.6}
"""Line -> the fraction of its flux that the disk emits, relative to the fraction of H-alpha."""


class Displaced(NamedTuple):
    """Displacement of broad lines, each (n,).

    Attributes:
        shift: of the whole line, km/s, 0 for none.
        disk: fraction of the flux of broad H-alpha that is in two peaks, 0 for none.
    """

    shift: NDArray[np.float64]
    disk: NDArray[np.float64]

    @classmethod
    def none(cls, n: int) -> "Displaced":
        """Return n quasars without displacement."""
        return cls(np.zeros(n), np.zeros(n))

    @property
    def any(self) -> NDArray[np.bool_]:
        """Return the mask of quasars with displaced or double-peaked lines, (n,)."""
        return (self.shift != 0) | (self.disk != 0)

    @classmethod
    def draw(cls, rng: np.random.Generator, z: NDArray[np.float64]) -> "Displaced":
        """Draw the displacement of quasars at z (n,)."""
        n, part, near = len(z), rng.random(len(z)), z < HIGHEST
        moved = near & (part < DISPLACED_FRACTION)
        peaked = near & (part > 1 - PEAKED_FRACTION)
        shift = rng.uniform(*DISPLACEMENT, n) * rng.choice([-1.0, 1.0], n)
        return cls(np.where(moved, shift, 0), np.where(peaked, rng.uniform(0.5, 0.95, n), 0))

    def in_disk(self, name: str) -> NDArray[np.float64]:
        """Return the fraction of a line's flux that is in two peaks, (n,)."""
        return self.disk * PEAKED.get(name, 0.0)


def add_peaks(
    rng: np.random.Generator,
    total: Array,
    grid: LogGrid,
    widths: dict[str, Array],
    z: NDArray[np.float64],
) -> None:
    """Add two peaks per line to `total` (n, bins) in place, at one pair of speeds per quasar.

    In most quasars the blue peak is higher, because matter that moves toward us is brighter.

    Args:
        rng: of speeds, widths and heights.
        total: (n, bins), emission relative to the continuum.
        grid: the bins.
        widths: line -> equivalent width of both peaks, Angstrom, (n,).
        z: (n,), redshift.
    """
    n = len(z)
    rows = np.flatnonzero(sum(widths.values(), np.zeros(n)) > 0)
    m, part = len(rows), total[rows]
    blue_height = (ratio := log_normal(rng, m, 1.2, 0.25)) / (1 + ratio)
    for sign, speeds, height in ((-1, BLUE, blue_height), (1, RED, 1 - blue_height)):
        speed = rng.uniform(*speeds, m)
        sigma = np.clip(0.45 * speed * log_normal(rng, m, 1, 0.2), 500, 1800)
        at = (1 + z[rows]) * (1 + sign * speed / SPEED_OF_LIGHT) - 1
        for name, width in widths.items():
            add_line(part, grid, REST[name], width[rows] * height, sigma, z=at)
    total[rows] = part
