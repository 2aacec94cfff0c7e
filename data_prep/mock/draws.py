"""Random draws that recur: factors about a median, and values even in their logarithm."""

import numpy as np

from data_prep.mock.profiles import Array


def log_normal(rng: np.random.Generator, n: int, median: float, sigma: float) -> Array:
    """Log-normal values about `median`, scatter `sigma` in the natural logarithm, float32 (n,)."""
    return (median * np.exp(rng.normal(0, sigma, n))).astype(np.float32)


def log_uniform(rng: np.random.Generator, n: int, low: float, high: float) -> Array:
    """Values between `low` and `high`, even in their logarithm, float32 (n,)."""
    return np.exp(rng.uniform(np.log(low), np.log(high), n)).astype(np.float32)
