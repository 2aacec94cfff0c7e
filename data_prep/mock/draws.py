"""Random draws that recur: factors about a median, values even in their logarithm."""

import numpy as np

from data_prep.mock.profiles import Array


def log_normal(rng: np.random.Generator, n: int, median: float, sigma: float) -> Array:
    """Log-normal values about `median`, scatter `sigma` in the natural logarithm, float32 (n,)."""
    return (median * np.exp(rng.normal(0, sigma, n))).astype(np.float32)


def log_uniform(rng: np.random.Generator, n: int, low: float, high: float) -> Array:
    """Values between `low` and `high`, even in their logarithm, float32 (n,)."""
    return np.exp(rng.uniform(np.log(low), np.log(high), n)).astype(np.float32)


class NumpyDraws:
    """A NumPy generator as the source of random numbers that `spectra.instrument` takes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def normal(self, *shape: int) -> Array:
        """Standard normal, float32."""
        return self.rng.standard_normal(shape, np.float32)

    def uniform(self, *shape: int) -> Array:
        """Even in [0, 1), float32."""
        return self.rng.random(shape, np.float32)
