"""Known temperatures are recovered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naming import naming
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import norm

from spectranet_jax.evaluation.calibration import expected_calibration_error
from spectranet_jax.evaluation.recalibration import (
    at_temperature,
    bin_labels,
    fit_temperature,
    sharpened,
)


def drawn(log_prob: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a label from each row's probabilities."""
    cumulative = np.cumsum(np.exp(log_prob), axis=1)
    return (cumulative < rng.random((len(log_prob), 1))).sum(axis=1).clip(0, log_prob.shape[1] - 1)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("classes", [4, 820])
def test_a_known_temperature_is_found(
    temperature: float, classes: int, rng: np.random.Generator
) -> None:
    honest = log_softmax(rng.normal(0, 2, (6000, classes)), axis=1)
    label = drawn(honest, rng)
    claimed = (honest * temperature).astype(np.float32)  # logits that many times too sure
    assert fit_temperature(claimed, label) == pytest.approx(temperature, rel=0.06)


def test_the_error_of_calibration_goes(rng: np.random.Generator) -> None:
    honest = log_softmax(rng.normal(0, 1.5, (20_000, 4)), axis=1)
    label = drawn(honest, rng)
    claimed = log_softmax(3 * honest, axis=1)
    mended = at_temperature(claimed, fit_temperature(claimed[:10_000], label[:10_000]))

    def error(log_prob: np.ndarray) -> float:
        half = slice(10_000, None)
        right = log_prob.argmax(axis=1)[half] == label[half]
        return expected_calibration_error(np.exp(log_prob.max(axis=1))[half], right)

    assert error(claimed) > 0.1
    assert error(mended) < 0.02


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 4))
def test_no_other_temperature_is_likelier(seed: int, scale: float) -> None:
    """SciPy's minimum of the likelihood itself, over the same range."""
    rng = np.random.default_rng(seed)
    log_prob = log_softmax(scale * rng.normal(size=(60, 5)), axis=1)
    label = rng.integers(-1, 5, 60)
    rows = np.flatnonzero(label >= 0)

    def loss(log_t: float) -> float:
        return -float(log_softmax(log_prob / np.exp(log_t), axis=1)[rows, label[rows]].sum())

    expected = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    temperature = fit_temperature(log_prob, label)
    assert 0.05 <= temperature <= 20
    assert loss(np.log(temperature)) <= expected.fun + 1e-6


def test_labels_that_are_always_the_best_ask_for_certainty() -> None:
    log_prob = log_softmax(np.eye(4), axis=1)
    assert fit_temperature(log_prob, np.arange(4)) == pytest.approx(0.05, rel=1e-5)
    assert fit_temperature(log_prob, (np.arange(4) + 1) % 4) == pytest.approx(20, rel=1e-5)
    assert fit_temperature(log_prob, np.full(4, -1)) == 1


def test_zeros_of_float32_do_not_spoil_it() -> None:
    """A third of the truths have probability 0: as unsure as it gets, and a number nonetheless."""
    log_prob = np.tile([0, -np.inf, -np.inf], (60, 1)).astype(np.float32)
    assert fit_temperature(log_prob, np.array([0, 0, 1] * 20)) == pytest.approx(20, rel=1e-5)


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        fit_temperature(np.full((2, 3), np.nan), np.zeros(2, int))
    with pytest.raises(ValueError, match=naming("log_prob", "label", "(3,)")):
        fit_temperature(np.zeros((2, 3)), np.zeros(3, int))


def test_a_temperature_keeps_order_sum_and_dtype(rng: np.random.Generator) -> None:
    log_prob = log_softmax(rng.normal(size=(50, 7)), axis=1).astype(np.float32)
    for temperature in (0.3, 1.0, 4.0):
        got = at_temperature(log_prob, temperature)
        assert got.dtype == np.float32
        assert np.exp(got).sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)
        assert (got.argsort(axis=1) == log_prob.argsort(axis=1)).all()
    assert at_temperature(log_prob, 1.0) == pytest.approx(log_prob, abs=1e-6)
    certain = np.array([[0, -np.inf, -3.0]])
    assert at_temperature(certain, 2.0)[0, 1] == -np.inf


def test_bins_of_redshifts() -> None:
    edges = np.log10(1 + np.array([0.0, 1.0, 3.0, 7.0]))
    z = np.array([-0.1, 0.0, 0.99, 1.01, 6.9, 7.1, np.nan, np.inf, -1.0])
    assert bin_labels(z, edges).tolist() == [-1, 0, 0, 1, 2, -1, -1, -1, -1]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("between", [1.0, 1.2])
@pytest.mark.parametrize("reach", [0, 3, 7])
def test_sharpened_is_as_a_plain_loop_has_it(
    rng: np.random.Generator, temperature: float, between: float, reach: int
) -> None:
    log_p = rng.normal(0, 3, (4, 30))
    ours = sharpened(log_p, temperature, between, reach)
    for row, result in zip(log_p, ours, strict=True):
        whole, hot = (np.exp(row / t) / np.exp(row / t).sum() for t in (between, temperature))
        expected = []
        for i in range(len(row)):
            near = slice(max(i - reach, 0), i + reach + 1)
            expected.append(hot[i] * whole[near].sum() / hot[near].sum())
        np.testing.assert_allclose(result, np.array(expected) / sum(expected), rtol=1e-10)


def test_sharpening_moves_no_probability_between_redshifts() -> None:
    """Two peaks far apart keep 0.7 and 0.3 where one temperature would not; each is narrower."""
    bins = np.arange(1500.0)
    p = 0.7 * norm.pdf(bins, 300, 2) + 0.3 * norm.pdf(bins, 1200, 2) + 1e-290
    sharp = sharpened(np.log(p)[None], 0.25, 1.0, 9)[0]
    first = bins < 750
    assert sharp[first].sum() == pytest.approx(0.7, abs=1e-3)
    assert np.exp(at_temperature(np.log(p)[None], 0.25))[0, first].sum() > 0.95

    def width(p: np.ndarray) -> float:
        return float(np.sqrt(np.average((bins[first] - 300) ** 2, weights=p[first])))

    assert width(p) == pytest.approx(2, abs=0.01) and width(sharp) == pytest.approx(1, abs=0.02)
