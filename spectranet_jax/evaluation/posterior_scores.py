"""Calibration and sharpness of p(z), measured against true redshifts.

Whether intervals contain the truth as often as they claim is tested at every level at once: one
level per spectrum, that of the smallest interval which reaches its true redshift. For calibrated
posteriors these levels are uniform, and the fraction of them below q is the coverage of q.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.fraction import Fraction
from spectranet_jax.evaluation.posterior import Floats, cdf, place, slices_of
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.lines import kms

LEVELS = (0.50, 0.68, 0.90, 0.95)
"""Probabilities of the intervals whose coverage is scored."""

PIT_BINS = 20


@dataclass(frozen=True)
class PosteriorScores:
    """Everything that evaluation.json holds of p(z).

    Attributes:
        n: spectra that are scored.
        unscored: spectra without a true redshift or a posterior.
        pit: spectra in each of 20 equal bins of PIT.
        central: probability of an interval, as "0.68" -> fraction of true redshifts within it.
        highest_density: the same of regions of highest density.
        crps_mean: km/s.
        crps_median: km/s.
    """

    n: int
    unscored: int
    pit: list[int]
    central: dict[str, Fraction]
    highest_density: dict[str, Fraction]
    crps_mean: float
    crps_median: float


def central_level(pit: NDArray[np.floating]) -> Floats:
    """Probability of the smallest central interval that reaches the true z, (n,): |2 PIT - 1|.

    A central interval leaves out as much below as above it.
    """
    return np.abs(2 * np.asarray(pit, np.float64) - 1)


def highest_density_level(
    p: NDArray[np.floating], edges: NDArray[np.floating], z: NDArray[np.floating]
) -> Floats:
    """Return the probability of the smallest highest-density region that reaches the true z, (n,).

    The level of Hyndman (1996, The American Statistician 50, 120) at which z is on the border: the
    mass of all bins that are denser than its own. Its own, of one density throughout, is let in
    from its middle to its sides, as equal ones are from the left to the right; so the level of a z
    that is drawn from p is uniform however few the bins are. A z beyond the edges has level 1.

    Args:
        p: (n, bins), as for `posterior.decode`.
        edges: (bins + 1,), likewise.
        z: (n,), true redshift; where it is NaN the answer is.
    """
    places = place(p, edges, z)
    level = np.full(len(p), np.nan)
    for block in slices_of(p):
        rows, at = np.asarray(p[block], np.float64), places[block]
        index, beyond = _bin_of(at, rows.shape[1])
        own_density = np.take_along_axis(rows, index[:, None], axis=1)
        earlier = (rows == own_density) & (np.arange(rows.shape[1]) < index[:, None])
        denser = np.where((rows > own_density) | earlier, rows, 0).sum(axis=1)
        from_middle = np.minimum(np.abs(2 * (at - index) - 1), 1)
        total = rows.sum(axis=1)
        inside = (denser + from_middle * own_density[:, 0]) / np.where(total > 0, total, np.nan)
        level[block] = np.where(beyond, 1.0, np.minimum(inside, 1))
        level[block] = np.where(np.isnan(at) | ~(total > 0), np.nan, level[block])
    return level


def crps(p: NDArray[np.floating], edges: NDArray[np.floating], z: NDArray[np.floating]) -> Floats:
    """Continuous ranked probability score in km/s, (n,), of c ln(1 + z), dv to 1st order.

    The integral of (F(v) - [v >= v_true])^2 over v = c ln(1 + z) (Gneiting & Raftery 2007, JASA
    102, 359, section 4.2), exact for a density that is uniform in a bin. Of a posterior that is
    certain it is |dv|; of a Gaussian centered on the truth 0.23 sigma; lower is better.

    Args:
        p: (n, bins), as for `posterior.decode`.
        edges: (bins + 1,), likewise.
        z: (n,), true redshift; where it is NaN the answer is.
    """
    places = place(p, edges, z)
    bins = p.shape[1]
    score = np.full(len(p), np.nan)
    for block in slices_of(p):
        rows, at = np.asarray(p[block], np.float64), places[block]
        total = rows.sum(axis=1, keepdims=True)
        rows = rows / np.where(total > 0, total, np.nan)
        after = np.minimum(np.cumsum(rows, axis=1), 1)
        before = np.concatenate([np.zeros((len(rows), 1)), after[:, :-1]], axis=1)
        index, _ = _bin_of(at, bins)
        column = np.arange(bins)
        left, right = column < index[:, None], column > index[:, None]
        whole = np.where(left, _square(before, after), 0).sum(axis=1)
        whole += np.where(right, _square(1 - before, 1 - after), 0).sum(axis=1)

        # The bin of the truth is cut in two there; a truth beyond the edges adds its distance.
        inside = np.clip(at - index, 0, 1)
        low, high = (np.take_along_axis(f, index[:, None], axis=1)[:, 0] for f in (before, after))
        cut = low + inside * (high - low)
        whole += inside * _square(low, cut) + (1 - inside) * _square(1 - cut, 1 - high)
        score[block] = whole + np.maximum(-at, 0) + np.maximum(at - bins, 0)
    width = float(edges[-1] - edges[0]) / bins
    return kms(width) * score


def scores(
    p: NDArray[np.floating], edges: NDArray[np.floating], z: NDArray[np.floating]
) -> PosteriorScores:
    """Score p(z) against true redshifts.

    Args:
        p: (n, bins), as for `posterior.decode`.
        edges: (bins + 1,), likewise.
        z: (n,), true redshift; spectra where it is not finite, or that have no posterior, are
            counted and not scored.

    Raises:
        InputError: if nothing can be scored.
    """
    known = np.isfinite(z) & (p.sum(axis=1) > 0)
    n = int(known.sum())
    if n == 0:
        raise InputError("no spectrum has a redshift to score p(z) against; give data with known z")
    p, z = p[known], np.asarray(z)[known]
    pit, crps_each = cdf(p, edges, z), crps(p, edges, z)
    return PosteriorScores(
        n=n,
        unscored=len(known) - n,
        pit=np.histogram(pit, PIT_BINS, (0, 1))[0].tolist(),
        central=coverage(central_level(pit)),
        highest_density=coverage(highest_density_level(p, edges, z)),
        crps_mean=float(crps_each.mean()),
        crps_median=float(np.median(crps_each)),
    )


def coverage(level: NDArray[np.floating]) -> dict[str, Fraction]:
    """Return the fraction of true redshifts within the interval of each of `LEVELS`.

    Args:
        level: (n,), n > 0: of the smallest interval that reaches the true redshift.
    """
    return {f"{q:g}": Fraction.of_true(level <= q) for q in LEVELS}


def _bin_of(at: Floats, bins: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Bin of each place, the nearest one beyond the edges, and whether it is beyond them."""
    finite = np.nan_to_num(at, nan=0.0, posinf=bins, neginf=0)
    index = np.clip(np.floor(finite), 0, bins - 1).astype(np.int64)
    return index, (at < 0) | (at > bins)


def _square(a: Floats, b: Floats) -> Floats:
    """Return the mean square of a straight line from a to b."""
    return (a * a + a * b + b * b) / 3
