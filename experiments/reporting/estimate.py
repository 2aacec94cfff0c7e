"""Estimates from a few trainings that differ by their seed: the mean and its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import t


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        values: one per seed.
        mean: of these.
        low: lower end of its 95% interval.
        high: upper end.
    """

    values: tuple[float, ...]
    mean: float
    low: float
    high: float


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of two or more trainings with Student's 95% interval.

    It shows how far other seeds would move the mean; that all trainings see the same spectra and
    are tested on the same ones is not in it.

    Args:
        values: one per training.
    """
    mean, n = float(np.mean(values)), len(values)
    half = float(t.ppf(0.975, n - 1)) * float(np.std(values, ddof=1)) / sqrt(n)
    return Estimate(tuple(map(float, values)), mean, mean - half, mean + half)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """How far `second` is above `first`, seed by seed: equal seeds mean equal first weights."""
    pairs = zip(first.values, second.values, strict=True)
    return estimate([after - before for before, after in pairs])
