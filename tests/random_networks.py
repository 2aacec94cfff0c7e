"""Random weights for networks: no parameter keeps its initial value."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np


def random_variables(network: nn.Module, rng: np.random.Generator) -> dict:
    """Variables in which no parameter and no statistic keeps the value it is initialized to."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 443)))

    def draw(path: tuple, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        values = rng.normal(size=leaf.shape) / np.sqrt(np.prod(leaf.shape[:-1]) or 1)
        if path[-1].key in ("var", "scale"):
            values = 0.5 + np.abs(values)
        return values.astype(np.float32)

    return jax.tree_util.tree_map_with_path(draw, shapes)
