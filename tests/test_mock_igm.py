import numpy as np
import pytest

from data_prep.mock import igm
from spectranet_jax.spectra import QUASARNET_GRID as GRID


@pytest.mark.parametrize(
    "z, depth", [(2.2, 0.22), (2.5, 0.30), (3.0, 0.46), (3.5, 0.66), (4.0, 0.93)]
)
def test_mean_depth_is_the_published_one(z, depth):
    assert igm.effective_depth(np.array(z)) == pytest.approx(depth, abs=0.006)


def test_the_forest_transmits_what_its_mean_depth_says_and_fluctuates(rng):
    z = np.full(3000, 2.75)
    transmitted = np.exp(-igm.forest(rng, z, GRID))
    rest = GRID.centers / 3.75
    forest = (rest > 1060) & (rest < 1180)
    absorber = GRID.centers[forest] / igm.LYA - 1
    mean = transmitted[:, forest].mean(axis=0)
    np.testing.assert_allclose(mean, np.exp(-igm.effective_depth(absorber)), rtol=0.05)
    contrast = transmitted[:, forest].std(axis=0) / mean
    assert np.all((contrast > 0.1) & (contrast < 0.25))
    neighbors = np.corrcoef(transmitted[:, forest][:, 10], transmitted[:, forest][:, 11])[0, 1]
    assert neighbors > 0.3


def test_nothing_is_taken_redward_of_lyman_alpha_but_a_damping_wing(rng):
    z = np.full(500, 3.0)
    rest = GRID.centers / 4
    depth = igm.forest(rng, z, GRID) + igm.lyman_limit(rng, z, GRID)
    assert depth[:, rest > 1235].max() < 1e-4


@pytest.mark.parametrize("column, width", [(1e20, 7.3), (2e20, 10.3), (1e21, 23.1)])
def test_a_damped_line_has_the_width_that_its_column_asks_for(column, width):
    offset = np.linspace(-4000, 4000, 800_001)
    depth = igm.damping_depth(offset, np.array(column))
    assert np.trapezoid(1 - np.exp(-depth), offset) == pytest.approx(width, rel=0.01)


def test_damped_systems_are_as_many_as_published(rng):
    """0.22 per unit redshift above 10^20.3 at z 2.5, and as many below."""
    z = np.full(20_000, 2.75)
    path = 2.75 - max(3600 / igm.LYA - 1, 3.75 * igm.LYB / igm.LYA - 1)
    with_one = (igm.damped(rng, z, GRID) > 5).any(axis=1).mean()
    assert with_one == pytest.approx(2 * 0.22 * path, rel=0.3)


def test_distant_quasars_are_dark_below_the_lyman_limit(rng):
    z = np.full(2000, 4.5)
    passed = igm.transmission(rng, z, GRID)
    rest = GRID.centers / 5.5
    assert passed[:, rest < 750].mean() < 0.15 < passed[:, (rest > 950) & (rest < 1000)].mean()
    assert passed.min() >= 0
    assert passed.max() <= 1
