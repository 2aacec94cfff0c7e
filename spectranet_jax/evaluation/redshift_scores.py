"""Scores of a redshift, in z and in km/s."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectranet_jax.evaluation.calibration import median_interval
from spectranet_jax.evaluation.fraction import Fraction
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

LIMITS = (1000, 3000, 6000)
"""km/s: 6000 is QuasarNET's criterion of a correct redshift, 3000 that of the DESI surveys."""

CATASTROPHIC = 3000
"""km/s: a redshift further off is a catastrophic failure."""

RANGES = {"z < 1.57": (-np.inf, 1.57), "1.57 to 2.5": (1.57, 2.5), "z > 2.5": (2.5, np.inf)}
"""Ranges of true redshift, from the first value up to the second, for which quasars are scored
separately: at 1.57 C IV enters the spectrum, and other lines determine the redshift.
"""


@dataclass(frozen=True)
class RedshiftScores:
    """Everything that evaluation.json holds of a redshift.

    A prediction that is not finite is a failure: it is within no limit, it is catastrophic, and
    it is counted in `non_finite`; the means and medians are those of the finite ones, and None
    where there are none.

    Attributes:
        n: spectra with a true redshift.
        without_truth: spectra without one, which are not scored.
        non_finite: predictions that are not finite.
        mse: mean squared error in z, as the report's.
        mae: mean absolute error in z, as the report's.
        bias_mean: mean of z_pred - z_true.
        bias_median: median of z_pred - z_true.
        median_dv: km/s.
        median_dv_interval: its 95% interval; None of too few.
        nmad_dv: km/s.
        nmad_dv_interval: its 95% interval; None of too few.
        within: limit of |dv| in km/s, as "1000" -> fraction of spectra within it.
        catastrophic: fraction of spectra with |dv| > 3000 km/s.
    """

    n: int
    without_truth: int
    non_finite: int
    mse: float | None
    mae: float | None
    bias_mean: float | None
    bias_median: float | None
    median_dv: float | None
    median_dv_interval: tuple[float, float] | None
    nmad_dv: float | None
    nmad_dv_interval: tuple[float, float] | None
    within: dict[str, Fraction]
    catastrophic: Fraction


def dv(z_pred: ArrayLike, z_true: ArrayLike) -> NDArray[np.float64]:
    """Redshift error as a velocity, c (z_pred - z_true) / (1 + z_true), km/s, shape of both."""
    z_pred, z_true = np.asarray(z_pred, np.float64), np.asarray(z_true, np.float64)
    return SPEED_OF_LIGHT * (z_pred - z_true) / (1 + z_true)


def nmad(values: NDArray[np.floating]) -> float:
    """Normalized median absolute deviation, 1.4826 median|x - median x|: sigma of a Gaussian."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def nmad_interval(values: NDArray[np.floating]) -> tuple[float, float] | None:
    """95% interval of the NMAD: that of the median of |x - median x|, None for too few values.

    It takes the median as known, which costs nothing in large samples of a symmetric distribution.

    Args:
        values: (n,), finite.
    """
    if not len(values):
        return None
    interval = median_interval(np.abs(values - np.median(values)))
    return interval and (1.4826 * interval[0], 1.4826 * interval[1])


def quantiles_by_redshift(
    z: NDArray[np.floating], velocity: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return quantiles of the error by redshift, in up to 16 groups of equal size, at least 25.

    Args:
        z: (n,), true redshift, finite.
        velocity: (n,), dv in km/s, finite.

    Returns:
        (4, groups): the median z of each group, and the 16, 50 and 84% quantiles of velocity.
    """
    groups = int(np.clip(len(z) // 25, 1, 16))
    members = [g for g in np.array_split(np.argsort(z, kind="stable"), groups) if len(g)]
    rows = [[np.median(z[g]), *np.quantile(velocity[g], [0.16, 0.5, 0.84])] for g in members]
    return np.array(rows, np.float64).reshape(-1, 4).T


def scores(z_pred: NDArray[np.floating], z_true: NDArray[np.floating]) -> RedshiftScores:
    """Score redshifts.

    Args:
        z_pred: (n,), predicted redshift.
        z_true: (n,), true redshift; spectra where it is not finite are counted and not scored.

    Raises:
        InputError: if no spectrum has a true redshift.
    """
    z_pred, z_true = np.asarray(z_pred, np.float64), np.asarray(z_true, np.float64)
    known = np.isfinite(z_true)
    z_pred, z_true = z_pred[known], z_true[known]
    n = len(z_true)
    if n == 0:
        raise InputError("no spectrum has a redshift to score against; give data with known z")
    finite = np.isfinite(z_pred)
    error = (z_pred - z_true)[finite]
    velocity = dv(z_pred[finite], z_true[finite])
    distance = np.full(n, np.inf)
    distance[finite] = np.abs(velocity)

    def over_finite(
        value: Callable[[NDArray[np.float64]], float | np.floating], of: NDArray[np.float64]
    ) -> float | None:
        return float(value(of)) if len(of) else None

    return RedshiftScores(
        n=n,
        without_truth=int((~known).sum()),
        non_finite=int((~finite).sum()),
        mse=over_finite(lambda e: (e**2).mean(), error),
        mae=over_finite(lambda e: np.abs(e).mean(), error),
        bias_mean=over_finite(np.mean, error),
        bias_median=over_finite(np.median, error),
        median_dv=over_finite(np.median, velocity),
        median_dv_interval=median_interval(velocity),
        nmad_dv=over_finite(nmad, velocity),
        nmad_dv_interval=nmad_interval(velocity),
        within={str(limit): Fraction.of_true(distance <= limit) for limit in LIMITS},
        catastrophic=Fraction.of_true(distance > CATASTROPHIC),
    )


def scores_by_range(
    z_pred: NDArray[np.floating], z_true: NDArray[np.floating]
) -> dict[str, RedshiftScores | None]:
    """Return `scores` of each of `RANGES` by name; None of a range without true redshifts.

    Args:
        z_pred: (n,), predicted redshift.
        z_true: (n,), true redshift; where it is not finite it is in no range.
    """
    z_pred, z_true = np.asarray(z_pred, np.float64), np.asarray(z_true, np.float64)
    by_range: dict[str, RedshiftScores | None] = {}
    for name, (low, high) in RANGES.items():
        inside = np.isfinite(z_true) & (z_true >= low) & (z_true < high)
        by_range[name] = scores(z_pred[inside], z_true[inside]) if inside.any() else None
    return by_range
