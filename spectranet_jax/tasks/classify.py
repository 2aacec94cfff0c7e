"""Which of the four classes is it? The report's first question."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.evaluation import classification
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import CLASSES, UNKNOWN
from spectranet_jax.spectra.normalize import normalize
from spectranet_jax.tasks.task import Columns, Task


def cross_entropy(
    log_prob: Float[Array, "batch classes"], target: dict[str, Any]
) -> Float[Array, " batch"]:
    """-log p of the true class, (batch,)."""
    return -jnp.take_along_axis(log_prob, target["label"][:, None], axis=-1)[:, 0]


def decode(log_prob: Float[Any, "n classes"]) -> dict[str, NDArray[Any]]:
    """CLASS and a probability a class (columns P_STAR, ...)."""
    # In float64 and renormalized, so that the probabilities of a row sum to 1.
    p = np.exp(np.asarray(log_prob, np.float64))
    p /= p.sum(axis=-1, keepdims=True)
    columns = {f"P_{name}": p[:, i].astype(np.float32) for i, name in enumerate(CLASSES)}
    return {"CLASS": np.array(CLASSES)[p.argmax(axis=-1)], **columns}


def scores(columns: Columns, truth: Columns) -> dict[str, Any]:
    """The scores of `evaluation.classification`."""
    p = np.stack([columns[f"P_{name}"] for name in CLASSES], axis=-1)
    return classification.scores(truth["label"], np.log(np.maximum(p, 1e-30)))


def task(grid: LogGrid) -> Task:
    """Four-class classification from the normalized flux, with cross-entropy."""
    return Task(
        grid=grid,
        config={"name": "classify"},
        select=lambda truth: truth["label"] != UNKNOWN,
        target=lambda truth: {"label": truth["label"].astype(np.int32)},
        inputs=lambda flux, ivar: (normalize(flux, ivar),),
        loss=cross_entropy,
        decode=decode,
        scores=scores,
        applies_to=tuple(range(len(CLASSES))),
    )
