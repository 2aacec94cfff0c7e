"""Spectra from arrays: units, air, uncertainties, masks; and what is refused."""

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st

from spectranet_jax.readers import rebinned
from spectranet_jax.readers.from_arrays import FLUX_UNIT, spectra, spectrum
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.air import refractive_index
from spectranet_jax.spectra.flags import Flag

WAVELENGTH = np.linspace(3700, 9000, 600)
FLUX = 5 + np.sin(WAVELENGTH / 90)
SIGMA = 0.2 + WAVELENGTH / 1e5
IVAR = SIGMA**-2
F_NU = (FLUX * FLUX_UNIT).to(u.mJy, u.spectral_density(WAVELENGTH * u.AA))
SIGMA_NU = (SIGMA * FLUX_UNIT).to(u.mJy, u.spectral_density(WAVELENGTH * u.AA))
"""The flux and its error, converted by astropy itself."""


def assert_is_the_spectrum(got: Any, rtol: float = 1e-6) -> None:
    assert got.loglam.dtype == np.float64
    assert got.flux.dtype == got.ivar.dtype == np.float32
    np.testing.assert_allclose(10**got.loglam, WAVELENGTH, rtol=1e-12)
    np.testing.assert_allclose(got.flux, FLUX, rtol=rtol)
    np.testing.assert_allclose(got.ivar, IVAR, rtol=rtol)


def on_grid(*inputs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Flags, and flux and ivar on the grid."""
    parts = list(rebinned(inputs, [QUASARNET_GRID]))
    pixels = [np.stack(part[2][0]) for part in parts]
    return np.concatenate([part[1] for part in parts]), np.concatenate(pixels, axis=1)


@pytest.mark.parametrize(
    "uncertainty",
    [{"ivar": IVAR}, {"sigma": SIGMA}, {"variance": SIGMA**2}],
    ids=lambda given: next(iter(given)),
)
def test_plain_numbers_are_angstrom(uncertainty: dict[str, np.ndarray]) -> None:
    got = spectrum(WAVELENGTH, FLUX, **uncertainty, name="J0001")  # type: ignore[arg-type]
    assert_is_the_spectrum(got)
    assert (got.name, got.source, got.flags, dict(got.identity)) == ("J0001", "", 0, {})


@pytest.mark.parametrize(
    "wavelength",
    [
        WAVELENGTH * u.AA,
        (WAVELENGTH / 1e4) * u.micron,
        (WAVELENGTH * u.AA).to(u.THz, u.spectral()),
        (WAVELENGTH * u.AA).to(u.eV, u.spectral()),
        (WAVELENGTH * u.AA).to(1 / u.cm, u.spectral()),
    ],
    ids=lambda values: str(values.unit),
)
def test_wavelengths_in_other_units(wavelength: u.Quantity) -> None:
    assert_is_the_spectrum(spectrum(wavelength, FLUX, ivar=IVAR))
    assert_is_the_spectrum(spectrum(wavelength, F_NU, sigma=SIGMA_NU))


@pytest.mark.parametrize(
    "uncertainty",
    [
        {"sigma": SIGMA_NU},
        {"sigma": SIGMA_NU.to(u.uJy)},
        {"sigma": SIGMA_NU.value},
        {"variance": SIGMA_NU**2},
        {"ivar": SIGMA_NU**-2},
        {"ivar": (SIGMA_NU**-2).to(1 / u.Jy**2)},
        {"ivar": SIGMA_NU.value**-2},
    ],
)
def test_flux_per_frequency(uncertainty: dict[str, Any]) -> None:
    """An uncertainty without a unit is in that of flux."""
    assert_is_the_spectrum(spectrum(WAVELENGTH, F_NU, **uncertainty))


@pytest.mark.parametrize("unit", ["W / (m2 micron)", "ph / (s cm2 Angstrom)", "erg / (s cm2 Hz)"])
def test_other_flux_densities(unit: str) -> None:
    at = u.spectral_density(WAVELENGTH * u.AA)
    flux, sigma = ((values * FLUX_UNIT).to(unit, at) for values in (FLUX, SIGMA))
    assert_is_the_spectrum(spectrum(WAVELENGTH * u.AA, flux, sigma=sigma))


def test_columns_of_tables_keep_unit_and_mask() -> None:
    columns = {"w": WAVELENGTH / 10 * u.nm, "f": F_NU, "s": SIGMA_NU}
    plain = Table(QTable(columns), masked=True, copy=True)
    plain["f"].mask[3] = True
    for table in (QTable(columns), plain):
        got = spectrum(table["w"], table["f"], sigma=table["s"])
        hidden = np.flatnonzero(got.ivar == 0)
        assert hidden.tolist() == ([3] if table is plain else [])
        np.testing.assert_allclose(got.flux, FLUX, rtol=1e-6)


def test_air_wavelengths_are_brought_to_vacuum() -> None:
    in_air = WAVELENGTH / refractive_index(WAVELENGTH)
    for given_in in (in_air, in_air * u.AA, (in_air * u.AA).to(u.nm)):
        assert_is_the_spectrum(spectrum(given_in, FLUX, ivar=IVAR, air=True))
    assert_is_the_spectrum(spectrum(in_air * u.AA, F_NU, sigma=SIGMA_NU, air=True))


def test_flux_of_many_shares_the_wavelengths() -> None:
    flux = np.stack([FLUX, 2 * FLUX, 3 * FLUX])
    got = spectra(WAVELENGTH, flux, sigma=np.stack([SIGMA] * 3))
    assert [each.name for each in got] == ["0", "1", "2"]
    assert got[0].loglam is got[2].loglam
    np.testing.assert_allclose(got[2].flux, 3 * FLUX, rtol=1e-6)
    repeated = spectra(np.stack([WAVELENGTH] * 3), flux, sigma=np.stack([SIGMA] * 3), names="abc")
    assert [each.name for each in repeated] == ["a", "b", "c"]
    for ours, other in zip(got, repeated, strict=True):
        np.testing.assert_array_equal(ours.flux, other.flux)
        np.testing.assert_array_equal(ours.loglam, other.loglam)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_pixels_does_not_matter(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(WAVELENGTH))
    forward = spectrum(WAVELENGTH, FLUX, ivar=IVAR)
    mixed = spectrum(WAVELENGTH[order], FLUX[order], ivar=IVAR[order])
    backward = spectrum(WAVELENGTH[::-1], FLUX[::-1], ivar=IVAR[::-1])
    _, pixels = on_grid(forward, mixed, backward)
    np.testing.assert_allclose(pixels[:, 1], pixels[:, 0], rtol=1e-5)
    np.testing.assert_allclose(pixels[:, 2], pixels[:, 0], rtol=1e-5)


def test_pixels_without_a_number() -> None:
    """Unless masked, NaN is kept and flagged, as in a file; an invalid error gives ivar 0."""
    flux, sigma = FLUX.copy(), SIGMA.copy()
    sigma[:5] = [0, -1, np.nan, np.inf, 1e30]
    flux[7] = np.nan
    got = spectrum(WAVELENGTH, flux, sigma=sigma)
    assert (got.ivar[:4] == 0).all()
    assert np.isnan(got.flux[7])
    assert on_grid(got)[0].tolist() == [Flag.BAD_PIXELS]
    masked = spectrum(WAVELENGTH, flux, sigma=sigma, mask=~np.isfinite(flux))
    assert masked.ivar[7] == 0
    flags, pixels = on_grid(masked)
    assert flags.tolist() == [0]
    np.testing.assert_array_equal(pixels, on_grid(got)[1])
    negative = np.where(np.arange(len(IVAR)) == 9, -1, IVAR)
    assert on_grid(spectrum(WAVELENGTH, FLUX, ivar=negative))[0].tolist() == [Flag.BAD_PIXELS]


def test_masks_of_all_kinds_leave_out_the_same_pixels() -> None:
    mask = WAVELENGTH > 8000
    ways: list[dict[str, Any]] = [
        {"flux": FLUX, "mask": mask},
        {"flux": np.ma.array(FLUX, mask=mask)},
        {"flux": Masked(FLUX * FLUX_UNIT, mask=mask)},
        {"flux": FLUX, "ivar": np.ma.array(IVAR, mask=mask)},
    ]
    for way in ways:
        got = spectrum(WAVELENGTH, **{"ivar": IVAR, **way})
        np.testing.assert_array_equal(got.ivar > 0, ~mask)
    shared = spectra(WAVELENGTH, np.stack([FLUX] * 2), ivar=np.stack([IVAR] * 2), mask=mask)
    assert all(((each.ivar > 0) == ~mask).all() for each in shared)
    hidden = spectrum(np.ma.array(WAVELENGTH, mask=mask), FLUX, ivar=IVAR)
    np.testing.assert_array_equal(np.isnan(hidden.loglam), mask)


@pytest.mark.parametrize("unit", [1e-17, 1e-30, 1e20])
def test_plain_flux_of_any_unit_fits_into_float32(unit: float) -> None:
    """Each is scaled by its own median, whatever spectra come with it."""
    got = spectrum(WAVELENGTH, FLUX * unit, sigma=SIGMA * unit)
    assert on_grid(got)[0].tolist() == [0]
    np.testing.assert_allclose(got.flux**2 * got.ivar, FLUX**2 * IVAR, rtol=1e-5)
    two = spectra(WAVELENGTH, np.stack([FLUX, FLUX * unit]), sigma=np.stack([SIGMA, SIGMA * unit]))
    np.testing.assert_array_equal(two[1].flux, got.flux)
    np.testing.assert_array_equal(two[0].flux, FLUX.astype(np.float32))


def test_pixels_without_a_wavelength_have_none() -> None:
    wavelength = WAVELENGTH.copy()
    wavelength[:3] = [0, -5, np.nan]
    assert np.isnan(spectrum(wavelength, FLUX, ivar=IVAR).loglam[:3]).all()
    frequency = (WAVELENGTH * u.AA).to(u.Hz, u.spectral())
    frequency[0] = 0 * u.Hz
    got = spectrum(frequency, F_NU, sigma=SIGMA_NU)
    assert on_grid(got)[1].shape == (2, 1, 443)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no uncertainty": ({"ivar": None}, "give one of ivar, sigma and variance"),
    "two uncertainties": ({"sigma": SIGMA}, "ivar and sigma"),
    "counts": ({"flux": FLUX * u.ct}, r"ct .*flux\.value"),
    "magnitudes": ({"flux": FLUX * u.ABmag}, r"mag\(AB\)"),
    "flux of all wavelengths": ({"flux": FLUX * u.Unit("erg/(s cm2)")}, "per wavelength"),
    "surface brightness": ({"flux": FLUX * u.Unit("Jy/sr")}, "Jy / sr"),
    "ivar of another unit": ({"ivar": IVAR * u.Jy**-2, "flux": FLUX * FLUX_UNIT}, "Jy2"),
    "ivar alone has a unit": ({"ivar": IVAR * u.Jy**-2}, "no unit"),
    "velocities": ({"wavelength": WAVELENGTH * u.km / u.s}, "km / s"),
    "log wavelengths": ({"wavelength": np.log10(WAVELENGTH) * u.dex(u.AA)}, "dex"),
    "frequencies in air": ({"wavelength": WAVELENGTH * u.THz, "air": True}, "air=True"),
    "another length": ({"flux": FLUX[:-1]}, r"\(599,\).*\(pixels,\)"),
    "mask of another length": ({"mask": np.zeros(3)}, r"mask \(3,\)"),
    "no pixels": ({"wavelength": [], "flux": [], "ivar": []}, r"\(0,\)"),
    "three dimensions": ({"flux": np.ones((2, 2, 600))}, r"\(2, 2, 600\)"),
    "text": ({"flux": ["a"] * 600}, "flux is not an array of numbers"),
    "too few names": ({"names": ["a", "b"]}, "2 names came with 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_converted(case: str) -> None:
    changed, sentence = REFUSED[case]
    with pytest.raises(InputError, match=sentence):
        spectra(**{"wavelength": WAVELENGTH, "flux": FLUX, "ivar": IVAR, **changed})


def test_one_is_not_many() -> None:
    with pytest.raises(InputError, match=r"\(2, 600\).*from_arrays\.spectra"):
        spectrum(WAVELENGTH, np.stack([FLUX] * 2), ivar=np.stack([IVAR] * 2))
