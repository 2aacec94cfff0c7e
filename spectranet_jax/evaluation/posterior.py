"""Decoding of p(z): the redshift, its error, its probability, and the second-best redshift.

A posterior comes as the probabilities of bins of equal width in x = log10(1 + z). Its density is
taken to be uniform in x within a bin, so that the distribution function is linear there: windows,
means and variances below are exact, not sums over bin centers. On x a velocity is a length that is
the same at every redshift, dx = dv / (c ln 10) to first order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray

from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT
from spectranet_jax.spectra.row_slices import row_slices

Floats = NDArray[np.float64]

AT_ONCE = 4 << 20
"""Bytes of posteriors processed at a time: they fit into the cache, and are enough for NumPy."""

EQUAL = 1e-12
"""Masses this close are equal: rounding of the cumulative sums is smaller, 1e-16 per bin."""


@dataclass(frozen=True)
class Decoded:
    """Values decoded from n posteriors; NaN where there is no posterior.

    Attributes:
        z: (n,) float64, mean of x within the window of greatest mass, as a redshift.
        z_err: (n,) float64, standard deviation there, (1 + z) ln 10 times that of x.
        mass: (n,) float64, the window's probability, 0 to 1.
        z_second: (n,) float64, likewise of the greatest window that does not overlap the first;
            NaN if nothing lies outside it.
        mass_second: (n,) float64, the probability of that one.
    """

    z: Floats
    z_err: Floats
    mass: Floats
    z_second: Floats
    mass_second: Floats


def decode(
    p: Float[np.ndarray, "n zsteps"],
    edges: Float[np.ndarray, " edges"],
    velocity: float = CATASTROPHIC,
) -> Decoded:
    """Decode the window, `velocity` to either side, that holds most of the probability.

    Its mass is piecewise linear in its place, with corners where either end is on an edge, so the
    greatest is found among those; of a stretch of equal ones, the middle is taken.

    Args:
        p: (n, bins), probabilities, 0 or more; a row is divided by its sum. A row that holds NaN,
            or is 0 throughout, is none.
        edges: (bins + 1,), in x, equally spaced.
        velocity: half the window's width, km/s.

    Raises:
        ValueError: if the shapes do not match, a probability is negative or infinite, or the edges
            are not equally spaced.
    """
    width = _width(p, edges)
    beta = velocity / SPEED_OF_LIGHT
    window = float(np.log10((1 + beta) / (1 - beta)) / width)  # in bins, as all places below
    bins = p.shape[1]
    starts = np.concatenate([np.arange(bins), np.arange(1, bins + 1) - window])
    order = np.argsort(starts)
    starts = starts[order]
    parts = []
    for span in slices_of(p):
        rows = np.asarray(p[span], np.float64)
        sums = cumulative(rows)
        after = _shifted(sums, window)[:, :-1] - sums[:, :-1]  # an edge, then a window
        before = sums[:, 1:] - _shifted(sums, -window)[:, 1:]
        masses = np.concatenate([after, before], axis=1)[:, order]
        first = _middle_of_greatest(masses, starts)
        mean, variance, mass = _inside(rows, first, window)

        # Outside of the first window the corners are those that do not touch it, and its two ends.
        beside = np.abs(starts - first[:, None]) >= window
        ends = first[:, None] + np.array([-window, window])
        at_ends = below(sums, ends + window) - below(sums, ends)
        best = np.concatenate([np.where(beside, masses, -1), at_ends], axis=1).argmax(axis=1)
        everywhere = np.concatenate([np.broadcast_to(starts, masses.shape), ends], axis=1)
        second = np.take_along_axis(everywhere, best[:, None], axis=1)[:, 0]
        mean_second, _, mass_second = _inside(rows, second, window)

        z = _redshift(edges[0] + width * mean)
        z_err = (1 + z) * np.log(10) * width * np.sqrt(variance)
        z_second = _redshift(edges[0] + width * mean_second)
        parts.append(Decoded(z, z_err, mass, z_second, mass_second))
    names = [field.name for field in fields(Decoded)]
    return Decoded(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def cdf(
    p: Float[np.ndarray, "n zsteps"],
    edges: Float[np.ndarray, " edges"],
    z: Float[np.ndarray, " redshifts"],
) -> Float64[np.ndarray, " n"]:
    """Return the probability that the redshift is less than z, (n,); at the true z, the PIT.

    The probability integral transform (Dawid 1984, JRSS A 147, 278) is uniform over true redshifts
    that are draws of their posteriors.

    Args:
        p: (n, bins), as for `decode`.
        edges: (bins + 1,), likewise.
        z: (n,); beyond the edges the answer is 0 or 1, where it is NaN the answer is.
    """
    places = place(p, edges, z)[:, None]
    parts = [
        below(cumulative(np.asarray(p[span], np.float64)), places[span]) for span in slices_of(p)
    ]
    return np.concatenate(parts)[:, 0]


def mass_within(
    p: Float[np.ndarray, "n zsteps"],
    edges: Float[np.ndarray, " edges"],
    z: Float[np.ndarray, " redshifts"],
) -> Float64[np.ndarray, " n"]:
    """Return the probability that |dv| of z is at most `CATASTROPHIC`, (n,).

    With dv = c (z - z_true) / (1 + z_true), as `redshift_scores.dv` has it. Of the z of `decode`
    it is at most the mass of its window, which need not be centered on it.

    Args:
        p: (n, bins), as for `decode`.
        edges: (bins + 1,), likewise.
        z: (n,), the redshift that is given.
    """
    one_plus_z, beta = 1 + np.asarray(z, np.float64), CATASTROPHIC / SPEED_OF_LIGHT
    low, high = one_plus_z / (1 + beta) - 1, one_plus_z / (1 - beta) - 1
    return cdf(p, edges, high) - cdf(p, edges, low)


def place(
    p: Float[np.ndarray, "n zsteps"],
    edges: Float[np.ndarray, " edges"],
    z: Float[np.ndarray, " redshifts"],
) -> Float64[np.ndarray, " n"]:
    """Return redshifts in bins from the first edge, (n,), also beyond the bins.

    Raises:
        ValueError: as `decode` does, and if there is not one redshift a posterior.
    """
    width, z = _width(p, edges), np.asarray(z, np.float64)
    if z.shape != p.shape[:1]:
        raise ValueError(f"z {z.shape} must be {p.shape[:1]}, one per posterior")
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.log10(1 + z) - edges[0]) / width


def _width(p: NDArray[np.floating], edges: NDArray[np.floating]) -> float:
    """Check posteriors and return the width of a bin in x."""
    if p.ndim != 2 or edges.shape != (p.shape[1] + 1,):
        raise ValueError(f"p {p.shape} and edges {edges.shape} must be (n, bins) and (bins + 1,)")
    steps = np.diff(np.asarray(edges, np.float64))
    width = float(edges[-1] - edges[0]) / len(steps)
    if not (width > 0 and np.allclose(steps, width, rtol=1e-3, atol=0)):
        raise ValueError("the edges are not equally spaced in log10(1 + z)")
    lowest, highest = (
        np.fmin.reduce(p, axis=None, initial=0),
        np.fmax.reduce(p, axis=None, initial=0),
    )
    if lowest < 0 or highest == np.inf:
        raise ValueError(f"probabilities of {lowest} to {highest}: give 0 or more, finite")
    return width


def slices_of(p: NDArray[np.floating]) -> Iterator[slice]:
    """Yield slices of rows (n, bins) whose float64 copies take `AT_ONCE`; an empty one if n = 0."""
    return row_slices(0, len(p), 8 * p[:1].size, AT_ONCE) if len(p) else iter([slice(0)])


def cumulative(p: Float64[np.ndarray, "n bins"]) -> Float64[np.ndarray, "n bins+1"]:
    """Return the distribution function at the edges, (n, bins + 1): 0 to 1, or NaN."""
    sums = np.zeros((len(p), p.shape[1] + 1))
    np.cumsum(p, axis=1, out=sums[:, 1:])
    total = sums[:, -1:]
    return sums / np.where(total > 0, total, np.nan)


def _shifted(sums: Float64[np.ndarray, "n edges"], by: float) -> Float64[np.ndarray, "n edges"]:
    """Return the distribution function at the edges moved by `by` bins, (n, bins + 1)."""
    last = sums.shape[1] - 1
    places = np.arange(last + 1) + by
    whole = np.floor(places).astype(np.int64)
    left, right = np.clip(whole, 0, last), np.clip(whole + 1, 0, last)
    part = places - whole
    return (1 - part) * sums[:, left] + part * sums[:, right]


def below(
    sums: Float64[np.ndarray, "n edges"], places: Float64[np.ndarray, "n places"]
) -> Float64[np.ndarray, "n places"]:
    """Return the distribution function at places of each row, (n, places); NaN where they are."""
    last = sums.shape[1] - 1
    inside = np.clip(np.nan_to_num(places, nan=0.0), 0, last)
    whole = np.minimum(inside.astype(np.int64), last - 1)
    left = np.take_along_axis(sums, whole, axis=1)
    right = np.take_along_axis(sums, whole + 1, axis=1)
    return np.where(np.isnan(places), np.nan, left + (inside - whole) * (right - left))


def _middle_of_greatest(
    masses: Float64[np.ndarray, "n candidates"], starts: Float64[np.ndarray, " candidates"]
) -> Float64[np.ndarray, " n"]:
    """Middle of the first stretch of starts, (candidates,) ascending, of greatest mass."""
    greatest = masses >= masses.max(axis=1, keepdims=True) - EQUAL
    first = greatest.argmax(axis=1)
    ended = ~greatest & (np.arange(len(starts)) > first[:, None])
    last = np.where(ended.any(axis=1), ended.argmax(axis=1), len(starts)) - 1
    # Without a posterior no mass is greatest, and the value read there is NaN.
    last = np.where(greatest.any(axis=1), last, first)
    return (starts[first] + starts[last]) / 2


def _inside(
    p: Float64[np.ndarray, "n bins"], start: Float64[np.ndarray, " n"], window: float
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Mean and variance of the place within windows, NaN if they are empty, and their mass."""
    bins = p.shape[1]
    low = np.floor(start).astype(np.int64)[:, None] + np.arange(int(np.ceil(window)) + 1)
    left = np.maximum(low, start[:, None])
    right = np.minimum(low + 1, start[:, None] + window)
    length = np.maximum(right - left, 0)
    within = (low >= 0) & (low < bins)
    held = np.take_along_axis(p, np.clip(low, 0, bins - 1), axis=1) * length * within
    total, sums = p.sum(axis=1), held.sum(axis=1)
    weight = held / np.where(sums > 0, sums, np.nan)[:, None]
    # Relative to the start, so that a shifted posterior loses no digit.
    middle = (left + right) / 2 - start[:, None]
    mean = (weight * middle).sum(axis=1)
    spread = (middle - mean[:, None]) ** 2 + length**2 / 12
    variance = (weight * spread).sum(axis=1)
    mass = np.minimum(sums / np.where(total > 0, total, np.nan), 1)
    return start + mean, variance, mass


def _redshift(x: Floats) -> Floats:
    return 10**x - 1
