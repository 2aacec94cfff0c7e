"""Outflows that are no BAL by C IV, weak-line and distant quasars."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.mock import bals, igm, outflows, quasar_families, quasar_lines, quasars, survey
from data_prep.mock.ingredients import Ingredients
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import labels
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT


def outflow(rest: float, z: float) -> np.ndarray:
    return (1 - GRID.centers / (rest * (1 + z))) * SPEED_OF_LIGHT


def test_extremely_fast_outflows_have_no_balnicity_and_are_few(rng):
    z = 2.6
    passed = outflows.fast(rng, np.full(20_000, z), GRID)
    shown = passed.min(axis=1) < 0.9
    assert shown.mean() == pytest.approx(outflows.FAST_FRACTION, abs=0.004)
    speed = outflow(REST["CIV"], z)
    at_carbon = passed[shown][:, (speed > 27_000) & (speed < 67_000)]
    assert np.mean(at_carbon.min(axis=1) < 0.8) > 0.9
    counted = np.argsort(speed)
    fine = np.arange(3000, 25_001, 100.0)
    profile = np.stack([np.interp(fine, speed[counted], row[counted]) for row in passed[shown]])
    assert np.percentile(bals.balnicity_index(profile, 100.0), 90) == 0
    assert np.all(outflows.fast(rng, np.full(500, 1.0), GRID) == 1)


def test_troughs_of_magnesium_are_where_carbon_is_not(rng):
    z = 1.0
    passed, shown = outflows.low_ionization(rng, np.full(10_000, z), GRID)
    assert shown.mean() == pytest.approx(outflows.LOW_FRACTION, abs=0.006)
    assert np.all(passed[~shown] == 1)
    speed = outflow(REST["MgII"], z)
    window = (speed > -500) & (speed < 26_000)
    assert np.mean(passed[shown][:, window].min(axis=1) < 0.75) > 0.95
    iron = np.abs(outflow(2450.0, z)) < 20_000  # between the lines that make a FeLoBAL
    deepest = passed[shown][:, iron].min(axis=1) / passed[shown][:, -40:].mean(axis=1)
    assert 0.2 < np.mean(deepest < 0.6) < 0.7
    for other in (0.3, 1.7, 3.0):
        assert not outflows.low_ionization(rng, np.full(500, other), GRID)[1].any()


def test_the_survey_leaves_their_bal_flag_open():
    blocks = list(survey.blocks({"QSO": 2048}, seed=11, grid=GRID))
    bal, z = (np.concatenate([getattr(block, name) for block in blocks]) for name in ("bal", "z"))
    open_flag = bal == labels.BAL_UNSURE
    assert 0 < open_flag.sum() < 30
    assert np.all((z[open_flag] > 0.45) & (z[open_flag] < bals.DETECTABLE[0]))
    assert np.all(bal[~open_flag] == labels.NOT_BAL)


def test_extreme_iron_leaves_little_light_below_2750(rng):
    z = np.full(4000, 1.7)
    passed, _ = bals.troughs(rng, z, GRID)
    rest = GRID.centers / 2.7
    iron = (rest > 2250) & (rest < 2600)
    dark = np.mean(passed[:, iron].mean(axis=1) < 0.75)
    assert 0.01 < dark < 0.06


def test_weak_line_quasars_are_weak_by_their_definition(rng):
    """Diamond-Stanic et al. (2009): Lyman-alpha with N V below 15.4 Angstrom."""
    strength = {name: np.ones(50_000, np.float32) for name in quasar_families.FAMILIES}
    quasar_families.weaken(rng, strength, quasar_lines.LYMAN_ALPHA)
    normal = {line.name: line.equivalent_width for line in quasar_lines.BROAD}
    width = strength["lya"] * normal["Lya"] + strength["high"] * normal["NV"]
    weak = width < 15.4
    assert weak.mean() == pytest.approx(quasar_families.WEAKEST_FRACTION, abs=0.003)
    assert np.all(width[~weak] > 100)
    assert np.all(strength["magnesium"] == 1)
    assert np.median(strength["semi"][weak]) > np.median(strength["high"][weak])


def test_some_quasars_are_very_far_and_some_near(rng):
    z = quasars.redshifts(rng, 40_000)
    assert 6.4 < z.max() <= quasars.HIGHEST
    assert z.min() < 0.01
    assert np.mean(z > 5.3) == pytest.approx(0.02, abs=0.005)
    assert np.mean(z > 2.15) == pytest.approx(0.6, abs=0.15)
    kept = quasars.redshifts(rng, 40_000, Ingredients(frozenset({"wide range"})))
    assert 0.04 < kept.min() < 0.1 and 5 < kept.max() <= 5.3


@pytest.mark.parametrize(
    "z, low, high", [(5.0, 1.6, 2.1), (5.5, 2.3, 3.2), (6.0, 5, 8), (6.3, 7, 20)]
)
def test_hydrogen_is_neutral_beyond_redshift_6(z, low, high):
    """Effective depths near 2, 2.6, 6 and more than 7 (Fan et al. 2006)."""
    assert low < igm.effective_depth(np.array(z)) < high


def test_distant_quasars_are_dark_blueward_of_lyman_alpha_and_bright_redward(rng):
    n, z = 200, 6.5
    magnitude = np.full(n, 20, np.float32)
    flux, _ = quasars.quasars(rng, np.full(n, z), magnitude, GRID, False)
    flux = survey.calibrated(flux, magnitude, GRID, np.full(n, z))
    rest = GRID.centers / (1 + z)
    dark = np.median(flux[:, (rest > 1050) & (rest < 1180)], axis=1)
    bright = np.median(flux[:, (rest > 1230) & (rest < 1300)], axis=1)
    assert np.median(dark / bright) < 0.02  # mean depths are 2.6 to 9 there
    inside = (GRID.centers > 8300) & (GRID.centers < 9900)  # z band of AB 20
    expected = 0.75 * 3631e-23 * 10**-8 * 2.998e18 / 9100**2 / 1e-17
    np.testing.assert_allclose(flux[:, inside].mean(axis=1), expected, rtol=0.02)
    assert np.isfinite(flux).all()


def test_magnitudes_of_distant_quasars_are_of_the_z_band(rng):
    z = np.repeat([2.0, 6.0], 500)
    magnitude = survey.quasar_magnitudes(rng, np.full(1000, 22.5, np.float32), z)
    assert np.all(magnitude[:500] == 22.5)
    assert magnitude[500:].min() > 18.4 and magnitude[500:].max() < 21.4


@pytest.mark.slow
@given(
    st.lists(st.floats(0.005, quasars.HIGHEST), min_size=1, max_size=6),
    st.floats(14.5, 23.5),
    st.integers(0, 100),
)
@settings(max_examples=40, deadline=None)
def test_quasars_are_finite_at_every_redshift_and_magnitude(z, magnitude, seed):
    rng, z = np.random.default_rng(seed), np.array(z)
    magnitudes = np.full(len(z), magnitude, np.float32)
    flux, _ = quasars.quasars(rng, z, magnitudes, GRID, False)
    flux = survey.calibrated(flux, magnitudes, GRID, z)
    assert flux.dtype == np.float32
    assert np.isfinite(flux).all() and flux.min() >= 0
    assert flux.max() < 1e6
