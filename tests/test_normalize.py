import jax
import jax.numpy as jnp
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import moments, normalize, rebin


def spectra(n=20, dtype=np.float32, seed=3):
    """Spectra with a continuum, and a tenth of the pixels without measurement."""
    rng = np.random.default_rng(seed)
    flux = (10 + rng.normal(size=(n, 443))).astype(dtype)
    ivar = rng.gamma(2, 1, (n, 443)).astype(dtype)
    return flux, np.where(rng.random((n, 443)) < 0.1, 0, ivar).astype(dtype)


def test_moments_by_hand():
    # Mean (1*1 + 3*3) / 4 = 2.5; rms sqrt((1*1.5**2 + 3*0.5**2) / 4) = sqrt(0.75).
    mean, rms = moments(np.array([1.0, 3.0, 99.0]), np.array([1.0, 3.0, 0.0]))
    np.testing.assert_allclose([mean, rms], [[2.5], [np.sqrt(0.75)]])
    x = normalize(np.array([1.0, 3.0, 99.0]), np.array([1.0, 3.0, 0.0]))
    np.testing.assert_allclose(x, [-1.5 / np.sqrt(0.75), 0.5 / np.sqrt(0.75), 0])


def test_weighted_mean_is_0_and_weighted_rms_1():
    flux, ivar = spectra(dtype=np.float64)
    mean, rms = moments(normalize(flux, ivar), ivar)
    assert mean.shape == rms.shape == (20, 1)
    np.testing.assert_allclose(mean, 0, atol=1e-13)
    np.testing.assert_allclose(rms, 1)
    assert (normalize(flux, ivar)[ivar == 0] == 0).all()


@given(
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-10, 10),
    weight=st.sampled_from([1e-30, 1e-6, 1.0, 1e6, 1e30]),
)
def test_scale_shift_and_unit_of_ivar_do_not_matter(scale, shift, weight):
    flux, ivar = spectra(3, np.float64)
    changed = normalize(scale * flux + shift, weight * ivar)
    np.testing.assert_allclose(changed, normalize(flux, ivar), atol=1e-8)


def test_float32_survives_any_unit_of_ivar():
    flux, ivar = spectra()
    exact = normalize(flux.astype(np.float64), ivar.astype(np.float64))
    for weight in (1e-30, 1.0, 1e30):
        x = normalize(flux, ivar * np.float32(weight))
        assert x.dtype == np.float32
        np.testing.assert_allclose(x, exact, atol=1e-4)


def test_jax_under_jit_equals_numpy():
    flux, ivar = spectra()
    compiled = jax.jit(normalize)(jnp.asarray(flux), jnp.asarray(ivar))
    assert compiled.dtype == jnp.float32
    np.testing.assert_allclose(compiled, normalize(flux, ivar), atol=2e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_spectrum_without_data_or_structure_becomes_0(rng, dtype):
    flux, ivar = spectra(200, dtype)
    flux[:100] = rng.normal(size=(100, 1))  # constant
    ivar[100:110] = 0
    compiled = np.asarray(jax.jit(normalize)(jnp.asarray(flux), jnp.asarray(ivar)))
    for x in (normalize(flux, ivar), compiled):
        assert (x[:110] == 0).all() and np.isfinite(x).all()
        assert (np.abs(x[110:]).max(axis=1) > 1).all()


def test_a_small_line_on_a_bright_continuum_is_structure():
    flux = np.full((1, 443), 1000, np.float32)
    flux[0, 200] += 1
    x = normalize(flux, np.ones_like(flux))
    assert x[0].argmax() == 200 and x[0, 200] > 10


def test_normalization_is_quasarnps_where_there_is_data(shared):
    folder = shared / "quasarnp"
    with fits.open(folder / "test_coadd.fits.gz") as hdus:
        wavelength, flux, ivar = (
            np.concatenate([hdus[f"{c}_{what}"].data for c in "BRZ"], axis=-1)
            for what in ("WAVELENGTH", "FLUX", "IVAR")
        )
    flux, ivar = rebin(np.log10(wavelength), flux, ivar, grid=GRID)
    assert np.flatnonzero(~ivar.any(axis=1)).tolist() == [11]  # the one that QuasarNP drops
    assert (normalize(flux, ivar)[11] == 0).all()
    flux, ivar = np.delete(flux, 11, axis=0), np.delete(ivar, 11, axis=0)
    expected, x, measured = np.load(folder / "coadd_x.npy"), normalize(flux, ivar), ivar > 0
    assert np.allclose(x[measured], expected[measured])
    # Without data QuasarNP leaves (0 - mean) / rms, and we leave 0.
    mean, rms = moments(flux, ivar)
    assert (~measured).any() and (x[~measured] == 0).all()
    assert np.allclose(np.broadcast_to(-mean / rms, x.shape)[~measured], expected[~measured])
