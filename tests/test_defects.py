"""Defects of pipelines: how many spectra have them, how large, and alike on every grid."""

import numpy as np
import pytest

from data_prep.mock.draws import NumpyDraws
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import LogGrid, defects
from spectranet_jax.spectra.spectrographs import Spectrographs, Tables

N = 8000
FINE = LogGrid(GRID.start, GRID.dloglam / 5, 5 * GRID.size)
GRIDS = pytest.mark.parametrize("grid", [GRID, FINE])


def tables(grid: LogGrid) -> Tables:
    return Spectrographs.of(("desi",), grid).rows(np.zeros(N, int))


def rng() -> NumpyDraws:
    return NumpyDraws(np.random.default_rng(3))


def wide_sigma(grid: LogGrid) -> float:
    """Sigma of a bin of 690 km/s over that of a bin of the grid."""
    return float((grid.dloglam / GRID.dloglam) ** 0.5)


@pytest.mark.slow
@GRIDS
def test_hot_pixels_stand_20_sigma_out_of_a_few_spectra(grid):
    sigma = np.ones((N, grid.size), np.float32)
    hot = defects.hot_pixels(rng(), np.zeros_like(sigma), sigma, grid)
    spectra = (hot > 0).any(axis=1)
    with_a_pixel = 1 - np.exp(-defects.HOT_PIXELS)
    assert spectra.mean() == pytest.approx(defects.HOT_FRACTION * with_a_pixel, abs=0.006)
    assert (hot > 0).sum() / spectra.sum() == pytest.approx(3 / with_a_pixel, rel=0.1)
    assert hot[hot > 0].mean() * wide_sigma(grid) == pytest.approx(defects.HOT_SIGMA, rel=0.15)


@GRIDS
def test_cosmic_rays_are_as_many_and_as_high_on_every_grid(grid):
    sigma = np.ones((N, grid.size), np.float32)
    rays = defects.glitches(rng(), np.zeros_like(sigma), sigma, grid)
    assert (rays > 0).sum() / N == pytest.approx(0.0008 * 443, rel=0.1)
    assert rays[rays > 0].mean() * wide_sigma(grid) == pytest.approx(6, rel=0.1)


@pytest.mark.slow
@GRIDS
def test_an_arm_is_scaled_whole_and_by_no_more_than_a_third(grid):
    light = np.ones((N, grid.size), np.float32)
    scaled = defects.scaled_arm(rng(), light, tables(grid))
    changed = scaled != 1
    assert changed.any(axis=1).mean() == pytest.approx(defects.SCALED_FRACTION, abs=0.008)
    assert scaled.max() <= 1.3 + 1e-6 and scaled.min() >= 1 / 1.3 - 1e-6
    arm = tables(grid).arm[0]
    for row in np.flatnonzero(changed.any(axis=1))[:50]:
        (which,) = set(arm[changed[row]].tolist())
        np.testing.assert_array_equal(changed[row], arm == which)


@GRIDS
def test_too_much_sky_is_the_same_flux_on_every_grid(grid):
    dark = np.zeros((N, grid.size), np.float32)
    low = defects.pedestal(rng(), dark, tables(grid), grid)[:, 0]
    assert (low < 0).mean() == pytest.approx(defects.PEDESTAL_FRACTION, abs=0.006)
    sigma = Spectrographs.of(("desi",), GRID).tables.white[0, 0]
    assert -low[low < 0].mean() == pytest.approx(defects.PEDESTAL * sigma, rel=0.2)
