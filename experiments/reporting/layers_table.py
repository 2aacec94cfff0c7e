"""The networks as built, layer by layer: shapes and parameters, read off the modules."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from spectranet_jax import networks
from spectranet_jax.spectra.grid import LogGrid

WORDS = {
    "ConvPool": "convolution of 10, stride 2; ReLU; max-pool of 2, stride 1",
    "Dropout": "dropout",
    "Dense": "linear",
    "BatchNorm": "batch normalization",
}
"""Kind of module -> description."""


class Layer(NamedTuple):
    """A layer: its description, its output shape, and its trainable parameters."""

    description: str
    shape: tuple[int, ...]
    parameters: int


def layers(name: str, grid: LogGrid) -> list[Layer]:
    """Return the layers of a network in order, and a last row "all" with the sum of the parameters.

    Args:
        name: of the network.
        grid: the bins of the spectra.
    """
    network: Any = networks.build(name, grid)
    flux = jnp.zeros((1, grid.size), jnp.float32)
    variables = network.init(jax.random.key(0), flux)
    output, state = network.apply(
        variables, flux, capture_intermediates=True, mutable=["intermediates"]
    )
    rows = [Layer("input: normalized flux", flux.shape[1:], 0)]
    for module, out in state["intermediates"].items():
        if module == "__call__":
            continue
        kind = module.partition("_")[0]
        params = variables["params"].get(module, {})
        rows.append(Layer(WORDS[kind], out["__call__"][0].shape[1:], _count(params)))
    return [*rows, Layer("all", output.shape[1:] or (1,), _count(variables["params"]))]


def _count(params: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
