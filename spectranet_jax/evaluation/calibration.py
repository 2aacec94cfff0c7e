"""How far a probability, or a fraction of a small sample, can be trusted."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Equal-width bins of the top probability, as in Guo et al. (2017)."""


@dataclass(frozen=True)
class RiskCoverage:
    """Mean error of the most confident predictions, against the fraction of all that these are.

    Attributes:
        coverage: (n,) float64, 1/n to 1.
        risk: (n,) float64, mean error of that fraction, the most confident predictions.
        area: mean of risk over coverage, 0 at best; NaN of no predictions.
    """

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]
    area: float


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy by bin of confidence; NaN in empty bins.

    Attributes:
        count: (bins,) int64, predictions in the bin.
        confidence: (bins,) float64, their mean top probability.
        accuracy: (bins,) float64, the fraction of them that is correct.
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def reliability(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Reliability curve (Guo et al. 2017, arXiv:1706.04599, equations 2 and 3 and figure 1).

    Bin m of M holds the predictions whose confidence lies in ((m - 1)/M, m/M].

    Args:
        confidence: (n,), the probability of the predicted class, 0 to 1.
        correct: (n,), whether the prediction is right.
        bins: M, the number of bins of equal width.
    """
    confidence = np.asarray(confidence, np.float64)
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    filled = np.where(count > 0, count, np.nan)
    return Reliability(
        count=count,
        confidence=np.bincount(index, confidence, bins) / filled,
        accuracy=np.bincount(index, np.asarray(correct, np.float64), bins) / filled,
    )


def expected_calibration_error(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_]
) -> float:
    """Mean over predictions of |accuracy - confidence| of their bin; NaN for no predictions.

    The estimator of Naeini et al. (2015, AAAI) as Guo et al. (2017, equation 3) use it, on the
    top probability and 15 bins of equal width: 0 is perfect, 1 the worst.

    Args:
        confidence: (n,), the probability of the predicted class, 0 to 1.
        correct: (n,), whether the prediction is right.
    """
    curve = reliability(confidence, correct)
    total = int(curve.count.sum())
    if total == 0:
        return float("nan")
    return float(np.nansum(curve.count * np.abs(curve.accuracy - curve.confidence)) / total)


def risk_coverage(
    confidence: NDArray[np.floating], error: NDArray[np.floating | np.bool_]
) -> RiskCoverage:
    """Return the error that remains if the least confident predictions are given up.

    The curve of El-Yaniv & Wiener (2010, JMLR 11, 1605) and its area as Geifman, Uziel & El-Yaniv
    (2019, arXiv:1805.08206) take it. Among equal confidences the mean over their orders is taken,
    so the order of the input does not matter.

    Args:
        confidence: (n,), higher is surer; NaN comes last.
        error: (n,), finite; 0 and 1, or wrong and right, give the share of errors.
    """
    confidence = np.nan_to_num(np.asarray(confidence, np.float64), nan=-np.inf)
    n = len(confidence)
    _, group, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    mean_of_group = np.bincount(group, np.asarray(error, np.float64), len(size)) / size
    rank = np.arange(1, n + 1)
    risk = np.cumsum(np.repeat(mean_of_group, size)) / rank
    return RiskCoverage(rank / max(n, 1), risk, float(risk.mean()) if n else float("nan"))


def binomial_interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a fraction k / n (Wilson 1927, JASA 22, 209).

    Unlike k/n +- sigma it stays within 0 and 1 and is honest at 0 of n and n of n. Nothing is known
    from n = 0: the interval is then (0, 1).

    Args:
        k: successes, 0 to n.
        n: trials.
        level: probability that the interval is to hold.

    Raises:
        ValueError: if not 0 <= k <= n, or not 0 < level < 1.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} successes of {n} trials: give 0 <= k <= n")
    if not 0 < level < 1:
        raise ValueError(f"level {level}: give a probability between 0 and 1")
    if n == 0:
        return 0.0, 1.0
    quantile = NormalDist().inv_cdf((1 + level) / 2)
    shrink = 1 + quantile**2 / n
    center = (k / n + quantile**2 / (2 * n)) / shrink
    half = quantile * sqrt(k * (n - k) / n**3 + quantile**2 / (4 * n**2)) / shrink
    # The ends are exact at 0 of n and n of n, where rounding would leave 1e-17.
    low = 0.0 if k == 0 else center - half
    high = 1.0 if k == n else center + half
    return low, high


def median_interval(
    values: NDArray[np.floating], level: float = 0.95
) -> tuple[float, float] | None:
    """Return an interval of the median between two order statistics, for any distribution.

    The number of values below the median is binomial with one half (Thompson 1936, Annals of
    Mathematical Statistics 7, 122), so the j-th lowest and the j-th highest enclose it with a
    probability that is known exactly: j is the greatest for which that is `level` or more.

    Args:
        values: (n,), finite.
        level: probability that the interval is to hold.

    Returns:
        The two values; None if even the extremes do not reach the level, as below 6 values at 95%.
    """
    n = len(values)
    # Logarithms of k!, and from them P(k below the median): no overflow at any n.
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    chance = np.exp(log_factorial[n] - log_factorial - log_factorial[::-1] - n * np.log(2))
    j = int((np.cumsum(chance) <= (1 - level) / 2).sum())
    if j == 0:
        return None
    ordered = np.sort(values)
    return float(ordered[j - 1]), float(ordered[n - j])
