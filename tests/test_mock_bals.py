import numpy as np
import pytest

from data_prep.mock import bals
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

SPEED = np.arange(3000, 25001, 10.0)


def trough(slow: float, fast: float, depth: float) -> np.ndarray:
    return np.where((slow < SPEED) & (fast > SPEED), 1 - depth, 1.0)[None]


@pytest.mark.parametrize("depth, fast", [(0.5, 10_000), (1.0, 9_000), (0.3, 20_000)])
def test_balnicity_counts_beyond_the_first_2000_km_s(depth, fast):
    expected = (fast - 5000 - 2000) * (1 - (1 - depth) / 0.9)
    index = bals.balnicity_index(trough(5000, fast, depth), 10.0)
    assert index[0] == pytest.approx(expected, rel=0.01)


def test_narrow_shallow_and_slow_troughs_have_no_balnicity():
    assert bals.balnicity_index(trough(5000, 6900, 0.9), 10.0)[0] == 0
    assert bals.balnicity_index(trough(5000, 15000, 0.08), 10.0)[0] == 0
    assert bals.balnicity_index(np.ones((1, len(SPEED))), 10.0)[0] == 0


def test_every_bal_quasar_shows_a_trough_of_c_iv_on_the_grid(rng):
    z = rng.uniform(*bals.DETECTABLE, 2000)
    passed, balnicity = bals.troughs(rng, z, GRID)
    speed = (1 - GRID.centers / (1549.06 * (1 + z[:, None]))) * SPEED_OF_LIGHT
    window = (speed > -500) & (speed < 27_000)
    deepest = np.where(window, passed, 1).min(axis=1)
    assert np.mean(deepest < 0.8) > 0.99
    assert passed.min() >= 0
    assert passed.max() <= 1
    # "Roughly equal numbers per logarithmic interval": each of three half-decades has its share.
    counts, _ = np.histogram(balnicity, [200, 632, 2000, 6320])
    assert counts.min() > 0.4 * counts.max()
    assert 0.6 < np.mean(balnicity > 0) < 0.95


def test_narrow_absorbers_stay_narrow(rng):
    """No non-BAL quasar absorbs below 0.9 over 2,000 km/s, three bins, as a BAL would by BI."""
    passed = bals.narrow_absorbers(rng, rng.uniform(1.6, 4, 4000), GRID)
    assert (passed < 0.5).any(axis=1).mean() > 0.1
    deep = passed < 0.9
    run = deep[:, :-4] & deep[:, 1:-3] & deep[:, 2:-2] & deep[:, 3:-1] & deep[:, 4:]
    assert run.any(axis=1).mean() < 0.03


def test_mini_bals_have_no_balnicity_and_are_few(rng):
    z = np.full(4000, 2.4)
    passed = bals.mini_bals(rng, z, GRID)
    shown = (passed < 0.95).any(axis=1)
    assert shown.mean() == pytest.approx(bals.MINI_BAL_FRACTION, abs=0.015)
    speed = (1 - GRID.centers / (1549.06 * 3.4)) * SPEED_OF_LIGHT
    order = np.argsort(speed)
    fine = np.arange(3000, 25001, 100.0)
    profile = np.stack([np.interp(fine, speed[order], row[order]) for row in passed[shown]])
    # On bins of 690 km/s a trough of 1,400 km/s looks broader, but none has a BAL's balnicity.
    assert np.percentile(bals.balnicity_index(profile, 100.0), 95) < 200


def test_some_saturated_troughs_have_a_floor_and_some_bals_show_low_ions(rng):
    z = np.full(3000, 2.0)
    passed, _ = bals.troughs(rng, z, GRID)

    def deepest(rest: float) -> np.ndarray:
        speed = (1 - GRID.centers / (rest * 3)) * SPEED_OF_LIGHT
        return passed[:, (speed > 0) & (speed < 10_000)].min(axis=1)

    assert 0.08 < np.mean(deepest(2798.75) < 0.9) < 0.2  # LoBALs, about 13%
    flat = np.sort(passed, axis=1)[:, :6]  # bins alike at the bottom, well above zero
    assert np.mean((np.ptp(flat, axis=1) < 0.02) & (flat[:, 0] > 0.1)) > 0.03
