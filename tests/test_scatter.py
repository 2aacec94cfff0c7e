"""A wrong ivar is recognized from the scatter of pixels, and a true one is never reported."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_fits import write_spec

from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.inference.clean import clean
from spectranet_jax.readers import read, rebinned
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import rebin, scatter
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.spectrum import Spectrum

LOGLAM = 3.5527 + 1e-4 * np.arange(4600)
MISMATCH = Flag.NOISE_MISMATCH


def star(rng, sigma, sn=20.0):
    """A continuum with absorption lines three pixels wide, and noise: flux and its true ivar."""
    level = sn * sigma
    lines = sum(
        0.6 * np.exp(-0.5 * ((np.arange(4600) - at) / 1.3) ** 2) for at in rng.uniform(0, 4600, 200)
    )
    flux = level * (1 - np.minimum(lines, 0.9)) * (1 + 0.3 * np.sin(np.arange(4600) / 900))
    return flux + rng.normal(0, sigma, 4600), np.full(4600, sigma**-2.0)


def flags_of(flux, ivar, loglam=LOGLAM):
    """Return flags as prediction from files has them: of pixels, and of bins."""
    spectrum = Spectrum("x", loglam, np.float32(flux), np.float32(ivar), "x")
    ((_, bits, ((flux, ivar),)),) = rebinned([spectrum], [GRID])
    return Flag(int(clean(flux, ivar, GRID, bits)[2][0]))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    sigma=st.floats(-18, 4).map(lambda power: 10**power),
    sn=st.floats(0, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_true_ivar_is_never_told_and_a_sigma_is_where_it_differs_enough(sigma, sn, seed):
    flux, ivar = star(np.random.default_rng(seed), sigma, sn)
    assert MISMATCH not in flags_of(flux, ivar)
    if sn < 10 and abs(np.log10(sigma)) > 1:  # sigma / ivar is its cube: three orders of magnitude
        assert MISMATCH in flags_of(flux, ivar**-0.5)
        if sigma < 1:  # then also of arrays
            rebinned_by_hand = rebin(LOGLAM, flux, ivar**-0.5, grid=GRID)
            assert MISMATCH in Flag(int(clean(*rebinned_by_hand, grid=GRID)[2][0]))


@pytest.mark.parametrize("power", [-1, -0.5, 0.5])
def test_variance_sigma_and_inverse_sigma_in_place_of_ivar(rng, power):
    for sigma in (0.01, 100):
        flux, ivar = star(rng, sigma, 3)
        assert MISMATCH not in flags_of(flux, ivar)
        assert MISMATCH in flags_of(flux, ivar**power)


@pytest.mark.parametrize("factor", [2, 3, 10])
def test_resampled_pixels_with_correlated_noise_are_not_reported(rng, factor):
    flux, ivar = star(rng, 1.0)
    fine = np.linspace(LOGLAM[0], LOGLAM[-1], factor * 4600)
    flux, ivar = (np.interp(fine, LOGLAM, values) for values in (flux, ivar))
    assert MISMATCH not in flags_of(flux, ivar, fine)


def test_smoothed_pixels_with_the_ivar_of_the_unsmoothed_are_not_reported(rng):
    flux, ivar = star(rng, 1.0)
    assert MISMATCH not in flags_of(np.convolve(flux, np.ones(5) / 5, "same"), ivar)


@pytest.mark.parametrize(
    "flux",
    [
        np.full(4600, 3.0),
        np.linspace(1, 9, 4600),
        2 + np.sin(np.arange(4600) / 50),
        1e-17 * (3 + np.sin(np.arange(4600) / 90)),
    ],
)
def test_a_model_without_noise_has_no_scatter_to_compare(flux):
    assert MISMATCH not in flags_of(flux, np.full(4600, (np.median(flux) / 3) ** -2.0))


@pytest.mark.parametrize("order", ["reversed", "mixed", "arms"])
def test_the_order_of_pixels_is_no_scatter(rng, order):
    flux, ivar = star(rng, 0.01, 300)
    place = {
        "reversed": np.arange(4600)[::-1],
        "mixed": rng.permutation(4600),
        "arms": np.r_[2000:4600, 0:2100],
    }[order]
    assert MISMATCH not in flags_of(flux[place], ivar[place], LOGLAM[place])
    # A sigma that is too small an ivar is told of bins, whatever the order of pixels.
    assert MISMATCH in flags_of(flux[place], ivar[place] ** -0.5, LOGLAM[place])


def test_pixels_that_do_not_count_are_left_out(rng):
    flux, ivar = star(rng, 1.0)
    flux[::5], ivar[::5] = 1e9, 0
    flux[1000:2000], ivar[3000:3100] = np.nan, np.inf
    assert not scatter.too_large(LOGLAM, flux, ivar) and not scatter.too_small(flux, ivar)


@pytest.mark.parametrize("pixels", [0, 1, 4, 5, 53])
def test_few_pixels_tell_nothing(rng, pixels):
    flux, ivar = rng.normal(0, 1e6, (2, pixels)), np.ones((2, pixels))
    assert scatter.too_large(LOGLAM[:pixels], flux, ivar).tolist() == [False, False]
    assert scatter.too_small(flux, 1e-18 * ivar).tolist() == [False, False]


def test_the_limits_are_where_they_are_said_to_be(rng):
    flux = rng.normal(0, 1, (1, 40_000))
    loglam = 3.6 + 1e-5 * np.arange(40_000)
    for fraction, expected in ((0.7, False), (1.3, True)):
        larger = np.full_like(flux, (fraction * scatter.TOO_LARGE) ** 2)
        assert scatter.too_large(loglam, flux, larger).tolist() == [expected]
        smaller = np.full_like(flux, (fraction / scatter.TOO_SMALL) ** -2)
        assert scatter.too_small(flux, smaller).tolist() == [expected]


def test_a_file_with_sigma_in_its_column_ivar_is_a_flagged_row(tmp_path, rng):
    for name, sigma in (("faint", 0.05), ("bright", 20.0)):
        flux, ivar = star(rng, sigma)
        good = write_spec(tmp_path / f"{name}.fits", flux=flux, ivar=ivar)
        bad = write_spec(tmp_path / f"{name}-sigma.fits", flux=flux, ivar=ivar**-0.5)
        reading = read_pieces([Piece(str(good)), Piece(str(bad))], [GRID])
        bits = clean(*reading.pixels[GRID], GRID, reading.flags)[2]
        assert [MISMATCH in Flag(int(flag)) for flag in bits] == [
            False,
            True,
        ] and not reading.errors


def spectra_of(shared: Path):
    """Every labeled spectrum, of every survey."""
    with (shared / "index.csv").open() as file:
        names = [row["file"] for row in csv.DictReader(file)]
    for name in names:
        yield from read(shared / name)
    yield from read(shared / "quasarnp" / "test_coadd.fits.gz")


@pytest.mark.slow
def test_no_real_spectrum_is_reported_and_most_sigmas_are(shared):
    """431 spectra in units of 1e-17, 1e-16, ... erg/s/cm^2/Angstrom, as papers use them."""
    reported, expected = [], []
    for spectrum in spectra_of(shared):
        counts = spectrum.ivar > 0
        if not counts.any():
            continue
        assert MISMATCH not in flags_of(spectrum.flux, spectrum.ivar, spectrum.loglam), spectrum
        for unit in (0.01, 0.1, 1, 10, 100):
            sigma = np.where(counts, unit * np.where(counts, spectrum.ivar, 1.0) ** -0.5, 0)
            reported.append(MISMATCH in flags_of(unit * spectrum.flux, sigma, spectrum.loglam))
            expected.append(abs(3 * np.log10(np.median(sigma[counts]))))
    reported, expected = np.array(reported), np.array(expected)
    assert len(reported) > 1500
    assert reported[expected > 3].mean() > 0.99  # three orders of magnitude between sigma and ivar
    assert reported[(expected > 2) & (expected < 3)].mean() > 0.8


def test_infinite_wavelengths_beside_each_other_are_no_neighbors(rng):
    """Nothing is printed on standard error either: NumPy's warnings are errors here."""
    flux, ivar = star(rng, 1.0)
    loglam = LOGLAM.copy()
    loglam[100:104] = np.inf
    assert not flags_of(flux, ivar, loglam) & MISMATCH
