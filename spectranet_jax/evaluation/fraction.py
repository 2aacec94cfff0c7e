"""A counted fraction with its 95% interval: the form of most scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.calibration import binomial_interval


@dataclass(frozen=True)
class Fraction:
    """A count of a total, with its fraction.

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
        """Return the fraction of true values.

        Raises:
            ValueError: if there is no value.
        """
        count, of = int(true.sum()), len(true)
        if of == 0:
            raise ValueError("a fraction of no spectra is undefined")
        return cls(count, of, count / of, binomial_interval(count, of))


def fraction_if_any(true: NDArray[np.bool_]) -> Fraction | None:
    """Return the fraction of true values; None if there is no value."""
    return Fraction.of_true(true) if len(true) else None
