import numpy as np
import pytest

from data_prep.mock.draws import NumpyDraws, log_normal, log_uniform
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.random_fields import smooth_field


def test_log_normal_has_its_median_and_scatter(rng):
    values = log_normal(rng, 20_000, 12.0, 0.5)
    assert np.median(values) == pytest.approx(12, rel=0.02)
    assert np.log(values).std() == pytest.approx(0.5, rel=0.03)


def test_log_uniform_is_even_in_each_decade(rng):
    counts, _ = np.histogram(log_uniform(rng, 30_000, 0.1, 100), [0.1, 1, 10, 100])
    np.testing.assert_allclose(counts, 10_000, rtol=0.05)


def test_a_smooth_field_is_normal_at_its_knots_and_straight_between(rng):
    field = smooth_field(NumpyDraws(rng), 5000, GRID)
    assert field[:, 100].std() == pytest.approx(1, rel=0.05)
    np.testing.assert_allclose(field[:, 105], (field[:, 100] + field[:, 110]) / 2, atol=1e-5)
    assert abs(np.corrcoef(field[:, 100], field[:, 110])[0, 1]) < 0.05
