"""Random numbers, and fields of them that vary over a length in velocity.

They work on NumPy and JAX arrays alike. Lengths are velocities, so that a field looks the same on
any grid.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from spectranet_jax.spectra.grid import LogGrid

Array = Any
"""A NumPy or JAX array: any object with `__array_namespace__`."""

SMOOTH, ROUGH = 6900.0, 690.0
"""Lengths over which smooth and pixel-to-pixel errors vary, km/s."""


@runtime_checkable
class Draws(Protocol):
    """A source of random numbers that never repeats itself."""

    def normal(self, *shape: int) -> Array:
        """Standard normal, float32."""

    def uniform(self, *shape: int) -> Array:
        """Uniform in [0, 1), float32."""


def smooth_field(
    draws: Draws, n: int, grid: LogGrid, length: float = SMOOTH
) -> Shaped[Any, "n bins"]:
    """Return a normal field that varies over `length` km/s, float32 (n, bins): linear between
    knots.
    """
    scale = grid.bins(length)
    coarse = draws.normal(n, grid.size // scale + 3)
    position = np.arange(grid.size) / scale
    left = position.astype(np.int64)
    fraction = (position - left).astype(np.float32)[None]
    return coarse[:, left] * (1 - fraction) + coarse[:, left + 1] * fraction


def rough_field(draw: Callable[..., Array], n: int, grid: LogGrid) -> Shaped[Any, "n bins"]:
    """Return random numbers that are equal within `ROUGH` km/s, float32 (n, bins)."""
    scale = grid.bins(ROUGH)
    if scale == 1:
        return draw(n, grid.size)
    return draw(n, -(-grid.size // scale))[:, np.arange(grid.size) // scale]


def exponential(draws: Draws, *shape: int) -> Array:
    """Exponential with mean 1, float32."""
    uniform = draws.uniform(*shape)
    return -uniform.__array_namespace__().log1p(-uniform)
