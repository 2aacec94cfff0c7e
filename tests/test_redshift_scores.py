"""Redshift scores against known velocities, other implementations and plain loops."""

import json
import math

import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from hypothesis import given
from hypothesis import strategies as st
from naming import naming
from scipy.stats import median_abs_deviation
from sklearn.metrics import mean_absolute_error, mean_squared_error

from spectranet_jax.evaluation.redshift_scores import (
    dv,
    nmad,
    nmad_interval,
    quantiles_by_redshift,
    scores,
    scores_by_range,
)
from spectranet_jax.evaluation.scores_json import to_json
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError


def test_velocity_of_known_shifts() -> None:
    assert dv(np.array([0.01]), np.array([0.0])) == pytest.approx([2997.92458])
    assert dv(np.array([2.01, 2.97]), np.array([2.0, 3.0])) == pytest.approx([999.308, -2248.443])


def test_a_bin_of_the_grid_is_the_same_velocity_at_any_redshift() -> None:
    """One bin of 1e-3 in log10(1 + z) is ln(10) 1e-3 c = 690.3 km/s to first order."""
    z = np.linspace(0, 6, 50)
    velocity = dv((1 + z) * 10**GRID.dloglam - 1, z)
    assert np.ptp(velocity) < 1e-6
    assert velocity[0] == pytest.approx(690.3, rel=2e-3)


def test_nmad_is_sigma_of_a_gaussian_and_blind_to_a_few_failures(rng: np.random.Generator) -> None:
    sample = rng.normal(120, 350, 100_001)
    assert nmad(sample) == pytest.approx(350, rel=0.01)
    assert nmad(sample) == pytest.approx(median_abs_deviation(sample, scale="normal"), rel=1e-4)
    sample[:1000] = 1e6
    assert nmad(sample) == pytest.approx(350, rel=0.03)


def test_a_case_by_hand() -> None:
    """At z = 0 a velocity is c z: errors of 0, 500, -2000, 5000 and 9000 km/s."""
    velocity = np.array([0, 500, -2000, 5000, 9000])
    got = scores(velocity / 299_792.458, np.zeros(5))
    assert [got.within[limit].count for limit in ("1000", "3000", "6000")] == [2, 3, 4]
    assert got.within["6000"].fraction == 0.8
    assert got.catastrophic.fraction == 0.4
    assert got.median_dv == pytest.approx(500)
    assert got.nmad_dv == pytest.approx(1.4826 * 2500)  # distances 500 0 2500 4500 8500
    assert got.bias_mean == pytest.approx(2500 / 299_792.458)
    assert got.bias_median == pytest.approx(500 / 299_792.458)


def test_errors_in_z_are_those_of_scikit_learn(rng: np.random.Generator) -> None:
    z = rng.uniform(0, 5, 500)
    guess = z + rng.normal(0, 0.1, 500)
    got = scores(guess, z)
    assert got.mse == pytest.approx(mean_squared_error(z, guess))
    assert got.mae == pytest.approx(mean_absolute_error(z, guess))


redshift = st.floats(0, 7)
guesses = st.one_of(redshift, st.sampled_from([math.nan, math.inf, -math.inf]))


@pytest.mark.slow
@given(st.lists(st.tuples(guesses, redshift, st.booleans()), min_size=1, max_size=50))
def test_no_spectrum_is_lost(rows: list[tuple[float, float, bool]]) -> None:
    """Every spectrum with a truth is within 3000 km/s or catastrophic, NaN among the latter."""
    guess = np.array([g for g, _, _ in rows])
    # Half of them close to the truth, so that the limits matter.
    truth = np.array([g + 0.01 if near and math.isfinite(g) else z for g, z, near in rows])
    got = scores(guess, truth)
    json.dumps(to_json(got), allow_nan=False)
    within = {
        limit: sum(
            math.isfinite(g) and abs(g - z) / (1 + z) * 299_792.458 <= limit
            for g, z in zip(guess, truth, strict=True)
        )
        for limit in (1000, 3000, 6000)
    }
    assert {int(k): v.count for k, v in got.within.items()} == within
    assert got.catastrophic.count + within[3000] == got.n == len(rows)
    assert got.non_finite == sum(not math.isfinite(g) for g in guess)
    for counted in (*got.within.values(), got.catastrophic):
        assert counted.fraction == counted.count / len(rows)
        wilson = binom_conf_interval(counted.count, len(rows), 0.95, interval="wilson")
        assert counted.interval == pytest.approx(tuple(wilson), abs=1e-12)


def test_predictions_that_are_not_numbers_spoil_no_mean_and_pass_no_limit() -> None:
    got = scores(np.array([1.0, np.nan, 2.5, np.inf]), np.array([1.0, 2.0, 2.0, 3.0]))
    assert (got.n, got.non_finite) == (4, 2)
    assert (got.mse, got.mae) == (0.125, 0.25)
    assert got.within["6000"].count == 1
    assert got.catastrophic.count == 3
    nothing = scores(np.full(3, np.nan), np.ones(3))
    assert nothing.mse is nothing.nmad_dv is nothing.bias_median is None
    assert nothing.catastrophic.fraction == 1


def test_spectra_without_truth_are_counted_and_not_scored() -> None:
    got = scores(np.array([1.0, 2.0]), np.array([1.0, np.nan]))
    assert (got.n, got.without_truth, got.mse) == (1, 1, 0)
    with pytest.raises(InputError, match=naming("redshift")):
        scores(np.ones(2), np.full(2, np.nan))


def test_quantiles_follow_a_known_trend(rng: np.random.Generator) -> None:
    """Scatter of 300 km/s about a line: its quantiles are the line and one sigma either side."""
    z = rng.uniform(1, 4, 40_000)
    velocity = -200 * z + rng.normal(0, 300, len(z))
    middle, low, median, high = quantiles_by_redshift(z, velocity)
    assert len(middle) == 16
    assert (np.diff(middle) > 0).all()
    assert median == pytest.approx(-200 * middle, abs=30)
    assert high - low == pytest.approx(600, rel=0.08)  # 16% to 84% is 1.99 sigma


@pytest.mark.parametrize(("n", "groups"), [(1, 1), (24, 1), (87, 3), (1000, 16)])
def test_groups_are_large_enough_to_have_quantiles(n: int, groups: int) -> None:
    assert quantiles_by_redshift(np.arange(n), np.arange(n)).shape == (4, groups)


def test_no_spectra_have_no_quantiles() -> None:
    assert quantiles_by_redshift(np.array([]), np.array([])).shape == (4, 0)


def test_intervals_of_median_and_nmad_hold_as_often_as_they_say(rng: np.random.Generator) -> None:
    """With as many quasars as the smallest real set, and tails: a Gaussian, and Student's t."""
    truth = {"normal": 350.0, "t": 350 * 0.7648923 * 1.4826}  # the third quartile of t, 3 degrees
    for name, sigma in truth.items():
        held = np.zeros(2)
        for _ in range(600):
            draw = rng.normal(size=87) if name == "normal" else rng.standard_t(3, 87)
            velocity = 120 + 350 * draw
            got = scores(velocity / 299_792.458, np.zeros(87))
            for i, (score, true) in enumerate((("median_dv", 120), ("nmad_dv", sigma))):
                low, high = getattr(got, f"{score}_interval")
                assert low <= getattr(got, score) <= high
                held[i] += low <= true <= high
        assert held / 600 == pytest.approx([0.96, 0.955], abs=0.025)


def test_too_few_values_have_no_interval() -> None:
    got = scores(np.arange(5.0), np.arange(5.0))
    assert got.median_dv_interval is got.nmad_dv_interval is None
    assert nmad_interval(np.array([])) is None


def test_each_range_is_scored_by_itself() -> None:
    z = np.array([0.2, 1.569, 1.57, 2.499, 2.5, 2.5, np.nan])
    guess = z + np.array([0, 0.02, 0, 0, 0, np.nan, 0])
    got = scores_by_range(guess, z)
    assert [scored and scored.n for scored in got.values()] == [2, 2, 2]
    assert got["z < 1.57"] == scores(guess[:2], z[:2])
    assert got["z > 2.5"].non_finite == 1
    json.dumps(to_json(got), allow_nan=False)
    assert list(scores_by_range(guess[:2], z[:2]).values())[1:] == [None, None]
