"""A Gaussian cut off at equal distances from its mean: the core of a refined p(z)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Core:
    """The density of one Gaussian, or of many: arrays of one shape, or numbers.

    Attributes:
        middle: its mean.
        sigma: its standard deviation before it is cut, above 0.
        half: distance of either end from the middle; with mass 0 it may be 0.
        mass: its probability.
    """

    middle: Floats
    sigma: Floats
    half: Floats
    mass: Floats

    @property
    def low(self) -> Floats:
        """Lower end."""
        return self.middle - self.half

    @property
    def high(self) -> Floats:
        """Upper end."""
        return self.middle + self.half

    @property
    def kept(self) -> Floats:
        """Fraction of the full Gaussian between the ends."""
        return np.where(self.half > 0, 1 - 2 * ndtr(-self.half / self.sigma), 1)

    @property
    def height(self) -> Floats:
        """Density in the middle."""
        return self.mass / (self.kept * self.sigma * np.sqrt(2 * np.pi))

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        """Return whether x lies between the ends."""
        return np.abs(x - self.middle) < self.half

    def density(self, x: Floats) -> Floats:
        """Return the density at x, 0 beyond the ends."""
        distance = (x - self.middle) / self.sigma
        return np.where(self.holds(x), self.height * np.exp(-(distance**2) / 2), 0)

    def cdf(self, x: Floats) -> Floats:
        """Return the mass below x."""
        distance = np.clip(x - self.middle, -self.half, self.half) / self.sigma
        return self.mass * (ndtr(distance) - ndtr(-self.half / self.sigma)) / self.kept

    def quantile(self, mass: Floats) -> Floats:
        """Return the point with the given mass below it."""
        part = np.clip(mass / np.where(self.mass > 0, self.mass, 1), 0, 1)
        distance = self.sigma * ndtri(ndtr(-self.half / self.sigma) + part * self.kept)
        return self.middle + np.clip(distance, -self.half, self.half)

    def radius_above(self, density: Floats) -> Floats:
        """Return the distance from the middle up to which the density is greater."""
        ratio = np.maximum(self.height / density, 1)
        return np.minimum(self.sigma * np.sqrt(2 * np.log(ratio)), self.half)

    def mass_within(self, radius: Floats) -> Floats:
        """Return the mass no further from the middle."""
        return self.cdf(self.middle + radius) - self.cdf(self.middle - radius)

    def radius_of(self, mass: float) -> float:
        """Return the distance from the middle within which the given mass lies."""
        return float(self.quantile((self.mass + np.clip(mass, 0, self.mass)) / 2) - self.middle)
