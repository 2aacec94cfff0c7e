"""The instrument, drawn by NumPy for a survey on disk and by JAX inside a compiled step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_prep.mock.draws import NumpyDraws
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import instrument, noise
from spectranet_jax.training import augment

pytestmark = pytest.mark.slow

N = 1500


@pytest.fixture(scope="module")
def noise_free():
    """A flat source of 2 units in every bin."""
    return np.full((N, GRID.size), 2.0, np.float32)


@pytest.fixture(scope="module")
def both(noise_free):
    """Return the same noise-free spectra, observed with NumPy's draws and with JAX's."""
    by_numpy = instrument.observe(NumpyDraws(np.random.default_rng(1)), noise_free, grid=GRID)
    draws = augment.JaxDraws(jax.random.key(2))
    by_jax = instrument.observe(draws, jnp.asarray(noise_free), grid=GRID)
    return by_numpy, tuple(np.asarray(array) for array in by_jax)


def test_numpy_and_jax_draw_the_same_survey(both):
    """Not the same numbers, but the same distributions, quantile by quantile."""
    (flux, ivar), (flux_j, ivar_j) = both
    assert flux.dtype == flux_j.dtype == ivar_j.dtype == np.float32
    q = [1, 16, 50, 84, 99]
    sigma = 2 / np.sqrt(N)
    for bins in (slice(30, 60), slice(200, 230), slice(380, 410)):
        ours, theirs = (np.percentile(f[:, bins], q) for f in (flux, flux_j))
        np.testing.assert_allclose(ours, theirs, atol=5 * sigma * flux[:, bins].std())
        # Sigma scatters by 0.4 (natural log) at the ends, ivar by twice that.
        medians = [np.median(i[:, bins]) for i in (ivar, ivar_j)]
        assert medians[0] == pytest.approx(medians[1], rel=5 * 0.8 * 1.25 / np.sqrt(N))
    assert (ivar == 0).mean() == pytest.approx((ivar_j == 0).mean(), abs=0.012)


def test_the_ends_of_old_spectra_vary_by_three_bins_either_way():
    empty = instrument.masks(NumpyDraws(np.random.default_rng(5)), 40_000, GRID)
    # Blank at both ends and measured within: neither a lost arm nor a gap.
    old = empty[:, 3] & empty[:, -5] & ~empty[:, 60:90].any(axis=1) & ~empty[:, 380:390].any(axis=1)
    first, last = GRID.bin_of(np.log10(np.array(instrument.LEGACY_COVERAGE)))
    off = np.arange(-6, 7)
    blank_before = empty[old][:, first + off].mean(axis=0)
    blank_after = empty[old][:, last + off].mean(axis=0)
    np.testing.assert_allclose(blank_before, np.clip((3 - off) / 7, 0, 1), atol=0.02)
    np.testing.assert_allclose(blank_after, np.clip((off + 3) / 7, 0, 1), atol=0.02)


def test_masked_bins_hold_nothing(both):
    for flux, ivar in both:
        assert (flux[ivar == 0] == 0).all() and (ivar >= 0).all() and np.isfinite(flux).all()


def test_without_any_effect_noise_is_white_and_all_there_is(noise_free):
    flux, ivar = instrument.observe(
        NumpyDraws(np.random.default_rng(3)), noise_free, effects=(), grid=GRID
    )
    pull = (flux - noise_free) * np.sqrt(ivar)
    assert pull.mean() == pytest.approx(0, abs=0.01) and pull.std() == pytest.approx(1, abs=0.01)
    assert (ivar == ivar[:, :1]).all()
    level = 1 / np.sqrt(ivar[:, 0]) / noise.MEDIAN_SIGMA
    assert np.log(level).std() == pytest.approx(noise.LEVEL_SCATTER, rel=0.15)


@pytest.mark.parametrize("effect", instrument.EFFECTS)
def test_every_effect_leaves_its_mark(noise_free, effect):
    """One effect left out at a time, with the same generator, changes the spectra."""
    rest = tuple(name for name in instrument.EFFECTS if name != effect)
    some = noise_free[:50]
    whole = instrument.observe(NumpyDraws(np.random.default_rng(4)), some, grid=GRID)
    part = instrument.observe(NumpyDraws(np.random.default_rng(4)), some, effects=rest, grid=GRID)
    assert not np.array_equal(whole[0], part[0])
    if effect == "masks":
        assert (part[1] > 0).all()


def test_each_key_is_another_observation_and_brightness(noise_free):
    flux = jnp.asarray(noise_free[:200])
    first, second, again = (
        augment.observe(jax.random.key(k), flux, jnp.zeros_like(flux), grid=GRID)[0]
        for k in (1, 2, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    brightness = np.log(np.median(np.where(first > 0, first, np.nan)[:, 150:350], axis=1) / 2)
    assert np.nanstd(brightness) == pytest.approx(augment.BRIGHTNESS_SCATTER, rel=0.25)
