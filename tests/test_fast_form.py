"""The fast convolution and max-pooling against the plain ones, alone and in whole networks."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import random_variables

from spectranet_jax.networks import QuasarNet, SpectraNetClassifier, SpectraNetRegressor, layers
from spectranet_jax.networks.plain import in_plain_form
from spectranet_jax.spectra import QUASARNET_GRID as GRID


@given(
    pixels=st.integers(10, 30),
    stride=st.sampled_from([1, 2, 5]),
    channels=st.integers(1, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=8, deadline=None)
@pytest.mark.slow
def test_strided_conv_equals_flax(pixels: int, stride: int, channels: int, seed: int):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, pixels, channels)).astype(np.float32)
    kernel = rng.normal(size=(10, channels, 4)).astype(np.float32)
    plain = nn.Conv(4, (10,), strides=stride, padding="VALID", use_bias=False)

    def fast(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return (layers.strided_conv(x, kernel, stride) ** 2).sum()

    def slow(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return (plain.apply({"params": {"kernel": kernel}}, x) ** 2).sum()

    shape = jax.eval_shape(lambda: layers.strided_conv(jnp.asarray(x), kernel, stride)).shape
    assert shape == (2, (pixels - 10) // stride + 1, 4)
    gradients = jax.jit(lambda x, k: (jax.grad(fast, (0, 1))(x, k), jax.grad(slow, (0, 1))(x, k)))
    for ours, theirs in zip(*gradients(x, kernel), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@given(seed=st.integers(0, 99), pixels=st.sampled_from([2, 3, 40]))
@settings(max_examples=10, deadline=None)
@pytest.mark.slow
def test_max_pool_and_its_gradient_equal_flax(seed: int, pixels: int):
    rng = np.random.default_rng(seed)
    x = rng.permutation(2 * pixels * 3).reshape(2, pixels, 3).astype(np.float32)
    weight = rng.normal(size=(2, pixels - 1, 3)).astype(np.float32)

    def fast(x: jax.Array) -> jax.Array:
        return (weight * layers.max_pool_pairs(x)).sum()

    def slow(x: jax.Array) -> jax.Array:
        return (weight * nn.max_pool(x, (2,), (1,))).sum()

    np.testing.assert_array_equal(layers.max_pool_pairs(x), nn.max_pool(jnp.asarray(x), (2,), (1,)))
    fast_gradient, slow_gradient = jax.jit(lambda x: (jax.grad(fast)(x), jax.grad(slow)(x)))(x)
    np.testing.assert_allclose(fast_gradient, slow_gradient, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "network", [SpectraNetClassifier(GRID), SpectraNetRegressor(GRID), QuasarNet(GRID)]
)
def test_the_plain_form_has_the_same_parameters_and_results(
    network: nn.Module, rng: np.random.Generator
):
    variables = random_variables(network, rng)
    flux = rng.normal(size=(3, 443)).astype(np.float32)
    forms = network.apply, in_plain_form(network.apply)
    strided = ["window_strides=(2,)" in str(jax.make_jaxpr(f)(variables, flux)) for f in forms]
    assert strided == [False, True]
    fast, plain = (np.asarray(jax.jit(form)(variables, flux)) for form in forms)
    np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("network", [SpectraNetClassifier(GRID), SpectraNetRegressor(GRID)])
def test_the_plain_form_has_the_same_gradients(network: nn.Module, rng: np.random.Generator):
    network = network.clone(dropout=0.0)
    variables = random_variables(network, rng)
    flux = rng.normal(size=(8, 443)).astype(np.float32)

    def gradients(apply: Callable) -> dict:
        def loss(params: dict) -> jax.Array:
            return (apply(variables | {"params": params}, flux) ** 2).sum()

        return jax.jit(jax.grad(loss))(variables["params"])

    fast, plain = gradients(network.apply), gradients(in_plain_form(network.apply))
    for a, b in zip(jax.tree.leaves(fast), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max())
