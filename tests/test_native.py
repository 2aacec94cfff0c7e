"""The native grid: SDSS pixels are copied, others are shared by overlap."""

from pathlib import Path

import numpy as np
import pytest

from spectranet_jax import readers
from spectranet_jax.spectra.native import FIRST, NATIVE_GRID, STEP, Sharing, native_pixels
from spectranet_jax.spectra.spectrum import Spectrum

ARMS = [np.arange(*arm, 0.8) for arm in ((3600, 5800.1), (5760, 7620.1), (7520, 9824.1))]
DESI = np.log10(np.concatenate(ARMS))


def noisy(loglam: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(2, 1, len(loglam)), rng.uniform(0.5, 2, len(loglam))


def by_hand(loglam: np.ndarray, width: float, flux: np.ndarray, ivar: np.ndarray) -> np.ndarray:
    """Sums of ivar and of flux * ivar, pixel by pixel, of pixels all equally wide in Angstrom."""
    edges = 10 ** (FIRST + STEP * (np.arange(NATIVE_GRID.size + 1) - 0.5))
    sums = np.zeros((2, NATIVE_GRID.size))
    for wavelength, f, w in zip(10**loglam, flux, ivar, strict=True):
        low, high = wavelength - width / 2, wavelength + width / 2
        overlap = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
        sums += np.outer([w, w * f], overlap / width)
    return sums


def test_native_pixels_begin_and_end_where_boss_does() -> None:
    centers = np.log10(NATIVE_GRID.centers)
    np.testing.assert_allclose(centers[[0, -1]], [3.55, 4.0249], rtol=0, atol=1e-12)
    assert NATIVE_GRID.size == 4750
    assert NATIVE_GRID.bin_kms == pytest.approx(69.03, abs=0.005)


def test_aligned_pixels_are_copied() -> None:
    """Those beyond the grid are left out; those missing in the file are empty."""
    loglam = np.float32(3.5495 + STEP * np.arange(5000)).astype(np.float64)
    flux, ivar = noisy(loglam)
    shared = Sharing.of(loglam)(flux, ivar)
    np.testing.assert_array_equal(shared[0], np.float32(flux[5:4755]))
    np.testing.assert_array_equal(shared[1], np.float32(ivar[5:4755]))
    shorter = Sharing.of(loglam[1000:2000])(flux[1000:2000], ivar[1000:2000])
    assert np.flatnonzero(shorter[1]).tolist() == list(range(995, 1995))


def test_linear_pixels_are_shared_by_overlap() -> None:
    flux, ivar = noisy(DESI)
    mean, weight = Sharing.of(DESI)(flux, ivar)
    sums = by_hand(DESI, 0.8, flux, ivar)
    np.testing.assert_allclose(weight, sums[0], rtol=1e-5, atol=1e-6)
    known = sums[0] > 1e-3
    sums = sums[:, known]
    np.testing.assert_allclose(mean[known], sums[1] / sums[0], rtol=1e-3, atol=1e-3)


def test_sums_of_ivar_and_of_flux_are_conserved() -> None:
    flux, ivar = noisy(DESI, 1)
    mean, weight = map(np.float64, Sharing.of(DESI)(flux, ivar))
    assert weight.sum() == pytest.approx(ivar.sum(), rel=1e-6)
    assert (mean * weight).sum() == pytest.approx((flux * ivar).sum(), rel=1e-6)


def test_the_energy_of_a_line_is_conserved() -> None:
    """Of one arm with even ivar: the integral of flux over wavelength is that of its pixels."""
    wavelength = ARMS[0]
    flux = np.exp(-0.5 * ((wavelength - 4567.3) / 1.1) ** 2)
    mean, _ = Sharing.of(np.log10(wavelength))(flux, np.full_like(flux, 3.0))
    total = (np.float64(mean) * np.diff(NATIVE_GRID.edges)).sum()
    assert total == pytest.approx(flux.sum() * 0.8, rel=1e-5)
    center = (np.float64(mean) * np.diff(NATIVE_GRID.edges) * NATIVE_GRID.centers).sum() / total
    assert center == pytest.approx(4567.3, abs=0.01)


def test_a_constant_stays_constant_and_order_does_not_matter() -> None:
    mean, weight = Sharing.of(DESI)(np.full(len(DESI), 1.5), np.ones(len(DESI)))
    np.testing.assert_allclose(mean[weight > 0], 1.5, rtol=1e-6)
    flux, ivar = noisy(DESI, 2)
    forward, backward = Sharing.of(DESI)(flux, ivar), Sharing.of(DESI[::-1])(flux[::-1], ivar[::-1])
    np.testing.assert_allclose(forward, backward, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loglam", [DESI, FIRST + STEP * np.arange(4600)])
def test_what_was_not_measured_does_not_count(loglam: np.ndarray) -> None:
    flux, ivar = noisy(loglam, 3)
    worse = flux.copy(), ivar.copy()
    for place, (f, w) in enumerate([(np.nan, 1), (5, np.nan), (np.inf, 1), (5, -1), (1e30, 0)]):
        worse[0][100 * place], worse[1][100 * place] = f, w
    ivar[: 5 * 100 : 100] = 0
    sharing = Sharing.of(loglam)
    np.testing.assert_array_equal(sharing(*worse), sharing(flux, ivar))
    beyond = loglam.copy()
    beyond[:50] = np.nan
    ivar[:50] = 0
    got = Sharing.of(beyond)(flux, ivar)
    np.testing.assert_allclose(got, sharing(flux, ivar), rtol=1e-3, atol=1e-3)


def test_spectra_keep_their_rows() -> None:
    scales = FIRST + STEP * np.arange(4000), DESI
    spectra = []
    for row, loglam in enumerate((*scales, scales[0])):
        flux, ivar = (values.astype(np.float32) for values in noisy(loglam, row))
        spectra.append(Spectrum(str(row), loglam, flux, ivar, "test"))
    flux, ivar = native_pixels(spectra)
    assert flux.shape == ivar.shape == (3, 4750)
    assert flux.dtype == ivar.dtype == np.float32
    for row, spectrum in enumerate(spectra):
        got = Sharing.of(spectrum.loglam)(spectrum.flux, spectrum.ivar)
        np.testing.assert_array_equal((flux[row], ivar[row]), got)


def test_a_real_file_is_copied(shared: Path) -> None:
    [spectrum] = readers.read(shared / "boss-dr12-galaxies/spec-3650-55244-0001.fits.gz")
    flux, ivar = native_pixels([spectrum])
    first = round((spectrum.loglam[0] - FIRST) / STEP)
    inside = slice(first, first + len(spectrum.flux))
    np.testing.assert_array_equal(ivar[0, inside], spectrum.ivar)
    good = spectrum.ivar > 0
    np.testing.assert_array_equal(flux[0, inside][good], spectrum.flux[good])
