"""Wavelengths in another unit than Angstrom are recognized; partial ones are not refused."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from make_fits import write_coadd, write_spec
from naming import naming

from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.readers import read, rebin_all
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, LogGrid, rebin
from spectranet_jax.spectra.flags import Flag

ANGSTROM = np.linspace(3600.0, 10000.0, 4000)
WRONG = {
    "nm": (np.log10(ANGSTROM / 10), (360, 1000), ("nm", "multiply them by 10")),
    "micron": (np.log10(ANGSTROM / 1e4), (0.36, 1), ("micron", "multiply them by 10,000")),
    "meters": (np.log10(ANGSTROM / 1e10), (-6.4437, -6), ("meters", "multiply them by 1e10")),
    "natural log": (np.log(ANGSTROM), (8.1887, 9.2103), ("natural logarithms", "divide", "ln(10)")),
    "Angstrom": (ANGSTROM, (3600, 10000), ("Angstrom, not their log10", "give log10")),
    "linear nm": (ANGSTROM / 10, (360, 1000), ("nm, not log10", "log10 of 10 times")),
    "linear micron": (ANGSTROM / 1e4, (0.36, 1), ("micron, not log10", "log10 of 10,000 times")),
    "twice log10": (
        np.log10(np.log10(ANGSTROM)),
        (3.556, 4),
        ("log10 of Angstrom", "give Angstrom"),
    ),
    "log10 of ln": (
        np.log10(np.log(ANGSTROM)),
        (8.189, 9.21),
        ("natural logarithms", "give Angstrom"),
    ),
}
"""Unit -> wavelengths taken for log10 of Angstrom, the range to be named, and the remedy."""


@pytest.mark.parametrize("unit", WRONG)
def test_another_unit_is_refused_with_its_range_and_remedy(unit):
    loglam, ends, remedy = WRONG[unit]
    with pytest.raises(InputError, match=naming(*ends, *remedy)):
        rebin(loglam, np.ones(4000), np.ones(4000), grid=GRID)
    with pytest.raises(InputError, match=naming(*remedy)):  # also from red to blue, with gaps
        rebin(np.r_[np.nan, loglam[::-1]], np.ones(4001), np.ones(4001), grid=GRID)


SETUPS = {  # Angstrom; the data sheets of the surveys
    "SDSS": (3800, 9220), "BOSS": (3560, 10400), "DESI": (3600, 9824), "LAMOST": (3700, 9100),
    "2dF": (3700, 8800), "X-shooter": (3000, 24800), "X-shooter VIS": (5500, 10200),
    "MUSE": (4750, 9350), "STIS": (1150, 10300), "RAVE": (8410, 8795), "blue arm": (3000, 3550),
    "red arm": (9990, 10600),
}  # fmt: skip


@pytest.mark.parametrize("setup", SETUPS)
def test_real_coverage_is_taken_and_the_same_in_nm_and_micron_refused(setup):
    loglam = np.log10(np.linspace(*SETUPS[setup], 3000))
    rebin(loglam, np.ones(3000), np.ones(3000), grid=GRID)
    for wrong in (loglam - 1, loglam - 4, loglam * np.log(10), 10**loglam, 10**loglam / 10):
        with pytest.raises(InputError, match=naming("loglam", "2,880", "12,480")):
            rebin(wrong, np.ones(3000), np.ones(3000), grid=GRID)


@given(start=st.floats(3.556, 3.999), width=st.floats(0, 0.4))
def test_no_part_of_the_grid_is_refused(start, width):
    rebin(np.linspace(start, start + width, 9), np.ones(9), np.ones(9), grid=GRID)


@pytest.mark.parametrize(
    ("loglam", "remedy"),
    [
        (np.log10(np.linspace(300, 5000, 4000)), ("nm", "multiply them by 10")),
        (np.r_[3.6, np.log(ANGSTROM)], ("natural logarithms", "divide")),
    ],
)
def test_some_pixels_near_the_grid_do_not_make_another_unit_angstrom(loglam, remedy):
    with pytest.raises(InputError, match=naming(*remedy)):
        rebin(loglam, np.ones(loglam.size), np.ones(loglam.size), grid=GRID)


def test_wavelengths_of_no_optical_spectrum_are_refused_whatever_their_unit():
    with pytest.raises(InputError, match=naming("1.5e+04", "2.4e+04", "give an optical")):
        rebin(np.log10(np.linspace(15000, 24000, 50)), np.ones(50), np.ones(50), grid=GRID)


def test_near_is_near_the_grid_that_is_asked_for():
    loglam, ones = np.log10(np.linspace(1150, 1700, 50)), np.ones(50)
    assert rebin(loglam, ones, ones, LogGrid(1100.0, 1e-3, 200))[1].sum() == 50
    with pytest.raises(InputError, match=naming("2,880", "12,480")):
        rebin(loglam, ones, ones, grid=GRID)


def test_no_wavelength_at_all_is_an_empty_spectrum():
    assert not rebin(np.full(9, np.nan), np.ones(9), np.ones(9), grid=GRID)[1].any()


def write_in(path, unit, rng):
    """A DESI coadd with its wavelengths in another unit."""
    write_coadd(path, [7, 8], rng)
    with fits.open(path, mode="update") as hdus:
        for arm in "BRZ":
            hdus[f"{arm}_WAVELENGTH"].data[:] = unit(hdus[f"{arm}_WAVELENGTH"].data)
    return path


@pytest.mark.parametrize(
    ("unit", "remedy"),
    [
        (lambda x: x / 10, ("nm", "multiply")),
        (lambda x: x / 1e4, ("micron", "multiply")),
        (np.log10, ("log10 of Angstrom", "give Angstrom")),
        (np.log, ("natural logarithms", "give Angstrom")),
    ],
)
def test_a_file_in_another_unit_is_named_and_stays_a_row(tmp_path, rng, unit, remedy):
    path = write_in(tmp_path / "coadd.fits", unit, rng)
    with pytest.raises(InputError, match=naming(path, "loglam", *remedy)) as caught:
        rebin_all(read(path), grid=GRID)
    reading = read_pieces([Piece(str(path))], [GRID])
    assert reading.flags.tolist() == [Flag.UNREADABLE] and reading.errors == [str(caught.value)]


def test_a_spec_file_with_natural_logarithms_is_named(tmp_path):
    path = write_spec(tmp_path / "spec.fits")
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["loglam"] *= np.log(10)
    with pytest.raises(InputError, match=naming(path, "loglam", "divide", "ln(10)")):
        rebin_all(read(path), grid=GRID)
