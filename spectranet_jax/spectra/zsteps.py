"""The redshift steps of p(z), equal in log10(1 + z)."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import kms

STEPS_PER_BIN = 2
"""Steps per bin of wavelength: a spectrum shifted by one bin shifts p(z) by as many."""

REACH = (0.0, 0.82)
"""Default of log10(1 + z) of the first and the last edge: z = 0 to 5.6."""

WIDE_REACH = (-0.0025, 0.885)
"""The same for networks trained with this version: z = -0.0057 to 6.67, from blueshifted nearby
galaxies to quasars with Lyman-alpha near the red end of the grid.
"""

NEAR = 3000.0
"""A redshift within this of the truth counts as right, km/s."""


@dataclass(frozen=True)
class ZSteps:
    """Redshift steps.

    Attributes:
        width: of a step, in log10(1 + z).
        size: how many there are.
        first: steps from z = 0 to the first edge; negative for blueshifts.
    """

    width: float
    size: int
    first: int = 0

    @classmethod
    def of(cls, grid: LogGrid, reach: tuple[float, float] = REACH) -> "ZSteps":
        """Return the steps for a grid of wavelengths: `STEPS_PER_BIN` per bin, over `reach`."""
        width = grid.dloglam / STEPS_PER_BIN
        first, last = (round(edge / width) for edge in reach)
        return cls(width, last - first, first)

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the steps in log10(1 + z), float64 (size + 1,)."""
        return np.float64(self.width) * np.arange(self.first, self.first + self.size + 1)

    @property
    def kms(self) -> float:
        """Width of a step as a velocity, km/s."""
        return kms(self.width)

    @property
    def window(self) -> int:
        """Steps on either side of a redshift that lie within `NEAR` of it, the last one partly."""
        return math.ceil(NEAR / self.kms)
