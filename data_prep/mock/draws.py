"""Random draws that recur: factors about a median, values even in their log, smooth fields."""

import numpy as np

from data_prep.mock.profiles import Array


def log_normal(rng: np.random.Generator, n: int, median: float, sigma: float) -> Array:
    """Log-normal values about `median`, scatter `sigma` in the natural logarithm, float32 (n,)."""
    return (median * np.exp(rng.normal(0, sigma, n))).astype(np.float32)


def log_uniform(rng: np.random.Generator, n: int, low: float, high: float) -> Array:
    """Values between `low` and `high`, even in their logarithm, float32 (n,)."""
    return np.exp(rng.uniform(np.log(low), np.log(high), n)).astype(np.float32)


def smooth_field(rng: np.random.Generator, n: int, bins: int, scale: int = 10) -> Array:
    """A normal field that varies over `scale` bins, linear between its knots, float32 (n, bins)."""
    coarse = rng.standard_normal((n, bins // scale + 3), np.float32)
    position = np.arange(bins) / scale
    left = position.astype(np.int64)
    part = (position - left).astype(np.float32)
    return coarse[:, left] * (1 - part) + coarse[:, left + 1] * part
