"""Spectra packed for the page are the same when unpacked, to the stated precision."""

import base64
import zlib

import numpy as np
import pytest
from inspected import EDGES, posterior, spectrum

from spectranet_jax.inspection.packing import drawing_order, pack, wavelengths
from spectranet_jax.spectra.spectrum import Spectrum


def unpack(packed):
    """Unpack as pixels.js does."""
    content, arrays, at = zlib.decompress(base64.b64decode(packed["data"])), {}, 0
    for name, count, size in packed["planes"]:
        planes = np.frombuffer(content[at : at + count * size], np.uint8).reshape(size, count)
        arrays[name] = np.ascontiguousarray(planes.T).view(f"<f{size}")[:, 0].astype(np.float64)
        at += count * size
    assert at == len(content)
    values, taken = [], 0
    for kind, first, step, count in packed["segments"]:
        rule = first + step * np.arange(count)
        table = arrays.get("wavelength", np.zeros(0))[taken : taken + count]
        values.append(table if kind == "table" else 10**rule if kind == "log" else rule)
        taken += count if kind == "table" else 0
    return arrays, np.concatenate([np.zeros(0), *values])


def test_a_spectrum_comes_back_to_one_in_2000():
    packed_spectrum = spectrum(1, 2.0)
    packed = pack(packed_spectrum, posterior(np.array([2.0]))[0])
    arrays, wavelength = unpack(packed)
    good = packed_spectrum.ivar > 0
    np.testing.assert_allclose(wavelength, 10**packed_spectrum.loglam, rtol=2e-6)
    np.testing.assert_allclose(
        arrays["flux"][good] * packed["scale"], packed_spectrum.flux[good], rtol=6e-4
    )
    np.testing.assert_allclose(
        arrays["sigma"][good] * packed["scale"], packed_spectrum.ivar[good] ** -0.5, rtol=6e-4
    )
    assert (arrays["sigma"][~good] == 0).all() and (~good).any()
    assert arrays["p"].max() == 1
    assert EDGES[arrays["p"].argmax()] == pytest.approx(np.log10(3), abs=6e-4)


def desi():
    """Wavelengths of three arms that overlap."""
    arms = [np.arange(a, b, 0.8) for a, b in ((3600, 5800), (5760, 7620), (7520, 9824))]
    return np.log10(np.concatenate(arms))


def test_the_arms_of_desi_are_three_linear_rules(rng):
    loglam = desi()
    flux, ivar = rng.normal(1, 1, len(loglam)), np.ones(len(loglam))
    packed = pack(Spectrum("1", loglam, np.float32(flux), np.float32(ivar), "coadd.fits"))
    assert [rule[0] for rule in packed["segments"]] == ["linear"] * 3
    np.testing.assert_allclose(unpack(packed)[1], 10**loglam, atol=0.01)


def test_irregular_and_shuffled_wavelengths_are_kept_as_they_are(rng):
    loglam = np.log10(np.sort(rng.uniform(4000, 9000, 300)))
    order = rng.permutation(300)
    shuffled = Spectrum("1", loglam[order], np.float32(order), np.ones(300, np.float32), "x.fits")
    arrays, wavelength = unpack(pack(shuffled))
    np.testing.assert_allclose(wavelength, 10**loglam, rtol=1e-6)
    np.testing.assert_allclose(arrays["flux"] / arrays["flux"][1], np.arange(300), rtol=2e-3)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_few_pixels_are_no_trouble(size):
    long = Spectrum("", 3.6 + np.arange(size), np.ones(size, "f4"), np.ones(size, "f4"), "")
    assert len(unpack(pack(long))[1]) == size


def test_what_is_not_finite_is_masked():
    loglam = np.append(3.6 + 1e-4 * np.arange(9), np.nan)
    flux = np.float32([1, np.nan, np.inf, 1, 1, 1e30, 1, 1, 1, 1])
    ivar = np.float32([1, 1, 1, -1, np.nan, 1, np.inf, 0, 1, 1])
    arrays, wavelength = unpack(pack(Spectrum("", loglam, flux, ivar, "")))
    assert len(wavelength) == 9
    assert np.flatnonzero(arrays["sigma"] > 0).tolist() == [0, 5, 8]
    assert all(np.isfinite(values).all() for values in arrays.values())


def test_no_spectrum_is_empty():
    arrays, wavelength = unpack(pack(None))
    assert arrays == {} and len(wavelength) == 0


def test_a_template_and_an_attribution_follow_the_pixels():
    target = spectrum(3, 1.0)
    reverse = Spectrum("", target.loglam[::-1], target.flux[::-1], target.ivar[::-1], "")
    packed = pack(reverse, template=np.arange(1500)[::-1], attribution=np.arange(1500)[::-1])
    arrays, _ = unpack(packed)
    np.testing.assert_allclose(arrays["template"] * packed["scale"], np.arange(1500), rtol=1e-3)
    np.testing.assert_allclose(arrays["attribution"], np.arange(1500), rtol=1e-3)


def test_boss_wavelengths_in_float32_follow_one_rule():
    loglam = np.float32(3.5527 + 1e-4 * np.arange(4600)).astype(np.float64)
    rules, table = wavelengths(loglam, drawing_order(loglam)[1])
    assert [rule[0] for rule in rules] == ["log"] and len(table) == 0
