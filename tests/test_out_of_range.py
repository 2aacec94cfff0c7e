"""Spectra whose redshift the shipped network cannot give: they carry a warning."""

import numpy as np
import pytest
from observed import observed

from data_prep.mock.ingredients import EVERYTHING
from data_prep.mock.quasars import quasars
from data_prep.mock.survey import calibrated, magnitudes, quasar_magnitudes
from spectranet_jax.inference import load
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.instruments import INSTRUMENTS
from spectranet_jax.spectra.lines import kms
from spectranet_jax.spectra.zsteps import NEAR

pytestmark = pytest.mark.long


def trusted(table) -> np.ndarray:
    """Rows without a warning, bool (n,)."""
    return np.asarray(table["ZWARN"]) == 0


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_quasar_beyond_the_range_is_not_trusted_at_a_wrong_redshift(name):
    """Redshifts from 6.5 to 8: at the last, Lyman-alpha is beyond 10,900 Angstrom."""
    rng, n = np.random.default_rng(65), 1500
    z = rng.uniform(6.5, 8, n)
    magnitude = quasar_magnitudes(rng, magnitudes(rng, n), z)
    light, _ = quasars(rng, z, magnitude, GRID, False, EVERYTHING)
    table = load("linenet").predict(*observed(rng, calibrated(light, magnitude, GRID, z), name))
    dv = kms(np.log10((1 + np.ma.filled(table["Z_NET"], np.nan)) / (1 + z)))
    quasar = np.isin(np.asarray(table["CLASS"]), ["QSO", "QSO_BAL"])
    wrong = trusted(table) & (~quasar | ~(np.abs(dv) < NEAR))
    assert wrong.mean() <= 0.02


def test_a_power_law_without_noise_is_not_trusted():
    """Of slopes from -3 to 3, as of a blazar, at S/N of 3 to 1000 that its ivar states."""
    slope = np.linspace(-3, 3, 61)[:, None, None]
    sn = np.array([3.0, 10, 30, 100, 1000])[None, :, None]
    flux = np.broadcast_to((GRID.centers / 6000) ** slope, (61, 5, GRID.size))
    ivar = np.broadcast_to(sn**2, flux.shape)
    flux, ivar = (a.reshape(-1, GRID.size).astype(np.float32) for a in (flux, ivar))
    table = load("linenet").predict(flux, ivar)
    with_redshift = trusted(table) & (table["CLASS"] != "STAR")
    assert not with_redshift.any()
