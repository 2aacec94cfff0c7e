"""Attribution: how much each bin of a spectrum contributes to the model's answer.

Integrated gradients (Sundararajan, Taly & Yan 2017, arXiv:1703.01365): the gradient of the log
probability of the answer along the straight line from a featureless spectrum, at the mean of its
flux, to the spectrum itself. The bins' contributions add up to the difference between the two ends.
The log probability is minus the task's own loss, so it exists for every task and network.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from spectranet_jax.inference.model import Model
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, CLASSES, CONFIDENT, NOT_BAL, QSO_BAL

STEPS = 96
"""Steps along the line, at the middles of equal intervals."""

AT_ONCE = 56 << 10
"""Bytes of spectra per compiled step: 16 spectra of 443 bins; smaller batches are padded."""


def attributions(
    model: Model, flux: NDArray[np.float32], ivar: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return each bin's contribution to the predicted class, float32 (n, bins).

    In natural logarithms of the class's probability; negative for what speaks against it, and 0
    where there is no measurement. For a model without classes, its redshift is attributed.

    Args:
        model: the model.
        flux: (n, bins) float32, finite: see `inference.clean`.
        ivar: (n, bins) float32, finite, not negative.
    """
    targets = model.task.targets(answers(model.columns(flux, ivar), len(flux)))
    step = jax.jit(_step(model))
    parts = [np.zeros((0, flux.shape[1]), np.float32)]
    size = max(1, AT_ONCE // model.grid.bytes_per_spectrum)
    for start in range(0, len(flux), size):
        rows = slice(start, start + size)
        count = len(flux[rows])
        filled = [_filled(array[rows], size) for array in (flux, ivar)]
        batch = {name: _filled(np.asarray(values)[rows], size) for name, values in targets.items()}
        parts.append(np.asarray(step(model.variables, *filled, batch))[:count])
    return np.concatenate(parts)


def log_probability(model: Model, variables: Any, inputs: Any, batch: Any) -> jax.Array:
    """Return the log probability of the targets, up to a constant, (batch,)."""
    output = model.network.apply(variables, *inputs, train=False)
    return -model.task.loss(output, batch)


def _step(model: Model) -> Any:
    """Return (variables, flux, ivar, targets) -> attributions, (batch, bins)."""

    def total(normalized: jax.Array, variables: Any, other_inputs: Any, batch: Any) -> jax.Array:
        return log_probability(model, variables, (normalized, *other_inputs), batch).sum()

    def step(variables: Any, flux: jax.Array, ivar: jax.Array, batch: Any) -> jax.Array:
        normalized, *other_inputs = model.task.inputs(flux, ivar)

        def add(so_far: jax.Array, place: jax.Array) -> tuple[jax.Array, None]:
            gradient = jax.grad(total)(place * normalized, variables, other_inputs, batch)
            return so_far + gradient, None

        places = (jnp.arange(STEPS, dtype=jnp.float32) + 0.5) / STEPS
        with jax.default_matmul_precision("float32"):
            summed, _ = jax.lax.scan(add, jnp.zeros_like(normalized), places)
        return normalized * summed / STEPS

    return step


def answers(columns: dict[str, NDArray[Any]], count: int) -> dict[str, NDArray[Any]]:
    """What a model answers, as columns of truth: the class; the redshift where it gives none."""
    gives_class = "CLASS" in columns
    kinds = np.ma.getdata(columns["CLASS"]) if gives_class else np.full(count, "QSO")
    label = np.array([CLASSES.index(kind) for kind in kinds.tolist()], np.int8)
    z = np.ma.filled(np.ma.asarray(columns.get("Z", np.full(count, np.nan)), np.float64), np.nan)
    is_bal = np.where(label == QSO_BAL, BAL, NOT_BAL)
    return {
        "label": label,
        "z": z,
        "z_conf": np.full(count, 0 if gives_class else CONFIDENT, np.int8),
        "bal": (is_bal if gives_class else np.full(count, BAL_UNSURE)).astype(np.int8),
    }


def _filled(array: NDArray[Any], size: int) -> NDArray[Any]:
    missing = [(0, size - len(array))] + [(0, 0)] * (array.ndim - 1)
    return np.pad(array, missing)
