"""Recalibration of probabilities and errors that are too confident, or not enough.

One number each, fitted on spectra that were not trained on: a temperature for the probabilities of
classes or of the bins of p(z), and, where intervals still hold too seldom, a factor for z_err.
"""

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.posterior import slices_of

TEMPERATURES = (0.05, 20.0)
"""Range in which a temperature is searched for."""

STEPS = 24
"""Halvings of ln(20 / 0.05): the temperature is known to 4e-7 of itself."""

FLOOR = -100.0
"""Logarithms this far below the largest are cut: float32 resolves nothing below -103."""


def fit_temperature(log_prob: NDArray[np.floating], label: NDArray[np.integer]) -> float:
    """Return the temperature of highest likelihood (Guo et al. 2017, section 4.2).

    log_prob / T has the same best class at any T; T > 1 makes it less sure, T < 1 surer. In 1/T the
    negative log-likelihood is convex, so the zero of its derivative is found by halving. The bins
    of p(z) are classes like any other: give log p and `bin_labels`.

    Args:
        log_prob: (n, classes), logarithms of probabilities, or logits; values 100 or more below a
            row's largest, as -inf, counts as 100 below it.
        label: (n,), the true class; a negative one is unknown and left out.

    Returns:
        T, within `TEMPERATURES`: at the lower end if no label is ever wrong. 1 without any label.

    Raises:
        ValueError: if the shapes do not match, or a logarithm is NaN.
    """
    label = np.asarray(label)
    if log_prob.ndim != 2 or label.shape != log_prob.shape[:1]:
        raise ValueError(f"log_prob {log_prob.shape} and label {label.shape} do not match")
    known = label >= 0
    if not known.any():
        return 1.0
    log_prob, label = log_prob[known], label[known]
    if np.isnan(log_prob).any():
        raise ValueError("a logarithm of a probability is NaN")
    low, high = np.log(1 / TEMPERATURES[1]), np.log(1 / TEMPERATURES[0])
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _slope(log_prob, label, float(np.exp(middle))) > 0:
            high = middle
        else:
            low = middle
    return float(np.exp(-(low + high) / 2))


def at_temperature(log_prob: NDArray[np.floating], temperature: float) -> NDArray[np.floating]:
    """Logarithms of the probabilities at a temperature, (n, classes), of the dtype of `log_prob`.

    Args:
        log_prob: (n, classes), logarithms of probabilities, or logits.
        temperature: greater than 0; 1 changes nothing but the normalization.
    """
    scaled = log_prob / np.asarray(temperature, log_prob.dtype)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))


def bin_labels(z: NDArray[np.floating], edges: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the bin of each true redshift, (n,); -1 where it is beyond the edges, or not finite.

    Args:
        z: (n,).
        edges: (bins + 1,), of x = log10(1 + z), ascending.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.log10(1 + np.asarray(z, np.float64))
    inside = (x >= edges[0]) & (x < edges[-1])
    return np.where(inside, np.searchsorted(edges, x, side="right") - 1, -1)


def _slope(log_prob: NDArray[np.floating], label: NDArray[np.integer], beta: float) -> float:
    """Return the derivative by 1/T of the negative log-likelihood, summed over the spectra."""
    total = 0.0
    for span in slices_of(log_prob):
        rows = np.asarray(log_prob[span], np.float64)
        rows = np.maximum(rows - rows.max(axis=1, keepdims=True), FLOOR)
        weight = np.exp(beta * rows)
        expected = (weight * rows).sum(axis=1) / weight.sum(axis=1)
        true = np.take_along_axis(rows, label[span, None], axis=1)[:, 0]
        total += float((expected - true).sum())
    return total
