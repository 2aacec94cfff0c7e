"""The loss of LineNet: cross-entropies of the class, and of the redshift where it is known."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.labels import BAL_UNSURE, QSO, QSO_BAL

SMOOTHING = 2.5e-4
"""Sigma of the redshift's target in log10(1 + z), 172 km/s: wide enough to show where between two
steps a redshift is. A wider target would make p(z) of bright spectra too wide.
"""


def class_loss(
    log_p: Float[Array, "batch classes"], label: Any, either: Any
) -> Float[Array, " batch"]:
    """Return -log p of the true class.

    Args:
        log_p: log-probabilities of the classes.
        label: (batch,) classes.
        either: (batch,) bool, quasars with or without broad absorption: see `either_kind`.
    """
    of_label = jnp.take_along_axis(log_p, label[:, None], axis=-1)[:, 0]
    return -jnp.where(either, jnp.logaddexp(log_p[:, QSO], log_p[:, QSO_BAL]), of_label)


def either_kind(
    truth: Columns, trained: Sequence[float], here: Sequence[float] | None
) -> NDArray[np.bool_]:
    """Return the mask of quasars whose labels do not say whether they are BALs, bool (n,).

    These are quasars with the label QSO and an unsure BAL flag. In a fine-tuning without QSO_BAL
    labels, these are all quasars, because nobody looked for broad absorption. A network that was
    trained without QSO_BAL gives all quasars the class QSO, and learns from the labels alone.

    Args:
        truth: columns label and bal, (n,).
        trained: (4,) class fractions in training.
        here: (4,) class fractions in fine-tuning: see `fractions`. None without fine-tuning.
    """
    label = truth["label"]
    if here is not None and here[QSO_BAL] == 0:
        return (label == QSO) | (label == QSO_BAL)
    return (label == QSO) & (truth["bal"] == BAL_UNSURE) & (trained[QSO_BAL] > 0)


def redshift_loss(
    z_logits: Float[Any, "batch zsteps"], log_z: Float[Any, " batch"], width: float
) -> Float[Array, " batch"]:
    """Return the cross-entropy of p(z) with a narrow Gaussian at the true redshift.

    Args:
        z_logits: unnormalized log p(z).
        log_z: true log10(1 + z), in steps.
        width: of a step in log10(1 + z).
    """
    centers = jnp.arange(z_logits.shape[-1])[None] + 0.5
    bell = jnp.exp(-0.5 * ((centers - log_z[:, None]) * width / SMOOTHING) ** 2)
    bell /= bell.sum(axis=-1, keepdims=True)
    return -(bell * jax.nn.log_softmax(z_logits)).sum(axis=-1)


def fractions(label: NDArray[np.integer]) -> tuple[float, ...]:
    """Return the class fractions of a few spectra, (4,), for `at_fractions`.

    Half a spectrum is added to each class, so that a class that is absent here remains possible.
    But an absent QSO_BAL gets the fraction 0, because nobody looked for broad absorption.

    Args:
        label: (n,) classes.
    """
    counts = np.bincount(label, minlength=QSO_BAL + 1)
    counts = np.where((np.arange(len(counts)) == QSO_BAL) & (counts == 0), 0, counts + 0.5)
    return tuple((counts / counts.sum()).tolist())


def at_fractions(
    log_p: Float[Array, "batch classes"], trained: Sequence[float], here: Sequence[float]
) -> Float[Array, "batch classes"]:
    """Return log-probabilities of the classes among spectra with other class fractions.

    With these probabilities in the loss, a network keeps the class fractions that it was trained
    with when it is fine-tuned.

    Args:
        log_p: at the fractions `trained`.
        trained: (4,) class fractions in training.
        here: (4,) class fractions of the spectra: see `fractions`.
    """
    log_ratio = np.log(fraction_ratio(trained, here)).astype(np.float32)
    return jax.nn.log_softmax(log_p + log_ratio[None])


def fraction_ratio(trained: Sequence[float], here: Sequence[float]) -> NDArray[np.float64]:
    """Return the class fractions `here` as multiples of those in training, (4,).

    If nobody looked for broad absorption, QSO and QSO_BAL both have the ratio of all quasars.
    """
    before, now = np.asarray(trained, np.float64), np.asarray(here, np.float64)
    if now[QSO_BAL] == 0:
        before, now = (np.append(p[:QSO], [p[QSO:].sum()] * 2) for p in (before, now))
    # A class that the network was not trained on has no ratio; it is left as it is.
    return np.divide(now, before, out=np.ones(len(now)), where=before > 0)
