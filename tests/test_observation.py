"""The instrument, drawn by NumPy for a survey on disk and by JAX inside a compiled step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_prep.mock.draws import NumpyDraws
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import noise, observation
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.instruments import INSTRUMENTS, SDSS
from spectranet_jax.spectra.native import NATIVE_GRID
from spectranet_jax.spectra.spectrographs import Spectrographs
from spectranet_jax.training import augment

pytestmark = pytest.mark.slow

N = 1500
ALL = Spectrographs.of(tuple(INSTRUMENTS), GRID)
BOSS = Spectrographs.of(("boss",), GRID)


def observe(seed, noise_free, spectrographs=ALL, effects=observation.EFFECTS):
    """Observe by NumPy's draws, each spectrum with an instrument of its own."""
    draws = NumpyDraws(np.random.default_rng(seed))
    which = spectrographs.choose(draws.uniform(len(noise_free)))
    return observation.observe(draws, noise_free, spectrographs, which, effects)


@pytest.fixture(scope="module")
def noise_free():
    """A flat source of 2 units in every bin."""
    return np.full((N, GRID.size), 2.0, np.float32)


@pytest.fixture(scope="module")
def both(noise_free):
    """Return the same noise-free spectra, observed with NumPy's draws and with JAX's."""
    by_numpy = observe(1, noise_free, BOSS)
    draws, which = augment.JaxDraws(jax.random.key(2)), jnp.zeros(N, int)
    by_jax = observation.observe(draws, jnp.asarray(noise_free), BOSS, which)
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


def test_the_ends_of_sdss_vary_by_three_bins_either_way():
    spectrographs = Spectrographs.of(("sdss",), GRID)
    n = 20_000
    tables = spectrographs.rows(np.zeros(n, int))
    empty = observation.masks(NumpyDraws(np.random.default_rng(5)), n, tables, GRID)
    # Neither a lost arm nor a gap.
    old = ~empty[:, 60:90].any(axis=1) & ~empty[:, 380:390].any(axis=1)
    first, last = GRID.bin_of(np.log10(np.array(SDSS.coverage)))
    off = np.arange(-6, 7)
    blank_before = empty[old][:, first + off].mean(axis=0)
    blank_after = empty[old][:, last + off].mean(axis=0)
    # The ends are uniform over 3 bins to either side, to a whole bin.
    expected = np.clip((2.5 - off + 0.5) / 6, 0, 1)
    np.testing.assert_allclose(blank_before, expected, atol=0.1)
    np.testing.assert_allclose(blank_after, expected[::-1], atol=0.1)
    for blank in (blank_before, blank_after[::-1]):
        assert (blank[off < -3] > 0.99).all() and (blank[off > 4] < 0.01).all()


def test_masked_bins_hold_nothing(both):
    for flux, ivar in both:
        assert (flux[ivar == 0] == 0).all() and (ivar >= 0).all() and np.isfinite(flux).all()


def test_without_any_effect_noise_is_white_and_all_there_is(noise_free):
    flux, ivar = observe(3, noise_free, BOSS, effects=())
    pull = (flux - noise_free) * np.sqrt(ivar)
    assert pull.mean() == pytest.approx(0, abs=0.01) and pull.std() == pytest.approx(1, abs=0.01)
    assert (ivar == ivar[:, :1]).all()
    level = 1 / np.sqrt(ivar[:, 0]) / BOSS.tables.white[0]
    assert np.log(level).std() == pytest.approx(INSTRUMENTS["boss"].scatter[0], rel=0.15)


def test_a_few_fibers_get_no_light():
    bright = np.full((20_000, 4), 100.0, np.float32)
    spectrographs = Spectrographs.of(("boss",), LogGrid(5000.0, 1e-3, 4))
    flux, _ = observe(5, bright, spectrographs, ("unlit", "noise"))
    unlit = np.abs(flux).max(axis=1) < 20
    assert unlit.mean() == pytest.approx(observation.UNLIT_FRACTION, abs=0.005)


def test_the_resolution_spreads_a_line_and_keeps_its_flux():
    """Of DESI at 8000 Angstrom: R of some 4,200, sigma 30 km/s; wide bins are left as they are."""
    spectrographs = Spectrographs.of(("desi",), NATIVE_GRID)
    at = int(NATIVE_GRID.bin_of(np.log10(8000.0)))
    line = np.zeros((1, NATIVE_GRID.size), np.float32)
    line[0, at] = 1
    seen = observation.blur(line, spectrographs.rows(np.zeros(1, int)))[0]
    assert seen.sum() == pytest.approx(1, abs=0.01)
    place = np.arange(NATIVE_GRID.size) - at
    sigma = np.sqrt((seen * place**2).sum()) * NATIVE_GRID.bin_kms
    assert sigma == pytest.approx(3e5 / 4200 / 2.355, rel=0.25)
    wide = np.eye(1, GRID.size, 200, dtype=np.float32)
    np.testing.assert_array_equal(observation.blur(wide, ALL.rows(np.zeros(1, int))), wide)


def test_calibration_errors_and_sky_residuals_are_as_large_as_they_are_meant():
    """Some percent of the light in the middle, a tenth or more in the blue; residuals of a part of
    sigma.
    """
    n, draws = 2000, NumpyDraws(np.random.default_rng(6))
    tables = BOSS.rows(np.zeros(n, int))
    light = np.full((n, GRID.size), 2.0, np.float32)
    ratio = np.log(observation.miscalibrate(draws, light, tables, GRID) / light)
    assert 0.03 < ratio[:, 200].std() < 0.06 and 0.1 < ratio[:, 20].std() < 0.4
    level = observation.noise_level(draws, n, tables, GRID)
    dark = np.zeros_like(light)
    residual = observation.sky_residual(draws, dark, level, tables, GRID)
    sigma = np.sqrt(noise.variance(dark, level, tables))
    assert 0.2 < (residual / sigma).std() < 0.6


def test_an_arm_is_lost_now_and_then():
    n = 20_000
    tables = Spectrographs.of(("desi",), GRID).rows(np.zeros(n, int))
    empty = observation.masks(NumpyDraws(np.random.default_rng(7)), n, tables, GRID)
    red = GRID.centers > 7700
    lost = empty[:, red].all(axis=1)
    assert lost.mean() == pytest.approx(observation.LOST_FRACTION / 3, abs=0.0015)


def test_each_key_is_another_observation_and_brightness(noise_free):
    flux = jnp.asarray(noise_free[:200])
    first, second, again = (
        augment.observe(jax.random.key(k), flux, jnp.zeros_like(flux), BOSS, observation.SCORED)[0]
        for k in (1, 2, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    brightness = np.log(np.median(np.where(first > 0, first, np.nan)[:, 150:350], axis=1) / 2)
    assert np.nanstd(brightness) == pytest.approx(augment.BRIGHTNESS_SCATTER, rel=0.25)
