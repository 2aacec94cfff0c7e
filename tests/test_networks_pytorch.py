"""The report's networks against PyTorch: output, gradients, and what training does to BatchNorm."""

import flax.linen as nn
import jax
import numpy as np
import pytest
from random_networks import random_variables

from spectranet_jax.networks import SpectraNetClassifier, SpectraNetRegressor
from spectranet_jax.spectra import QUASARNET_GRID as GRID

PIXELS = 18
"""Length of the last block's output."""


def channels_first(kernel: np.ndarray) -> np.ndarray:
    """Rows of a dense kernel in the order in which PyTorch flattens, channels first."""
    return kernel.reshape(PIXELS, -1, kernel.shape[1]).swapaxes(0, 1).reshape(kernel.shape)


def pixels_first(kernel: np.ndarray) -> np.ndarray:
    """The inverse of `channels_first`."""
    return kernel.reshape(-1, PIXELS, kernel.shape[1]).swapaxes(0, 1).reshape(kernel.shape)


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
