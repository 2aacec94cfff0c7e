"""The QuasarNET network: its shapes, its layers one by one, and a forward pass in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_networks import random_variables

from spectranet_jax import networks
from spectranet_jax.inference import keras_weights
from spectranet_jax.networks import QuasarNet
from spectranet_jax.networks.line_heads import StridedConv
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError

pytestmark = pytest.mark.slow


def numpy_conv(x: np.ndarray, kernel: np.ndarray, stride: int, padding: str) -> np.ndarray:
    """One output pixel at a time, in float64; "same" with the zeros that TensorFlow adds."""
    width = len(kernel)
    if padding == "same":
        outputs = int(np.ceil(x.shape[1] / stride))
        zeros = max((outputs - 1) * stride + width - x.shape[1], 0)
        x = np.pad(x, [(0, 0), (zeros // 2, zeros - zeros // 2), (0, 0)])
    starts = range(0, x.shape[1] - width + 1, stride)
    return np.stack([np.einsum("bwc,wcf->bf", x[:, s : s + width], kernel) for s in starts], 1)


def numpy_forward(network: QuasarNet, variables: dict, flux: np.ndarray) -> np.ndarray:
    """The whole network in float64 NumPy, (batch, lines, 2 * boxes)."""
    params = jax.tree.map(lambda a: np.asarray(a, np.float64), variables["params"])
    stats = jax.tree.map(lambda a: np.asarray(a, np.float64), variables["batch_stats"])

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scale = params[name]["scale"] / np.sqrt(stats[name]["var"] + 1e-3)
        return np.maximum((x - stats[name]["mean"]) * scale + params[name]["bias"], 0)

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ params[name]["kernel"] + params[name]["bias"]

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    x = flux.astype(np.float64)[..., None]
    for number in range(1, len(network.filters) + 1):
        layer = params[f"conv_{number}"]
        x = numpy_conv(x, layer["kernel"], network.stride, network.padding) + layer["bias"]
        x = norm(x, f"norm_{number}")
    x = norm(dense(x.reshape(len(x), -1), "fc_common"), "norm_common")
    heads = []
    for line in range(network.lines):
        offset = sigmoid(dense(x, f"fc_offset_{line}"))
        offset = -0.1 + 1.2 * offset if network.rescale else offset
        heads.append(np.concatenate([sigmoid(dense(x, f"fc_box_{line}")), offset], axis=-1))
    return np.stack(heads, axis=1)


def parameters(network: QuasarNet) -> int:
    variables = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 443)))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def test_the_papers_network_has_its_parameters():
    """Convolutions 10x1x100 and three 10x100x100, dense 2000x100, 14 heads 100x13, five norms."""
    by_hand = (1000 + 100) + 3 * (100_000 + 100) + (200_000 + 100) + 14 * 1313 + 5 * 200
    assert parameters(QuasarNet(GRID)) == by_hand == 520_882


@pytest.mark.parametrize(
    ("fields", "lengths"),
    [
        ({}, [217, 104, 48, 20]),
        ({"filters": (8,) * 6, "padding": "same"}, [222, 111, 56, 28, 14, 7]),
    ],
)
def test_the_lengths_are_those_published(fields: dict, lengths: list[int]):
    network = QuasarNet(GRID, **fields)

    def run(key: jax.Array) -> dict:
        variables = network.init(key, jnp.zeros((2, 443)))
        return network.apply(variables, jnp.zeros((2, 443)), capture_intermediates=True)[1]

    captured = jax.eval_shape(run, jax.random.key(0))["intermediates"]
    shapes = [captured[f"conv_{n}"]["__call__"][0].shape for n in range(1, len(lengths) + 1)]
    assert shapes == [(2, n, c) for n, c in zip(lengths, network.filters, strict=True)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("width", "stride"), [(10, 2), (7, 3), (4, 4), (5, 1)])
@pytest.mark.parametrize("pixels", [30, 31, 33])
def test_convolution_equals_numpy(pixels, width, stride, padding, rng):
    x = jnp.asarray(rng.normal(size=(2, pixels, 3)), jnp.float32)
    layer = StridedConv(4, width, stride, padding)
    variables = layer.init(jax.random.key(0), x)
    params = {"kernel": variables["params"]["kernel"], "bias": np.float32([1, 2, 3, 4])}
    expected = numpy_conv(x, np.asarray(params["kernel"]), stride, padding) + params["bias"]
    np.testing.assert_allclose(layer.apply({"params": params}, x), expected, atol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        {"filters": (6, 5), "hidden": 9, "boxes": 4, "lines": 3},
        {"filters": (6, 5, 4), "padding": "same", "boxes": 7, "lines": 1, "rescale": False},
        {"filters": (3,), "width": 9, "stride": 4, "boxes": 40, "lines": 8, "dropout": 0.5},
    ],
)
def test_forward_pass_equals_numpy(fields: dict, rng: np.random.Generator):
    network = QuasarNet(GRID, **fields)
    variables = random_variables(network, rng)
    flux = rng.normal(size=(3, 443)).astype(np.float32)
    output = jax.jit(network.apply)(variables, flux)
    assert output.shape == (3, network.lines, 2 * network.boxes)
    np.testing.assert_allclose(output, numpy_forward(network, variables, flux), atol=1e-5)


def test_the_four_layer_file_equals_numpy(shared):
    """No output of TensorFlow is stored for this trained network; NumPy replaces it."""
    fields, variables, _ = keras_weights.read(shared / "quasarnp" / "test_weights.h5")
    network = networks.build("QuasarNet", GRID, **fields)
    flux = np.load(shared / "quasarnp" / "coadd_x.npy")
    ours = jax.jit(network.apply)(variables, flux.astype(np.float32))
    np.testing.assert_allclose(ours, numpy_forward(network, variables, flux), rtol=0, atol=2e-6)


@pytest.mark.slow
def test_the_running_statistics_are_kerass(rng: np.random.Generator):
    """0.99 of the old and 0.01 of the batch's, the variance over all its pixels and biased."""
    network = QuasarNet(GRID, filters=(4,), hidden=3, boxes=2, lines=1)
    flux = rng.normal(size=(5, 443)).astype(np.float32)
    variables = network.init(jax.random.key(0), flux)
    _, mutated = network.apply(variables, flux, train=True, mutable=["batch_stats"])
    kernel = np.asarray(variables["params"]["conv_1"]["kernel"])
    conv = numpy_conv(flux[..., None].astype(np.float64), kernel, 2, "valid")
    stats = mutated["batch_stats"]["norm_1"]
    np.testing.assert_allclose(stats["mean"], 0.01 * conv.mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(stats["var"], 0.99 + 0.01 * conv.var(axis=(0, 1)), rtol=1e-5)


@pytest.mark.slow
def test_outputs_stay_in_their_ranges(rng: np.random.Generator):
    for rescale, low, high in ((True, -0.1, 1.1), (False, 0, 1)):
        network = QuasarNet(GRID, filters=(4,), hidden=5, rescale=rescale)
        variables = random_variables(network, rng)
        output = network.apply(variables, 1e3 * rng.normal(size=(4, 443)).astype(np.float32))
        p, offset = output[..., :13], output[..., 13:]
        assert p.min() >= 0 and p.max() <= 1
        assert offset.min() >= low - 1e-6 and offset.max() <= high + 1e-6
        assert offset.min() < low + 0.1 and offset.max() > high - 0.1


def test_dropout_needs_training(rng: np.random.Generator):
    network = QuasarNet(GRID, filters=(4,), hidden=5, dropout=0.5)
    variables = random_variables(network, rng)
    flux = rng.normal(size=(4, 443)).astype(np.float32)

    def trained(key: int) -> np.ndarray:
        rngs = {"dropout": jax.random.key(key)}
        return network.apply(variables, flux, train=True, rngs=rngs, mutable=["batch_stats"])[0]

    assert np.abs(trained(0) - trained(1)).max() > 1e-3
    np.testing.assert_array_equal(network.apply(variables, flux), network.apply(variables, flux))


def test_what_cannot_be_built_is_reported():
    with pytest.raises(InputError, match=r"'full'.* valid, same"):
        networks.build("QuasarNet", GRID, padding="full")
    network = QuasarNet(GRID, filters=(2,) * 6)
    with pytest.raises(InputError, match=r"\b6 .*\b10\b.*padding"):
        jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 443)))
