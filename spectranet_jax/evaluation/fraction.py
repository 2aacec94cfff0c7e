"""A counted fraction with its 95% interval: what most scores are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.calibration import binomial_interval


@dataclass(frozen=True)
class Fraction:
    """How many of how many.

    Attributes:
        count: those for which something holds.
        of: all that were asked, 1 or more.
        fraction: count / of.
        interval: 95% Wilson interval of the fraction.
    """

    count: int
    of: int
    fraction: float
    interval: tuple[float, float]

    @classmethod
    def of_true(cls, true: NDArray[np.bool_]) -> "Fraction":
        """The fraction of true values.

        Raises:
            ValueError: if there is no value.
        """
        count, of = int(true.sum()), len(true)
        if of == 0:
            raise ValueError("there is no fraction of no spectra")
        return cls(count, of, count / of, binomial_interval(count, of))


def fraction_if_any(true: NDArray[np.bool_]) -> Fraction | None:
    """The fraction of true values; None if there is no value."""
    return Fraction.of_true(true) if len(true) else None
