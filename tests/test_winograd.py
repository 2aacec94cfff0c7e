"""The convolution with fewer multiplications, against NumPy's own and against XLA's gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectranet_jax.networks import layers, winograd


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(batch, n - width + 1, features) in float64, an output pixel at a time."""
    width = len(kernel)
    windows = [x[:, i : i + width].astype(np.float64) for i in range(x.shape[1] - width + 1)]
    return np.stack([np.einsum("bwc,wcf->bf", window, kernel) for window in windows], axis=1)


@pytest.mark.parametrize("width", range(1, winograd.MAX_WIDTH + 1))
def test_transforms_make_a_convolution_of_eight_products(width: int):
    pixels, kernel, outputs = winograd.transforms(width)
    rng = np.random.default_rng(width)
    x, weights = rng.normal(size=winograd.TILE), rng.normal(size=width)
    products = (pixels @ x) * (kernel @ weights)
    assert products.shape == (8,) and len(outputs) == 9 - width
    np.testing.assert_allclose(outputs @ products, np.correlate(x, weights), rtol=0, atol=1e-13)


def test_pixels_and_outputs_meet_fractions_of_two_alone():
    pixels, _, outputs = winograd.transforms(5)
    for weights in (pixels, outputs):
        np.testing.assert_array_equal(weights * 64, np.round(weights * 64))


@given(
    n=st.integers(5, 40),
    width=st.integers(1, winograd.MAX_WIDTH),
    channels=st.integers(1, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=12, deadline=None)
@pytest.mark.long
def test_value_and_gradients_equal_a_plain_convolution(
    n: int, width: int, channels: int, seed: int
):
    rng = np.random.default_rng(seed)
    x, kernel = rng.normal(size=(2, n, channels)), rng.normal(size=(width, channels, 3))
    weight = rng.normal(size=(2, n - width + 1, 3))

    def of_both(x: jax.Array, kernel: jax.Array) -> list:
        return [
            jax.vjp(convolve, x, kernel)
            for convolve in (winograd.conv, lambda x, k: layers.plain_conv(x, k, 1))
        ]

    with jax.enable_x64(True):
        (ours, our_vjp), (theirs, their_vjp) = of_both(jnp.asarray(x), jnp.asarray(kernel))
        np.testing.assert_allclose(ours, convolved(x, kernel), atol=1e-12)
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
        gradients = zip(our_vjp(jnp.asarray(weight)), their_vjp(jnp.asarray(weight)), strict=True)
        for first, second in gradients:
            np.testing.assert_allclose(first, second, atol=1e-11)


@pytest.mark.slow
def test_float32_is_within_two_millionths_of_the_largest_result():
    rng = np.random.default_rng(0)
    x = np.maximum(rng.normal(size=(16, 108, 200)), 0).astype(np.float32)  # as after ReLU
    kernel = rng.normal(0, 0.03, size=(5, 200, 100)).astype(np.float32)
    exact = convolved(x, kernel)
    error = np.abs(jax.jit(winograd.conv)(x, kernel) - exact).max() / np.abs(exact).max()
    assert error < 2e-6


@pytest.mark.parametrize(
    ("stride", "channels", "products"), [(2, 16, 8), (2, 15, 1), (1, 40, 1), (10, 4, 1)]
)
def test_it_serves_short_kernels_over_many_channels(stride: int, channels: int, products: int):
    """Others are one convolution; a kernel of one pixel has nothing to save."""
    x, kernel = jnp.zeros((2, 60, channels)), jnp.zeros((10, channels, 3))
    text = str(jax.make_jaxpr(lambda x, k: layers.strided_conv(x, k, stride))(x, kernel))
    assert ("dot_general" in text) == (products == 8)
    assert ("conv_general_dilated" in text) == (products == 1)
