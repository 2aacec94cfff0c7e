"""Strided convolution and max-pooling in a form that is fast, gradients included.

`networks.plain` computes the same numbers in the plain way.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jax.nn import initializers
from jaxtyping import Array, Float

from spectranet_jax.networks import winograd

Spectra = Float[Any, "batch bins"]
"""Flux, or another value per bin, as an array of JAX or NumPy."""

_CHANNELS_LAST = ("NWC", "WIO", "NWC")

MIN_CHANNELS = 32
"""Channels below which sums of pixels cost more than the products that they save."""


def strided_conv(
    x: Float[Any, "batch bins features"], kernel: Float[Any, "width features out"], stride: int
) -> Float[Array, "batch fewer out"]:
    """Compute a valid strided convolution as one of stride 1 over pixels folded into channels.

    Each `stride` neighboring pixels become one pixel of `stride` times the channels. The gradient
    with respect to x is then a plain convolution too, where that of a strided one is a convolution
    over zeros put between the pixels, which XLA runs slowly on a CPU. And a kernel that is short
    now lends itself to `winograd.conv`.

    Args:
        x: (batch, pixels, channels).
        kernel: (width, channels, features), width a multiple of stride.
        stride: pixels between outputs.

    Returns:
        (batch, (pixels - width) // stride + 1, features).
    """
    batch, pixels, channels = x.shape
    width, _, features = kernel.shape
    folded = pixels // stride
    x = x[:, : folded * stride].reshape(batch, folded, stride * channels)
    kernel = kernel.reshape(width // stride, stride * channels, features)
    if 1 < len(kernel) <= winograd.MAX_WIDTH and stride * channels >= MIN_CHANNELS:
        return winograd.conv(x, kernel)
    return plain_conv(x, kernel, stride=1)


def max_pool_pairs(x: Float[Any, "batch bins features"]) -> Float[Array, "batch fewer features"]:
    """Max-pooling with window 2 and stride 1, (batch, n, channels) -> (batch, n - 1, channels).

    The gradient of a `where` is two masked additions, that of `nn.max_pool` a slower scatter.
    """
    left, right = x[:, :-1], x[:, 1:]
    return jnp.where(left >= right, left, right)


def plain_conv(
    x: Float[Any, "batch bins features"], kernel: Float[Any, "width features out"], stride: int
) -> Float[Array, "batch fewer out"]:
    """Compute the same as `strided_conv` with XLA's own strided convolution."""
    return lax.conv_general_dilated(
        x, kernel, window_strides=(stride,), padding="VALID", dimension_numbers=_CHANNELS_LAST
    )


class ConvPool(nn.Module):
    """One block of the report's Tables 1 and 3: Conv1d, ReLU, max-pool of 2 with stride 1.

    Attributes:
        features: output channels.
        width: kernel width, pixels; a multiple of stride.
        stride: of the convolution, pixels.
    """

    features: int
    width: int = 10
    stride: int = 2

    @nn.compact
    def __call__(self, x: Float[Any, "batch bins features"]) -> Float[Array, "batch fewer out"]:
        """(batch, n, channels) -> (batch, (n - width) // stride, features)."""
        shape = (self.width, x.shape[-1], self.features)
        kernel = self.param("kernel", initializers.he_normal(), shape)
        bias = self.param("bias", initializers.zeros, (self.features,))
        return self.max_pool(nn.relu(self.convolve(x, kernel, self.stride) + bias[None, None]))

    def convolve(
        self,
        x: Float[Any, "batch bins features"],
        kernel: Float[Any, "width features out"],
        stride: int,
    ) -> Float[Array, "batch fewer out"]:
        """Valid convolution with a stride."""
        return strided_conv(x, kernel, stride)

    def max_pool(
        self, x: Float[Any, "batch bins features"]
    ) -> Float[Array, "batch fewer features"]:
        """Max-pooling with window 2 and stride 1."""
        return max_pool_pairs(x)
