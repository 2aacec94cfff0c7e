"""Recalibration of probabilities and errors that are too confident, or not enough.

One number each, fitted on spectra that were not trained on: a temperature for the probabilities of
classes or of the bins of p(z). `sharpened` applies two of them to p(z).
"""

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.posterior import slices_of

TEMPERATURES = (0.05, 20.0)
"""Range in which a temperature is searched for."""

STEPS = 24
"""Halvings of ln(20 / 0.05): the temperature is known to 4e-7 of itself."""

LEAST = 1e-300
"""Sums below this, which float64 hardly holds, count as this."""

FLOOR = -100.0
"""Logarithms this far below the largest are cut: float32 resolves nothing below -103."""


def fit_temperature(
    log_prob: NDArray[np.floating],
    label: NDArray[np.integer],
    shift: NDArray[np.floating] | float = 0.0,
    or_label: NDArray[np.integer] | None = None,
) -> float:
    """Return the temperature of highest likelihood (Guo et al. 2017, section 4.2).

    log_prob / T has the same best class at any T; T > 1 makes it less sure, T < 1 surer. In 1/T the
    negative log-likelihood is convex, so the zero of its derivative is found by halving. The bins
    of p(z) are classes like any other: give log p and `bin_labels`.

    Args:
        log_prob: (n, classes), logarithms of probabilities, or logits; values 100 or more below a
            row's largest, as -inf, counts as 100 below it.
        label: (n,), the true class; a negative one is unknown and left out.
        shift: (classes,), added after the division by T: the logarithm of the class fractions of
            the labels divided by those of `log_prob`.
        or_label: (n,), a second class that may be the true one instead, or `label` again. Where the
            two differ, convexity is not proven.

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
    pair = np.stack([label, label if or_label is None else or_label], axis=-1)[known]
    log_prob, shift = log_prob[known], np.broadcast_to(shift, log_prob.shape[1:])
    if np.isnan(log_prob).any():
        raise ValueError("a logarithm of a probability is NaN")
    low, high = np.log(1 / TEMPERATURES[1]), np.log(1 / TEMPERATURES[0])
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _slope(log_prob, pair, shift, float(np.exp(middle))) > 0:
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


def sharpened(
    log_prob: NDArray[np.floating], temperature: float, between: float, reach: int
) -> NDArray[np.float64]:
    """Return p(z) at a temperature within windows, and at another between them, (n, bins).

    A network that learned a redshift as a Gaussian has a p(z) that is too wide by this Gaussian,
    which says nothing of how sure it is of one redshift against another, far from it. So p(z) at
    `temperature` is multiplied by the ratio of two sums over the bins around each bin: that of p(z)
    at `between`, and that of p(z) at `temperature`.

    Peaks less than some 1.5 windows apart exchange some probability; and between a sharp peak and
    the end of its window p(z) can be lower than farther away.

    Args:
        log_prob: (n, bins), logarithms of p(z), or logits.
        temperature: of the shape within a window, greater than 0.
        between: of the probabilities of windows, greater than 0.
        reach: bins on each side of a bin that make up its window.
    """
    result = np.empty(log_prob.shape)
    for span in slices_of(log_prob):
        rows = np.asarray(log_prob[span], np.float64)
        inside, whole = (np.exp(at_temperature(rows, t)) for t in (temperature, between))
        inside *= window_sums(whole, reach) / np.maximum(window_sums(inside, reach), LEAST)
        result[span] = inside / inside.sum(axis=1, keepdims=True)
    return result


def window_sums(p: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the sum of each bin and `reach` bins on each side, (n, bins).

    Sums of 1, 2, 4, ... bins are added up: a running sum would round away what far bins hold.
    """
    bins, width = p.shape[1], 2 * reach + 1
    block, size = np.pad(p, ((0, 0), (reach, reach))), 1
    total, first = np.zeros_like(p), 0
    while width:
        if width & 1:
            total += block[:, first : first + bins]
            first += size
        width >>= 1
        if width:
            block, size = block[:, :-size] + block[:, size:], 2 * size
    return total


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


def _slope(
    log_prob: NDArray[np.floating],
    pair: NDArray[np.integer],
    shift: NDArray[np.floating],
    beta: float,
) -> float:
    """Return the derivative by 1/T of the negative log-likelihood, summed over the spectra."""
    total = 0.0
    for span in slices_of(log_prob):
        rows = np.asarray(log_prob[span], np.float64)
        rows = np.maximum(rows - rows.max(axis=1, keepdims=True), FLOOR)
        logits = beta * rows + shift
        true = [np.take_along_axis(values, pair[span], axis=1) for values in (rows, logits)]
        total += float((_mean(rows, logits) - _mean(*true)).sum())
    return total


def _mean(values: NDArray[np.float64], logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each row, weighted by exp(logits)."""
    weight = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (weight * values).sum(axis=1) / weight.sum(axis=1)
