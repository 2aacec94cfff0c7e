"""Recurring random draws: factors about a median, and values uniform in their logarithm."""

import numpy as np

from data_prep.mock.profiles import Array


def log_normal(rng: np.random.Generator, n: int, median: float, sigma: float) -> Array:
    """Draw log-normal values about `median`, scatter `sigma` in the natural log, float32 (n,)."""
    return (median * np.exp(rng.normal(0, sigma, n))).astype(np.float32)


def log_uniform(rng: np.random.Generator, n: int, low: float, high: float) -> Array:
    """Draw values between `low` and `high`, uniform in their logarithm, float32 (n,)."""
    return np.exp(rng.uniform(np.log(low), np.log(high), n)).astype(np.float32)


class NumpyDraws:
    """Random numbers from a NumPy generator, in the form that `spectra.random_fields` takes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def normal(self, *shape: int) -> Array:
        """Standard normal, float32."""
        return self.rng.standard_normal(shape, np.float32)

    def uniform(self, *shape: int) -> Array:
        """Uniform in [0, 1), float32."""
        return self.rng.random(shape, np.float32)
