"""The convolution of XLA and the max-pooling of Flax, in place of the networks' fast ones.

Tests compare the two forms, and `python -m experiments.benchmark train infer` measures both.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import flax.linen as nn
from jaxtyping import Array, Float

from spectranet_jax.networks.layers import plain_conv

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")


def plain_max_pool(x: Float[Any, "batch bins features"]) -> Float[Array, "batch fewer features"]:
    """Compute max-pooling with window 2 and stride 1, as Flax does."""
    return nn.max_pool(x, window_shape=(2,), strides=(1,))


PLAIN: dict[str, Callable[..., Array]] = {"convolve": plain_conv, "max_pool": plain_max_pool}
"""Method of a layer -> its plain replacement, with the same parameters and results."""


def in_plain_form(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
    """Return a function that applies networks, with the plain arithmetic wherever it is traced."""

    @wraps(function)
    def plain(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        with nn.intercept_methods(_intercept):
            return function(*args, **kwargs)

    return plain


def _intercept(method: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
    return PLAIN.get(context.method_name, method)(*args, **kwargs)
