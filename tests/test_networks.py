"""The report's networks against its tables and against NumPy."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_networks import random_variables

from spectranet_jax import networks
from spectranet_jax.networks import SpectraNetClassifier, SpectraNetRegressor
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError

LENGTHS = [216, 103, 46, 18]  # after each block: 443 217 216 104 103 47 46 19 18


def numpy_blocks(params: dict, flux: np.ndarray) -> np.ndarray:
    """Four times convolution, ReLU and max-pool in float64, written as loops over output pixels."""
    x = flux.astype(np.float64)[..., None]
    for block in range(4):
        kernel = params[f"ConvPool_{block}"]["kernel"].astype(np.float64)
        bias = params[f"ConvPool_{block}"]["bias"]
        starts = range(0, x.shape[1] - 10 + 1, 2)
        conv = np.stack([np.einsum("bwc,wcf->bf", x[:, s : s + 10], kernel) for s in starts], 1)
        active = np.maximum(conv + bias, 0)
        x = np.stack([active[:, i : i + 2].max(axis=1) for i in range(active.shape[1] - 1)], 1)
        assert x.shape[1] == LENGTHS[block]
    return x.reshape(len(x), -1)


def numpy_dense(params: dict, name: str, x: np.ndarray) -> np.ndarray:
    return x @ params[name]["kernel"].astype(np.float64) + params[name]["bias"]


def numpy_batch_norm(variables: dict, x: np.ndarray) -> np.ndarray:
    params, stats = variables["params"]["BatchNorm_0"], variables["batch_stats"]["BatchNorm_0"]
    return (x - stats["mean"]) / np.sqrt(stats["var"] + 1e-5) * params["scale"] + params["bias"]


def numpy_classifier(variables: dict, flux: np.ndarray) -> np.ndarray:
    params = variables["params"]
    x = np.maximum(numpy_dense(params, "Dense_0", numpy_blocks(params, flux)), 0)
    x = numpy_dense(params, "Dense_1", numpy_batch_norm(variables, x))
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def numpy_regressor(variables: dict, flux: np.ndarray) -> np.ndarray:
    params = variables["params"]
    x = np.maximum(numpy_dense(params, "Dense_0", numpy_blocks(params, flux)), 0)
    x = np.maximum(numpy_dense(params, "Dense_1", numpy_batch_norm(variables, x)), 0)
    return numpy_dense(params, "Dense_2", x)[:, 0]


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (SpectraNetClassifier(GRID), 330_316),
        (SpectraNetRegressor(GRID), 1_658_593),
    ],
)
def test_trainable_parameters_are_as_many_as_the_tables_give(network: nn.Module, count: int):
    variables = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 443)))
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == count


@pytest.mark.slow
@pytest.mark.parametrize("network", [SpectraNetClassifier(GRID), SpectraNetRegressor(GRID)])
def test_every_block_has_the_length_that_pool_stride_one_gives(network: nn.Module):
    def run(key: jax.Array) -> dict:
        variables = network.init(key, jnp.zeros((2, 443)))
        return network.apply(variables, jnp.zeros((2, 443)), capture_intermediates=True)[1]

    captured = jax.eval_shape(run, jax.random.key(0))["intermediates"]
    shapes = [captured[f"ConvPool_{i}"]["__call__"][0].shape for i in range(4)]
    assert shapes == [(2, n, c) for n, c in zip(LENGTHS, network.channels, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "oracle"),
    [
        (SpectraNetClassifier(GRID), numpy_classifier),
        (SpectraNetRegressor(GRID), numpy_regressor),
    ],
)
def test_forward_pass_equals_numpy(network: nn.Module, oracle: Callable, rng: np.random.Generator):
    variables = random_variables(network, rng)
    flux = rng.normal(size=(3, 443)).astype(np.float32)
    ours = jax.jit(network.apply)(variables, flux)
    np.testing.assert_allclose(ours, oracle(variables, flux), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_log_probabilities_sum_to_one_and_dropout_needs_training(rng: np.random.Generator):
    network = SpectraNetClassifier(GRID)
    variables = random_variables(network, rng)
    flux = rng.normal(size=(5, 443)).astype(np.float32)
    np.testing.assert_allclose(np.exp(jax.jit(network.apply)(variables, flux)).sum(axis=1), 1, 1e-6)

    @jax.jit
    def trained(key: int) -> jax.Array:
        rngs = {"dropout": jax.random.key(key)}
        return network.apply(variables, flux, train=True, rngs=rngs, mutable=["batch_stats"])[0]

    assert np.abs(trained(0) - trained(1)).max() > 1e-3
    np.testing.assert_array_equal(trained(0), trained(0))


@pytest.mark.slow
def test_batch_norm_survives_values_far_from_zero():
    """The fast variance would return 0 for these: E[x^2] - E[x]^2 cancels in float32."""
    network = SpectraNetClassifier(GRID, dropout=0.0)
    flux = np.random.default_rng(0).normal(100, 0.01, (64, 443)).astype(np.float32)
    variables = jax.jit(network.init)(jax.random.key(0), flux)

    @jax.jit
    def run(variables: dict) -> tuple[dict, jax.Array]:
        _, mutated = network.apply(variables, flux, train=True, mutable=["batch_stats"])
        _, inner = network.apply(variables, flux, capture_intermediates=True)
        return mutated, inner["intermediates"]["Dense_0"]["__call__"][0]

    mutated, hidden = run(variables)
    values = np.maximum(np.asarray(hidden, np.float64), 0)
    expected = 0.9 + 0.1 * values.var(axis=0)
    np.testing.assert_allclose(mutated["batch_stats"]["BatchNorm_0"]["var"], expected, rtol=1e-3)


def test_build_names_what_it_cannot_build():
    network = networks.build("SpectraNetClassifier", GRID, channels=[8, 9, 10, 11])
    assert network.channels == (8, 9, 10, 11)
    with pytest.raises(InputError, match=r"'Table4'.*SpectraNetClassifier"):
        networks.build("Table4", GRID)
    with pytest.raises(InputError, match=r"SpectraNetRegressor.*classes"):
        networks.build("SpectraNetRegressor", GRID, classes=4)
