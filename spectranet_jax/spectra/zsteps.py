"""The steps in which a probability of the redshift is told: equal ones of log10(1 + z)."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import kms

A_BIN = 2
"""Steps a bin of wavelength: a spectrum shifted by one bin shifts p(z) by as many."""

REACH = 0.82
"""log10(1 + z) of the last edge: z = 5.6."""

NEAR = 3000.0
"""A redshift off by less than this counts as right, km/s."""


@dataclass(frozen=True)
class ZSteps:
    """Steps from z = 0 on.

    Attributes:
        width: of a step, in log10(1 + z).
        size: how many there are.
    """

    width: float
    size: int

    @classmethod
    def of(cls, grid: LogGrid) -> "ZSteps":
        """The steps that go with a grid of wavelengths: `A_BIN` of them a bin, up to `REACH`."""
        width = grid.dloglam / A_BIN
        return cls(width, round(REACH / width))

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the steps in log10(1 + z), float64 (size + 1,)."""
        return np.float64(self.width) * np.arange(self.size + 1)

    @property
    def kms(self) -> float:
        """Width of a step as a velocity, km/s."""
        return kms(self.width)

    @property
    def window(self) -> int:
        """Steps on either side of a redshift that lie within `NEAR` of it, the last one in part."""
        return math.ceil(NEAR / self.kms)
