"""Toom-Cook convolution, with fewer multiplications; known as Winograd's in neural networks.

A kernel of 5 pixels over 8 gives 4 outputs, by 20 products. Read as polynomials of degree 4 and 3,
kernel and outputs have a product of degree 7, which 8 values fix: so 8 products do, of sums of
pixels with sums of the kernel's weights (Lavin & Gray 2016, arXiv:1509.09308, section 4). For many
channels the products are matrices', and nearly all of the work. In float32 results are within 2e-6
of the largest one.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.typing import NDArray

POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
"""Points at which the polynomials are evaluated, besides infinity. Small ones cost few digits."""

TILE = len(POINTS) + 1
"""Pixels per tile, and products per tile."""

MAX_WIDTH = TILE // 2 + 1
"""Maximum width of a kernel: the overlap of two tiles cannot be larger."""


class Transforms(NamedTuple):
    """Weights of the sums of pixels, of a kernel and of products; a row for each sum.

    Attributes:
        pixels: (TILE, TILE).
        kernel: (TILE, width).
        outputs: (TILE - width + 1, TILE).
    """

    pixels: NDArray[np.float64]
    kernel: NDArray[np.float64]
    outputs: NDArray[np.float64]


@cache
def transforms(width: int) -> Transforms:
    """Return the transforms of a kernel of `width` pixels.

    The kernel's and the outputs' are values of polynomials at the points (Vandermonde matrices; at
    infinity the leading coefficient). The pixels' are Lagrange's polynomials, but for their
    denominators: these go to the kernel's, so that pixels meet fractions of two alone.
    """
    points = np.array(POINTS)
    other_points = [np.delete(points, number) for number in range(len(points))]
    pixels = [
        *(np.append(np.poly(roots)[::-1], 0) for roots in other_points),
        np.poly(points)[::-1],
    ]
    scale = [*(np.prod(p - roots) for p, roots in zip(points, other_points, strict=True)), 1.0]

    def values(terms: int) -> NDArray[np.float64]:
        finite = np.vander(points, terms, increasing=True)
        return np.vstack([finite, np.eye(terms)[-1]])

    kernel = values(width) / np.array(scale)[:, None]
    return Transforms(np.stack(pixels), kernel, values(TILE - width + 1).T)


def conv(
    x: Float[Any, "batch bins features"], kernel: Float[Any, "width features out"]
) -> Float[Array, "batch fewer out"]:
    """Compute a valid convolution with stride 1, always in full float32.

    Args:
        x: (batch, n, channels).
        kernel: (width, channels, features), `MAX_WIDTH` wide at most.

    Returns:
        (batch, n - width + 1, features).
    """
    batch, n, channels = x.shape
    width, _, features = kernel.shape
    made_of = transforms(width)
    step, outputs = TILE - width + 1, n - width + 1
    tiles = -(-outputs // step)

    x = jnp.pad(x, ((0, 0), (0, (tiles + 1) * step - n), (0, 0)))
    x = x.reshape(batch, tiles + 1, step, channels)
    tile = [*_unstacked(x[:, :-1], 2), *_unstacked(x[:, 1:, : width - 1], 2)]
    pixels = _sums(made_of.pixels, tile).reshape(TILE, batch * tiles, channels)
    weights = _sums(made_of.kernel, _unstacked(kernel, 0))  # (TILE, channels, features)
    # (TILE, batch * tiles, features)
    products = jnp.matmul(pixels, weights, precision=lax.Precision.HIGHEST)
    y = _sums(made_of.outputs, _unstacked(products, 0), axis=1)  # (batch * tiles, step, features)
    return y.reshape(batch, tiles * step, features)[:, :outputs]


def _unstacked(x: Any, axis: int) -> list[Any]:
    """Return parts of x along an axis. Split, not indexed: the gradient is one concatenation."""
    return [part.squeeze(axis) for part in lax.split(x, [1] * x.shape[axis], axis)]


def _sums(weights: NDArray[np.float64], parts: Sequence[Any], axis: int = 0) -> Any:
    """Return the sums weighted by the rows of (sums, parts), stacked along an axis."""
    made = [
        sum(float(w) * part for w, part in zip(row, parts, strict=True) if w) for row in weights
    ]
    return jnp.stack(made, axis)
