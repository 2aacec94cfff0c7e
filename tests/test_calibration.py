"""Calibration error and binomial intervals, against other implementations and exact sums."""

import math

import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spectranet_jax.evaluation.calibration import (
    BINS,
    binomial_interval,
    expected_calibration_error,
    median_interval,
    reliability,
    risk_coverage,
)


@given(n=st.integers(1, 100_000), fraction=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_interval_is_that_of_astropy(n: int, fraction: float, level: float) -> None:
    k = round(fraction * n)
    low, high = binomial_interval(k, n, level)
    expected = binom_conf_interval(k, n, level, interval="wilson")
    assert (low, high) == pytest.approx(tuple(expected), rel=1e-9, abs=1e-12)
    assert 0 <= low <= k / n <= high <= 1


def test_interval_of_nothing_and_of_all_or_none() -> None:
    assert binomial_interval(0, 0) == (0, 1)
    # Closed forms of Wilson's interval at the ends: 1 / (1 + z^2/n) and its mirror image.
    bound = 1.959963984540054**2 / (69 + 1.959963984540054**2)
    assert binomial_interval(0, 69) == (0, pytest.approx(bound))
    assert binomial_interval(69, 69) == (pytest.approx(1 - bound), 1)


def test_interval_covers_as_often_as_it_says() -> None:
    """Exact coverage, summed over the binomial distribution and averaged over the true fraction."""
    n = 40
    intervals = [binomial_interval(k, n) for k in range(n + 1)]
    covered = [
        sum(
            math.comb(n, k) * p**k * (1 - p) ** (n - k)
            for k, (low, high) in enumerate(intervals)
            if low <= p <= high
        )
        for p in np.linspace(0.01, 0.99, 197)
    ]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.005)
    assert min(covered) > 0.83  # where the textbook interval, p +- 1.96 sigma, falls to 0.33


@pytest.mark.parametrize(("k", "n", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_interval_refuses_the_impossible(k: int, n: int, level: float) -> None:
    with pytest.raises(ValueError, match="give"):
        binomial_interval(k, n, level)


def test_calibration_error_of_a_case_by_hand() -> None:
    """Two bins: four at 0.95 of which three are right, one at 0.5 which is wrong."""
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.5])
    correct = np.array([True, True, True, False, False])
    expected = 4 / 5 * abs(0.75 - 0.95) + 1 / 5 * abs(0.0 - 0.5)
    assert expected_calibration_error(confidence, correct) == pytest.approx(expected)


def test_calibrated_probabilities_have_no_error(rng: np.random.Generator) -> None:
    confidence = rng.uniform(0.25, 1, 200_000)
    correct = rng.random(200_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.005
    # Overconfident by a known amount: right half as often as claimed.
    half = rng.random(200_000) < confidence / 2
    assert expected_calibration_error(confidence, half) == pytest.approx(0.625 / 2, abs=0.005)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_is_that_of_a_plain_loop(pairs: list[tuple[float, bool]]) -> None:
    """Bins ((m - 1)/M, m/M], the first closed on the left too."""
    confidence = np.array([c for c, _ in pairs])
    correct = np.array([right for _, right in pairs])
    # By c M > m - 1 rather than c > (m - 1)/M: the two may differ in the last bit.
    which = [max(math.ceil(c * BINS), 1) for c in confidence]
    expected = 0.0
    for m in range(1, BINS + 1):
        members = [i for i, w in enumerate(which) if w == m]
        if members:
            accuracy = sum(map(bool, correct[members])) / len(members)
            expected += abs(accuracy - math.fsum(confidence[members]) / len(members)) * len(members)
    error = expected_calibration_error(confidence, correct)
    assert error == pytest.approx(expected / len(pairs), abs=1e-12)
    assert 0 <= error <= 1


def test_bins_close_on_the_right() -> None:
    curve = reliability(np.array([0.0, 0.25, 0.26, 0.5, 1.0]), np.ones(5, bool), bins=4)
    assert curve.count.tolist() == [2, 2, 0, 1]
    assert curve.confidence[[0, 1, 3]] == pytest.approx([0.125, 0.38, 1.0])
    assert np.isnan(curve.confidence[2])
    assert np.isnan(curve.accuracy[2])


def test_no_predictions_have_no_error() -> None:
    assert math.isnan(expected_calibration_error(np.array([]), np.array([], bool)))


def test_risk_and_coverage_of_a_case_by_hand() -> None:
    curve = risk_coverage(np.array([0.2, 0.9, 0.6, 0.7]), np.array([True, False, True, False]))
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.risk == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((1 / 3 + 1 / 2) / 4)


def test_equal_confidences_are_in_no_order(rng: np.random.Generator) -> None:
    """The curve of ties is the mean of those of all their orders, and NaN is the least sure."""
    confidence = np.array([0.5, np.nan, 0.5, 0.9, 0.5])
    error = np.array([1.0, 7.0, 0.0, 0.0, 0.0])
    curve = risk_coverage(confidence, error)
    assert curve.risk == pytest.approx([0, 1 / 6, 2 / 9, 1 / 4, 8 / 5])
    order = rng.permutation(5)
    assert risk_coverage(confidence[order], error[order]).risk == pytest.approx(curve.risk)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.7]), st.booleans()), max_size=40))
def test_the_risk_of_all_is_the_mean_error(pairs: list[tuple[float, bool]]) -> None:
    confidence, error = np.array([c for c, _ in pairs]), np.array([e for _, e in pairs], bool)
    curve = risk_coverage(confidence, error)
    assert curve.risk.shape == curve.coverage.shape == (len(pairs),)
    if not pairs:
        assert math.isnan(curve.area)
        return
    assert curve.risk[-1] == pytest.approx(error.mean())
    best = risk_coverage(-error.astype(float), error).area
    worst = risk_coverage(error.astype(float), error).area
    assert best - 1e-12 <= curve.area <= worst + 1e-12


@pytest.mark.parametrize("n", [6, 7, 29, 100, 1001])
def test_the_interval_of_a_median_is_as_wide_as_it_must_be(n: int) -> None:
    """By SciPy's binomial: the ranks hold at 95%, the next ones in would not."""
    interval = median_interval(np.arange(n)[::-1])
    assert interval is not None
    low, high = interval
    assert low + high == n - 1
    below = stats.binom(n, 0.5).cdf
    assert 1 - 2 * below(low) >= 0.95
    assert 1 - 2 * below(low + 1) < 0.95


def test_the_interval_of_a_median_of_few_or_very_many() -> None:
    assert median_interval(np.arange(5)) is None  # 1 - 2 / 2**5 is less than 95%
    assert median_interval(np.array([])) is None
    assert median_interval(np.arange(5), level=0.9) == (0, 4)
    interval = median_interval(np.arange(1_000_000))
    assert interval is not None
    assert interval[1] - interval[0] == pytest.approx(1.96 * 1000, abs=3)
