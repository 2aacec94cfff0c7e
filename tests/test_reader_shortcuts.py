"""Shortcuts of readers give the same as the long way: astropy's, or one at a time."""

import io
import re
from unittest.mock import patch

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from spectranet_jax.readers import hdu as reading
from spectranet_jax.readers import rebin_all, rebinned
from spectranet_jax.readers.first_row import values_after
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.readers.hdu import in_rows
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import rebin
from spectranet_jax.spectra.spectrum import Spectrum

pytestmark = pytest.mark.slow

WANTED = ("PLATE", "MJD", "FIBERID", "THING_ID")
LIMITS = {"I": 1 << 15, "J": 1 << 31, "K": 1 << 63}


@st.composite
def columns(draw):
    """A column of the catalog values: plain, scaled, or many per row; other kinds in between."""
    name = draw(st.sampled_from([*WANTED, "thing_id", "A", "B", "C", "D"]))
    kind = draw(st.sampled_from("IJKIJKIJKBLXEDAPCM"))
    if kind in LIMITS:
        value = draw(st.integers(-LIMITS[kind], LIMITS[kind] - 1))
        count = draw(st.sampled_from(["", "1", "", "3"]))
        how = draw(st.sampled_from(["", "", "zero", "scale", "null", "neither"]))
        attributes = {
            "zero": {"ZERO": LIMITS[kind]},
            "scale": {"SCAL": 2.0},
            "null": {"NULL": value},
            "neither": {"ZERO": 0.0, "SCAL": 1},  # as some writers say of every column
        }.get(how, {})
        return name, f"{count}{kind}", value, attributes
    if kind == "A":
        return name, "7A", draw(st.text("ab 1", max_size=7)), {}
    if kind in "ED":
        width = 32 if kind == "E" else 64
        return name, kind, draw(st.floats(allow_nan=False, width=width)), {}
    form = {"X": "11X", "P": "PJ()", "L": "L"}.get(kind, kind)
    return name, form, None, {}


def made(specified) -> bytes:
    """A file of one image and, after it, the table; its values are written as they are stored."""
    table = []
    for name, form, value, _ in specified:
        shape = (1, 3) if form.startswith("3") else 1
        array = None if value is None else np.full(shape, value)
        if form == "PJ()":  # of which astropy 7 makes no empty column
            array = np.empty(1, object)
            array[0] = np.int32([1, 2])
        table.append(fits.Column(name, form, array=array))
    hdu = fits.BinTableHDU.from_columns(table, nrows=1)
    for number, (_, _, _, attributes) in enumerate(specified, start=1):
        hdu.header.update({f"X{word}{number}": value for word, value in attributes.items()})
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros(7)), hdu]).writeto(content)
    # Under another name till here, since astropy would scale the values.
    return re.sub(rb"X(ZERO|SCAL|NULL)(\d+) *=", _as_keyword, content.getvalue())


def _as_keyword(match: re.Match[bytes]) -> bytes:
    return b"T" + match[0][1:]


@settings(max_examples=150, deadline=None)
@given(st.lists(columns(), min_size=1, max_size=12, unique_by=lambda column: column[0].upper()))
def test_values_of_a_table_are_those_that_astropy_reads(tmp_path_factory, specified):
    content = made(specified)
    path = tmp_path_factory.getbasetemp() / "integers.fits"
    path.write_bytes(content)
    with open_fits(path) as hdus:
        values = values_after(hdus[1], WANTED)
    plain = {
        name.upper(): attributes
        for name, form, value, attributes in specified
        if value is not None
        and not form.startswith("3")
        and (attributes in ({}, {"ZERO": 0.0, "SCAL": 1}) or "NULL" in attributes)
    }
    wanted = {name.upper() for name, *_ in specified} & set(WANTED)
    if not wanted or not wanted <= plain.keys():
        assert values is None  # astropy is to read it
        return
    with fits.open(io.BytesIO(content)) as hdus:
        row = hdus[2].data[0]
        for name, value in values.items():
            assert value == (row[name].strip() if isinstance(value, str) else row[name])
    assert values.keys() == {name for name in wanted if "NULL" not in plain[name]}


DTYPES = ["u1", "i2", "i4", "i8", "u2", "u4", "f4", "f8"]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 50),
    dtypes=st.lists(st.sampled_from(DTYPES), min_size=1, max_size=3),
    scaled=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_images_in_rows_are_those_that_astropy_reads(tmp_path_factory, rows, dtypes, scaled, seed):
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.getbasetemp() / "images.fits"
    images = [fits.ImageHDU(rng.integers(0, 100, (rows, 9)).astype(dtype)) for dtype in dtypes]
    if scaled:
        stored = fits.ImageHDU(rng.integers(-99, 99, (rows, 9)).astype("i2"))
        stored.header["BSCALE"], stored.header["BZERO"] = 0.25, 3.0
        images.append(stored)
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path, overwrite=True, checksum=True)
    with fits.open(path) as hdus:
        expected = [np.array(hdu.data) for hdu in hdus[1:]]
    with open_fits(path) as hdus:
        parts = list(in_rows(list(hdus)[1:]))
        assert all(array.dtype.isnative for part in parts for array in part)
        for whole, *pieces in zip(expected, *parts, strict=True):
            np.testing.assert_array_equal(np.concatenate(pieces), whole)


def spectra(draw_seed: int, kinds: list[int]) -> list[Spectrum]:
    """Spectra of some wavelength grids, in the order given: two of them equal, in two arrays."""
    rng = np.random.default_rng(draw_seed)
    grids = [
        np.log10(np.linspace(3600, 10000, 700)),
        np.log10(np.linspace(9900, 3700, 700)),  # as long, and from red to blue
        np.log10(np.r_[np.linspace(3600, 6000, 300), np.linspace(5800, 9800, 500)]),
    ]
    grids.append(grids[0].copy())  # equal, and another array
    made = []
    for place, kind in enumerate(kinds):
        loglam = grids[kind]
        flux, ivar = rng.normal(3, 1, loglam.size), rng.uniform(0.5, 2, loglam.size)
        ivar[rng.random(loglam.size) < 0.1 * (place % 3)] = 0
        flux[rng.random(loglam.size) < 0.05 * (place % 2)] = np.nan
        numbers = np.float32(flux), np.float32(ivar)
        made.append(Spectrum(str(place), loglam, *numbers, "x"))
    return made


@settings(max_examples=50, deadline=None)
@given(kinds=st.lists(st.integers(0, 3), min_size=1, max_size=40), seed=st.integers(0, 2**32 - 1))
def test_spectra_rebinned_together_are_those_rebinned_alone(kinds, seed):
    """Places of bins are kept from one spectrum to the next where the wavelengths are the same."""
    drawn = spectra(seed, kinds)
    flux, ivar = rebin_all(drawn, grid=GRID)
    for row, spectrum in enumerate(drawn):
        expected = rebin(spectrum.loglam, spectrum.flux, spectrum.ivar, grid=GRID)
        np.testing.assert_array_equal(flux[row], expected[0].astype(np.float32))
        np.testing.assert_array_equal(ivar[row], expected[1].astype(np.float32))
    groups = list(rebinned(drawn, [GRID]))
    assert [member for group, *_ in groups for member in group] == drawn
    alone = [bits[0] for member in drawn for _, bits, _ in rebinned([member], [GRID])]
    assert np.concatenate([bits for _, bits, _ in groups]).tolist() == alone


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.sampled_from([-1, 0, 1, 2**31 - 1, -(2**31)]), min_size=1, max_size=3000),
    at_once=st.sampled_from([4, 64, 2880, 1 << 18]),
    changed=st.integers(0, 2**32),
)
def test_the_checksum_taken_in_pieces_is_astropys(tmp_path_factory, numbers, at_once, changed):
    path = tmp_path_factory.getbasetemp() / "summed.fits"
    image = fits.ImageHDU(np.int32([numbers]))
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path, overwrite=True, checksum=True)
    with patch.object(reading, "SUMMED_AT_ONCE", at_once):
        with open_fits(path) as hdus:
            np.testing.assert_array_equal(hdus[1].numbers(np.int64), [numbers])
            assert hdus[1].sums
            place = hdus[1].place[1] + changed % (4 * len(numbers))
        content = bytearray(path.read_bytes())
        content[place] ^= 1 << changed % 8
        path.write_bytes(content)
        with open_fits(path) as hdus:
            assert not hdus[1].sums
