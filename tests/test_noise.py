from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.noise import observe, variance
from spectranet_jax.spectra.spectrographs import Spectrographs

BOSS = Spectrographs.of(("boss",), GRID).tables
"""Of one instrument, one row: for all spectra."""

# Median sigma of 140 BOSS spectra of plate 7102 by wavelength, and their median flux there from the
# fits of variance against flux: 1e-17 erg/s/cm^2/Angstrom a 690 km/s bin.
MEASURED_FITS = {
    4000: (0.0324, 0.0089),
    4500: (0.0111, 0.0042),
    5500: (0.0053, 0.0028),
    6500: (0.0040, 0.0021),
    7500: (0.0022, 0.0016),
    8500: (0.0033, 0.0023),
    9200: (0.0019, 0.0017),
}


def bin_at(wavelength: float) -> int:
    return int(GRID.bin_of(np.array(np.log10(wavelength))))


@pytest.mark.parametrize("wavelength, fit", MEASURED_FITS.items())
def test_variance_follows_the_measured_fits(wavelength, fit):
    sky, photons = fit
    for flux in (0.0, 1.0, 5.0):
        spectrum = np.full((1, GRID.size), flux, np.float32)
        model = variance(spectrum, np.ones((1, 1), np.float32), BOSS)[0, bin_at(wavelength)]
        assert model == pytest.approx(sky + photons * flux, rel=0.25)


def test_variance_scales_with_the_square_of_the_level():
    flux = np.linspace(-1, 20, 2 * GRID.size, dtype=np.float32).reshape(2, -1)
    unit = variance(flux, np.ones((2, 1), np.float32), BOSS)
    np.testing.assert_allclose(
        variance(flux, np.full((2, 1), 3, np.float32), BOSS), 9 * unit, rtol=1e-6
    )


def test_scatter_is_what_ivar_says_in_the_red_and_wider_in_the_blue(rng):
    flux = np.full((4000, GRID.size), 2, np.float32)
    level = np.ones((4000, 1), np.float32)
    noisy, ivar = observe(flux, level, rng.standard_normal(flux.shape, np.float32), BOSS)
    pull = ((noisy - flux) * np.sqrt(ivar)).std(axis=0)
    red = GRID.centers > 7600
    np.testing.assert_allclose(pull[red], 1, atol=0.06)
    assert np.all(pull[GRID.centers < 3800] > 1.15)


def test_numpy_and_compiled_jax_draw_the_same(rng):
    flux = rng.normal(1, 1, (5, GRID.size)).astype(np.float32)
    level = np.exp(rng.normal(0, 0.2, (5, 1))).astype(np.float32)
    normals = rng.standard_normal(flux.shape, np.float32)
    expected = observe(flux, level, normals, BOSS)
    answer = jax.jit(partial(observe, tables=BOSS))(
        jnp.asarray(flux), jnp.asarray(level), jnp.asarray(normals)
    )
    for a, b in zip(answer, expected, strict=True):
        assert isinstance(a, jax.Array)
        assert a.dtype == b.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_variance_agrees_with_real_spectra(shared):
    """The median sigma of real files of the plate is within a quarter of the model's."""
    from astropy.io import fits

    from spectranet_jax.spectra import rebin

    ratios = []
    for path in sorted((shared / "boss-dr12-7102").glob("spec-*")):
        table = fits.getdata(path, 1)
        loglam, flux, ivar = (np.asarray(table[c], np.float64) for c in ("loglam", "flux", "ivar"))
        flux, ivar = rebin(loglam, flux, ivar, grid=GRID)
        smoothed = np.convolve(np.pad(flux, 4, "edge"), np.ones(9) / 9, "valid")
        model = variance(smoothed[None].astype(np.float32), np.ones((1, 1), np.float32), BOSS)[0]
        ratios.append(np.sqrt(1 / np.where(ivar > 0, ivar, np.nan) / model))
    median = np.nanmedian(ratios, axis=0)
    inner = (GRID.centers > 3700) & (GRID.centers < 9900)
    assert abs(np.nanmedian(median[inner]) - 1) < 0.1
    assert np.mean(np.abs(median[inner] - 1) < 0.25) > 0.9
