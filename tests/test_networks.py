"""The report's networks against its tables, against NumPy, and against PyTorch."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectranet_jax import networks
from spectranet_jax.networks import (
    QuasarNet,
    SpectraNetClassifier,
    SpectraNetRegressor,
    layers,
)
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError

LENGTHS = [216, 103, 46, 18]  # after each block: 443 217 216 104 103 47 46 19 18


def random_variables(network: nn.Module, rng: np.random.Generator) -> dict:
    """Variables in which no parameter and no statistic keeps the value it is initialized to."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 443)))

    def draw(path: tuple, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        values = rng.normal(size=leaf.shape) / np.sqrt(np.prod(leaf.shape[:-1]) or 1)
        if path[-1].key in ("var", "scale"):
            values = 0.5 + np.abs(values)
        return values.astype(np.float32)

    return jax.tree_util.tree_map_with_path(draw, shapes)


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


@pytest.mark.parametrize("network", [SpectraNetClassifier(GRID), SpectraNetRegressor(GRID)])
def test_every_block_has_the_length_that_pool_stride_one_gives(network: nn.Module):
    def run(key: jax.Array) -> dict:
        variables = network.init(key, jnp.zeros((2, 443)))
        return network.apply(variables, jnp.zeros((2, 443)), capture_intermediates=True)[1]

    captured = jax.eval_shape(run, jax.random.key(0))["intermediates"]
    shapes = [captured[f"ConvPool_{i}"]["__call__"][0].shape for i in range(4)]
    assert shapes == [(2, n, c) for n, c in zip(LENGTHS, network.channels, strict=True)]


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


def channels_first(kernel: np.ndarray) -> np.ndarray:
    """Rows of a dense kernel in the order in which PyTorch flattens, channels first."""
    return kernel.reshape(LENGTHS[-1], -1, kernel.shape[1]).swapaxes(0, 1).reshape(kernel.shape)


def pixels_first(kernel: np.ndarray) -> np.ndarray:
    """The inverse of `channels_first`."""
    return kernel.reshape(-1, LENGTHS[-1], kernel.shape[1]).swapaxes(0, 1).reshape(kernel.shape)


def torch_twin(network: nn.Module, variables: dict):
    """The same network as PyTorch code would build it, with the same weights, in eval mode."""
    torch = pytest.importorskip("torch", reason="the comparison with PyTorch needs torch")
    params = variables["params"]
    modules: list = []
    for block in range(4):
        kernel = params[f"ConvPool_{block}"]["kernel"]
        conv = torch.nn.Conv1d(kernel.shape[1], kernel.shape[2], 10, stride=2)
        conv.weight.data = torch.tensor(kernel.transpose(2, 1, 0).copy())
        conv.bias.data = torch.tensor(params[f"ConvPool_{block}"]["bias"])
        modules += [conv, torch.nn.ReLU(), torch.nn.MaxPool1d(2, stride=1)]
    modules.append(torch.nn.Flatten())
    names = sorted(name for name in params if name.startswith("Dense"))
    for name in names:
        kernel = params[name]["kernel"]
        if name == "Dense_0":
            kernel = channels_first(kernel)
        dense = torch.nn.Linear(*kernel.shape)
        dense.weight.data = torch.tensor(kernel.T.copy())
        dense.bias.data = torch.tensor(params[name]["bias"])
        modules.append(dense)
        if name != names[-1]:
            modules.append(torch.nn.ReLU())
        if name == "Dense_0":
            stats = variables["batch_stats"]["BatchNorm_0"]
            norm = torch.nn.BatchNorm1d(kernel.shape[1])
            norm.weight.data = torch.tensor(params["BatchNorm_0"]["scale"])
            norm.bias.data = torch.tensor(params["BatchNorm_0"]["bias"])
            norm.running_mean.data = torch.tensor(stats["mean"])
            norm.running_var.data = torch.tensor(stats["var"])
            modules.append(norm)
    if isinstance(network, SpectraNetClassifier):
        modules.append(torch.nn.LogSoftmax(dim=1))
    return torch.nn.Sequential(*modules)


@pytest.mark.parametrize("network", [SpectraNetClassifier(GRID), SpectraNetRegressor(GRID)])
@pytest.mark.parametrize("train", [False, True])
def test_output_and_gradients_equal_pytorch(
    network: nn.Module, train: bool, rng: np.random.Generator
):
    torch = pytest.importorskip("torch", reason="the comparison with PyTorch needs torch")
    network = network.clone(dropout=0.0)  # the two draw different masks
    # BatchNorm over a small batch magnifies rounding, so training is compared in float64.
    dtype = np.float64 if train else np.float32
    variables = jax.tree.map(lambda a: a.astype(dtype), random_variables(network, rng))
    twin = torch_twin(network, variables).to(torch.float64 if train else torch.float32).train(train)
    flux = rng.normal(size=(6, 443)).astype(dtype)

    def loss(params: dict, flux: jax.Array) -> tuple[jax.Array, tuple]:
        output, mutated = network.apply(
            variables | {"params": params}, flux, train=train, mutable=["batch_stats"]
        )
        return (output**2).sum(), (output, mutated["batch_stats"])

    with jax.enable_x64(train):
        gradient = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))
        result = jax.device_get(gradient(variables["params"], flux))
    (_, (ours, stats)), (by_params, by_flux) = result
    x = torch.tensor(flux[:, None], requires_grad=True)
    theirs = twin(x)
    (theirs**2).sum().backward()
    np.testing.assert_allclose(ours, theirs.detach().numpy().reshape(ours.shape), atol=1e-5)

    def close(a: np.ndarray, b: np.ndarray) -> None:
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())

    close(by_flux, x.grad.numpy()[:, 0])
    convs = [m for m in twin if isinstance(m, torch.nn.Conv1d)]
    for block, conv in enumerate(convs):
        close(by_params[f"ConvPool_{block}"]["kernel"], conv.weight.grad.numpy().transpose(2, 1, 0))
        close(by_params[f"ConvPool_{block}"]["bias"], conv.bias.grad.numpy())
    dense = [m for m in twin if isinstance(m, torch.nn.Linear)]
    for number, layer in enumerate(dense):
        kernel = layer.weight.grad.numpy().T
        if number == 0:
            kernel = pixels_first(kernel)
        close(by_params[f"Dense_{number}"]["kernel"], kernel)
        close(by_params[f"Dense_{number}"]["bias"], layer.bias.grad.numpy())
    norm = next(m for m in twin if isinstance(m, torch.nn.BatchNorm1d))
    close(by_params["BatchNorm_0"]["scale"], norm.weight.grad.numpy())
    close(by_params["BatchNorm_0"]["bias"], norm.bias.grad.numpy())
    if train:
        # PyTorch keeps the unbiased variance of the batch, Flax the biased one.
        close(stats["BatchNorm_0"]["mean"], norm.running_mean.numpy())
        before = 0.9 * variables["batch_stats"]["BatchNorm_0"]["var"]
        unbiased = (norm.running_var.numpy() - before) * 5 / 6
        close(stats["BatchNorm_0"]["var"] - before, unbiased)


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
    assert networks.build("SpectraNetClassifier", GRID, channels=[8, 8, 8, 8]).channels == (
        8,
        8,
        8,
        8,
    )
    with pytest.raises(InputError, match="no network is called 'Table4'"):
        networks.build("Table4", GRID)
    with pytest.raises(InputError, match="SpectraNetRegressor cannot be built"):
        networks.build("SpectraNetRegressor", GRID, classes=4)


@pytest.mark.parametrize(
    "network",
    [
        SpectraNetClassifier(GRID),
        SpectraNetRegressor(GRID),
        QuasarNet(GRID),
    ],
)
def test_the_plain_form_has_the_same_parameters_and_results(
    network: nn.Module, rng: np.random.Generator
):
    variables = random_variables(network, rng)
    flux = rng.normal(size=(3, 443)).astype(np.float32)
    plain = network.clone(form="plain")
    ours, theirs = (np.asarray(jax.jit(one.apply)(variables, flux)) for one in (network, plain))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("network", [SpectraNetClassifier(GRID), SpectraNetRegressor(GRID)])
def test_the_plain_form_has_the_same_gradients(network: nn.Module, rng: np.random.Generator):
    network = network.clone(dropout=0.0)
    variables = random_variables(network, rng)
    flux = rng.normal(size=(8, 443)).astype(np.float32)

    def loss(params: dict, form: str) -> jax.Array:
        return (network.clone(form=form).apply(variables | {"params": params}, flux) ** 2).sum()

    gradient = jax.jit(jax.grad(loss), static_argnums=1)
    ours, theirs = (gradient(variables["params"], form) for form in ("fast", "plain"))
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())
