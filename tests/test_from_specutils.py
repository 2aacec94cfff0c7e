"""Conversion of specutils objects: real ones where it is installed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import (
    InverseVariance,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)

import spectranet_jax as snj
from spectranet_jax.readers.from_arrays import FLUX_UNIT
from spectranet_jax.readers.from_specutils import spectra
from spectranet_jax.readers.in_memory import as_spectra
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.air import refractive_index
from spectranet_jax.spectra.spectrum import Spectrum

specutils = pytest.importorskip("specutils")

WAVELENGTH = np.linspace(3700, 9000, 300)
FLUX = 5 + np.sin(WAVELENGTH / 90)
SIGMA = 0.2 + WAVELENGTH / 1e5
MASK = WAVELENGTH > 8000

UNCERTAINTIES = [
    StdDevUncertainty(SIGMA),
    VarianceUncertainty(SIGMA**2),
    InverseVariance(SIGMA**-2),
    StdDevUncertainty(SIGMA * 1e-17, unit=u.Unit("erg / (s cm2 Angstrom)")),
]


def made(**changed: Any) -> Any:
    """A specutils Spectrum of the arrays above."""
    arguments = {
        "flux": FLUX * FLUX_UNIT,
        "spectral_axis": WAVELENGTH * u.AA,
        "uncertainty": StdDevUncertainty(SIGMA),
        "mask": MASK,
    }
    return specutils.Spectrum(**{**arguments, **changed})


def assert_is_the_spectrum(got: Spectrum, factor: float = 1) -> None:
    np.testing.assert_allclose(10**got.loglam, WAVELENGTH, rtol=1e-12)
    np.testing.assert_allclose(got.flux, factor * FLUX, rtol=1e-6)
    np.testing.assert_allclose(got.ivar, np.where(MASK, 0, (factor * SIGMA) ** -2), rtol=1e-6)


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES)
def test_each_kind_of_uncertainty(uncertainty: Any) -> None:
    (got,) = spectra(made(uncertainty=uncertainty))
    assert_is_the_spectrum(got)
    assert (got.name, dict(got.identity)) == ("", {})


def test_without_a_mask_every_pixel_counts() -> None:
    assert (spectra(made(mask=None))[0].ivar > 0).all()


def test_flux_and_axis_per_frequency() -> None:
    """On an axis that descends in wavelength, and with an error in another unit than flux."""
    at = u.spectral_density(WAVELENGTH * u.AA)
    flux, sigma = ((values * FLUX_UNIT).to(u.mJy, at)[::-1] for values in (FLUX, SIGMA))
    frequency = (WAVELENGTH * u.AA).to(u.THz, u.spectral())[::-1]
    error = StdDevUncertainty(sigma.to_value(u.uJy), unit=u.uJy)
    made_of_frequencies = specutils.Spectrum(flux=flux, spectral_axis=frequency, uncertainty=error)
    (got,) = spectra(made_of_frequencies)
    np.testing.assert_allclose(10**got.loglam, WAVELENGTH[::-1], rtol=1e-12)
    np.testing.assert_allclose(got.flux, FLUX[::-1], rtol=1e-6)
    np.testing.assert_allclose(got.ivar, SIGMA[::-1] ** -2.0, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_many_in_one_object(axis: int) -> None:
    """Whichever axis of flux is the spectral one."""
    factors = np.array([1, 2, 3])
    flux, sigma = (np.outer(factors, values) for values in (FLUX, SIGMA))
    mask = np.stack([MASK] * 3)
    if axis == 0:
        flux, sigma, mask = flux.T, sigma.T, mask.T
    collection = made(
        flux=flux * FLUX_UNIT,
        uncertainty=StdDevUncertainty(sigma),
        mask=mask,
        spectral_axis_index=axis,
        meta={"header": {"OBJECT": "a field"}},
    )
    got = as_spectra(collection)
    assert [each.name for each in got] == ["0", "1", "2"]
    assert got[0].loglam is got[2].loglam
    for each, factor in zip(got, factors, strict=True):
        assert_is_the_spectrum(each, factor)


def test_lists_and_collections() -> None:
    first, second = made(meta={"header": {"OBJECT": "M 31"}}), made(flux=2 * FLUX * FLUX_UNIT)
    for group in (specutils.SpectrumList([first, second]), [first, second], (first, second)):
        got = as_spectra(group)
        assert [spectrum.name for spectrum in got] == ["M 31", "1"]
        assert_is_the_spectrum(got[0])
    collection = specutils.SpectrumCollection.from_spectra([first, second])
    got = as_spectra(collection)
    assert [spectrum.name for spectrum in got] == ["M 31", "1"]
    assert_is_the_spectrum(got[0])
    np.testing.assert_allclose(got[1].flux, 2 * FLUX, rtol=1e-6)


def test_ours_and_theirs_in_one_list() -> None:
    (ours,) = spectra(made())
    got = as_spectra([made(), [ours, made()]])
    assert [spectrum.name for spectrum in got] == ["0", "1", "2"]
    np.testing.assert_array_equal([each.flux for each in got], [ours.flux] * 3)


def test_redshift_of_the_object_changes_nothing() -> None:
    assert_is_the_spectrum(spectra(made(redshift=0.5))[0])


def test_air_wavelengths_on_request() -> None:
    in_air = WAVELENGTH / refractive_index(WAVELENGTH) * u.AA
    assert_is_the_spectrum(spectra(made(spectral_axis=in_air), air=True)[0])


def test_the_header_names_a_spectrum() -> None:
    header = {"PLATEID": 7102, "MJD": 56666, "FIBERID": 82, "OBJECT": "x"}
    (got,) = spectra(made(meta={"header": header}))
    assert got.name == "7102-56666-0082"
    assert got.identity == {"PLATE": 7102, "MJD": 56666, "FIBERID": 82}
    (other,) = spectra(made(meta={"header": {**header, "FIBERID": 0}}))
    assert (other.name, other.identity) == ("x", {})
    assert spectra(made(meta={"OBJECT": " y "}))[0].name == "y"
    assert spectra(made(meta={"header": ["no header"]}))[0].name == ""


CUBE = {
    "flux": np.ones((2, 2, 300)) * FLUX_UNIT,
    "uncertainty": StdDevUncertainty(np.ones((2, 2, 300))),
    "mask": None,
    "spectral_axis_index": 2,
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no uncertainty": ({"uncertainty": None}, "no uncertainty.*StdDevUncertainty"),
    "of no kind": ({"uncertainty": UnknownUncertainty(SIGMA)}, "UnknownUncertainty.*InverseVar"),
    "counts": ({"flux": FLUX * u.ct}, "ct"),
    "pixels": ({"spectral_axis": np.arange(300) * u.pix}, "pix"),
    "a cube": (CUBE, r"\(2, 2, 300\)"),
    "an arm": ({"meta": {"band": "b", "bands": ["b", "r", "z"]}}, r"b, r, z.*spectranet_jax\.read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_converted(case: str) -> None:
    changed, sentence = REFUSED[case]
    with pytest.raises(InputError, match=sentence):
        as_spectra(made(**changed))
    with pytest.raises(InputError, match=f"number 1.*{sentence}"):
        as_spectra([made(), made(**changed)])


def test_another_thing_of_specutils() -> None:
    region = specutils.SpectralRegion(4000 * u.AA, 5000 * u.AA)
    with pytest.raises(InputError, match="SpectralRegion"):
        spectra(region)


@pytest.mark.filterwarnings("ignore:.*multiple slashes")  # of specutils' own reader
def test_a_survey_file_is_the_same_read_either_way(shared: Path) -> None:
    path = next(iter(sorted((shared / "boss-dr12-7102").glob("spec-*.fits"))))
    (ours,) = snj.read(path)
    (got,) = as_spectra(specutils.Spectrum.read(path))
    assert got.name == ours.name
    np.testing.assert_allclose(got.loglam, ours.loglam, atol=1e-7)  # theirs went through float32
    np.testing.assert_allclose(got.flux, ours.flux, rtol=1e-6)
    counts = got.ivar > 0  # specutils masks wherever and_mask is set
    np.testing.assert_allclose(got.ivar[counts], ours.ivar[counts], rtol=1e-6)
    assert (ours.ivar[~counts] >= 0).all()
    assert counts.sum() > 4000
