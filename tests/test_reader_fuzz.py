"""Thousands of damaged files: a sentence or a valid row each time, and no number that is wrong.

FUZZ_CASES=20000 pytest tests/test_reader_fuzz.py runs so many new cases of each kind.
"""

import gzip
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_fits import (
    superset,
    table,
    write_catalog,
    write_coadd,
    write_quasarnet,
    write_spec,
    write_spplate,
    write_spspec,
)

from data_prep import truth as truths
from spectranet_jax.readers import quasarnet_file as quasarnet
from spectranet_jax.readers import read, rebin_all
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag

CASES = int(os.environ.get("FUZZ_CASES", "120"))
PIXELS = 60
pytestmark = pytest.mark.long  # by their number

KEYS = [(7000, 56000, fiber) for fiber in range(1, 6)]

several = settings(
    max_examples=CASES,
    derandomize="FUZZ_CASES" not in os.environ,
    deadline=timedelta(seconds=20),
    database=None,
    suppress_health_check=list(HealthCheck),
)


def make_spec(path, rng):
    write_spec(path, flux=rng.normal(3, 1, PIXELS), pixels=PIXELS, thing_id=9, upper=True)


def make_plate(path, rng):
    flux, ivar = rng.normal(3, 1, (3, PIXELS)), rng.uniform(1, 2, (3, PIXELS))
    write_spplate(path, flux=flux, ivar=ivar)


def make_spspec(path, rng):
    flux, error = rng.normal(3, 1, PIXELS), rng.uniform(1, 2, PIXELS)
    write_spspec(path, flux=flux, error=error, mask=np.zeros(PIXELS))


def make_coadd(path, rng):
    write_coadd(path, [11, 12], rng, step=80, checksum=True)


def make_quasarnet(path, rng):
    write_quasarnet(path, rng.uniform(1, 2, (5, 886)), np.arange(5), KEYS)


def make_superset(path, _rng):
    write_catalog(path, KEYS, superset([1, 4, 3, 30, 0]))


def make_redrock(path, _rng):
    columns = {
        "TARGETID": np.int64([1, 2]),
        "Z": np.float64([0, 1]),
        "ZWARN": np.int64([0, 4]),
        "SPECTYPE": ["STAR", "QSO"],
    }
    fits.HDUList([fits.PrimaryHDU(), table(columns, "REDSHIFTS")]).writeto(path)


SPECTRA = [make_spec, make_plate, make_spspec, make_coadd]
OTHERS = [make_quasarnet, make_superset, make_redrock]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """maker -> the bytes of a sound file."""
    folder = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(6)
    made = {}
    for make in [*SPECTRA, *OTHERS]:
        make(folder / make.__name__, rng)
        made[make] = (folder / make.__name__).read_bytes()
    return made


def numbers_of(make, path: Path):
    """All numbers that a file gives, after the checks that hold for every file."""
    if make in SPECTRA:
        spectra = read(path)
        assert spectra
        flux, ivar = rebin_all(spectra, grid=GRID)
        assert np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()
        assert not flux[ivar == 0].any()
        assert all(s.loglam.dtype == np.float64 for s in spectra)
        return flux, ivar
    if make is make_quasarnet:
        index = quasarnet.read_index(path)
        parts = [(flux, ivar) for _, flux, ivar in quasarnet.read_slices(path, 3)]
        flux, ivar = (np.concatenate(part) for part in zip(*parts, strict=True))
        assert len(index) == len(flux)
        assert np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()
        return flux, ivar
    truth = truths.read(path)
    assert ((truth.label >= -1) & (truth.label < 4)).all()
    assert ((truth.z_conf >= 0) & (truth.z_conf <= 3)).all()
    assert not (truth.z_conf[np.isnan(truth.z)]).any() and not np.isinf(truth.z).any()
    return truth.label, truth.z


def outcome(make, path: Path):
    """The numbers, or None where a sentence told what is wrong: nothing else may be raised."""
    try:
        return numbers_of(make, path)
    except InputError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
        return None


@pytest.mark.parametrize("make", [*SPECTRA, *OTHERS])
@pytest.mark.parametrize("packed", [False, True])
@several
@given(data=st.data())
def test_a_cut_file_is_told(make, packed, whole, tmp_path_factory, data):
    content = gzip.compress(whole[make], 1, mtime=0) if packed else whole[make]
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    length = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:length])
    found = outcome(make, path)
    if packed:
        assert found is None  # the checksum of gzip is at its end
    elif found is not None:  # what was cut off is not needed
        (tmp_path_factory.getbasetemp() / "sound.fits").write_bytes(whole[make])
        sound = numbers_of(make, tmp_path_factory.getbasetemp() / "sound.fits")
        for one, other in zip(found, sound, strict=True):
            np.testing.assert_array_equal(one, other)


FLIPS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=6
)


@pytest.mark.parametrize("make", [*SPECTRA, *OTHERS])
@several
@given(flips=FLIPS)
def test_flipped_bits_anywhere_are_told_or_give_valid_rows(make, whole, tmp_path_factory, flips):
    content = bytearray(whole[make])
    for place, bit in flips:
        content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    path.write_bytes(content)
    outcome(make, path)


@pytest.mark.parametrize("make", [*SPECTRA, *OTHERS])
@several
@given(data=st.data())
def test_a_header_with_other_text_is_told_or_gives_valid_rows(make, whole, tmp_path_factory, data):
    """Keywords, values and columns renamed: printable text over any part of a card."""
    content = bytearray(whole[make])
    cards = [i for i in range(0, len(content), 80) if content[i + 8 : i + 10] == b"= "]
    card = data.draw(st.sampled_from(cards))
    start = data.draw(st.sampled_from([0, 4, 9, 10, 11, 20, 28]))
    text = data.draw(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
    )
    content[card + start : card + start + len(text)] = text.encode()
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    path.write_bytes(content)
    outcome(make, path)


@pytest.mark.parametrize("make", SPECTRA)
@several
@given(flips=FLIPS)
def test_no_flipped_bit_of_a_packed_file_changes_a_number(make, whole, tmp_path_factory, flips):
    content = bytearray(gzip.compress(whole[make], 1, mtime=0))
    for place, bit in flips:
        content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "fuzz.fits.gz"
    path.write_bytes(content)
    found = outcome(make, path)
    if found is not None:
        path.write_bytes(whole[make])
        for one, other in zip(found, numbers_of(make, path), strict=True):
            np.testing.assert_array_equal(one, other)


@several
@given(flips=FLIPS)
def test_no_flipped_bit_of_data_with_a_checksum_changes_a_number_without_a_flag(
    whole, tmp_path_factory, flips
):
    content = bytearray(whole[make_coadd])
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    path.write_bytes(content)
    sound = numbers_of(make_coadd, path)
    with fits.open(path) as hdus:
        info = [hdu.fileinfo() for hdu in hdus[1:]]
    places = [(part["datLoc"], part["datSpan"]) for part in info]
    for place, bit in flips:
        start, span = places[int(place * len(places))]
        content[start + int(place * 1e6) % span] ^= 1 << bit
    path.write_bytes(content)
    if content == whole[make_coadd]:
        return
    found = outcome(make_coadd, path)
    if found is not None and not all(map(np.array_equal, found, sound)):
        assert all(s.flags & Flag.CHECKSUM for s in read(path))


VALUES = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e38, -1e38, 1e-38, 3e300, 1.0])
DTYPES = st.sampled_from(["E", "D", "I", "J", "K", "A", "C", "L", "B", "2E", "PE()"])


@several
@given(
    pixels=st.lists(st.tuples(st.integers(0, PIXELS - 1), VALUES), max_size=12),
    column=st.sampled_from(["flux", "ivar", "loglam"]),
    zero=st.booleans(),
    order=st.permutations(range(PIXELS)),
)
def test_bad_pixels_do_not_count_and_order_does_not_matter(
    tmp_path_factory, pixels, column, zero, order
):
    """NaN, infinities, negative and zero ivar, unsorted wavelengths, against plain arithmetic."""
    rng = np.random.default_rng(8)
    columns = {
        "flux": rng.normal(3, 1, PIXELS),
        "ivar": np.zeros(PIXELS) if zero else rng.uniform(1, 2, PIXELS),
        "loglam": 3.6005 + 1e-4 * np.arange(PIXELS),
    }
    for pixel, value in pixels:
        columns[column][pixel] = value
    with np.errstate(over="ignore"):
        columns = {k: np.float32(v)[list(order)] for k, v in columns.items()}
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    hdus = [fits.PrimaryHDU(), table({k.upper(): v for k, v in columns.items()}, "COADD")]
    fits.HDUList(hdus).writeto(path, overwrite=True)
    flux, ivar = numbers_of(make_spec, path)

    f, w, x = (columns[k].astype(np.float64) for k in ("flux", "ivar", "loglam"))
    good = np.isfinite(f) & np.isfinite(w) & np.isfinite(x) & (w > 0)
    place = np.full(PIXELS, -1)
    place[good] = np.floor((np.clip(x[good], -99, 99) - np.log10(3600)) / 1e-3).astype(int)
    weight = np.bincount(place[good & (place >= 0) & (place < 443)], minlength=443)
    assert (ivar[0] > 0).sum() <= (weight > 0).sum()
    for number in np.flatnonzero(weight):
        these = good & (place == number)
        total = w[these].sum()
        if ivar[0, number] > 0:
            assert ivar[0, number] == pytest.approx(total, rel=1e-5, abs=1e-44)
            size = np.abs(f[these] * w[these]).sum() / total
            mean = (f[these] * w[these]).sum() / total
            assert flux[0, number] == pytest.approx(mean, rel=1e-4, abs=1e-5 * size + 1e-37)
        else:  # beyond what float32 holds, or as good as 0
            assert total > 3e38 or total < 1e-37 or np.abs(f[these] * w[these]).sum() > 3e38


@several
@given(which=st.sampled_from(["FLUX", "IVAR", "LOGLAM", "AND_MASK"]), code=DTYPES)
def test_columns_of_another_type_are_told_or_converted(tmp_path_factory, which, code):
    values = 2.0 + np.arange(PIXELS) % 5
    codes = dict.fromkeys(["FLUX", "IVAR", "LOGLAM"], "E") | {"AND_MASK": "J"}
    arrays = {"FLUX": values, "IVAR": values + 1, "AND_MASK": np.zeros(PIXELS)}
    arrays["LOGLAM"] = 3.6005 + 1e-4 * np.arange(PIXELS)
    codes[which] = code
    made = []
    for name, array in arrays.items():
        if codes[name] == "A":
            array = np.array([f"{v:.0f}" for v in array])
        elif codes[name] == "2E":
            array = np.stack([array, array], axis=-1)
        elif codes[name] == "PE()":
            array = np.array([np.full(2, v, np.float32) for v in array], object)
        elif codes[name] == "L":
            array = array > 0
        elif codes[name] == "C":
            array = array.astype(np.complex64)
        made.append(fits.Column(name, codes[name], array=array))
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(made, name="COADD")]
    fits.HDUList(hdus).writeto(path, overwrite=True)
    found = outcome(make_spec, path)
    if code in ("A", "C", "L", "2E", "PE()"):
        assert found is None
    elif which in ("FLUX", "IVAR"):
        weight = np.add.reduceat(values + 1, np.arange(0, PIXELS, 10))
        assert found is not None
        np.testing.assert_allclose(np.sort(found[1][found[1] > 0])[-1], weight.max(), rtol=0.3)


@several
@given(
    drop=st.sets(st.sampled_from(["B", "R", "Z"])),
    what=st.sampled_from(["FLUX", "IVAR", "WAVELENGTH", "MASK"]),
)
def test_a_coadd_that_lacks_arrays_is_told_or_lacks_the_arm(whole, tmp_path_factory, drop, what):
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    path.write_bytes(whole[make_coadd])
    sound = numbers_of(make_coadd, path)
    with fits.open(path) as hdus:
        kept = [h.copy() for h in hdus if h.name not in {f"{arm}_{what}" for arm in drop}]
    fits.HDUList(kept).writeto(path, overwrite=True)
    found = outcome(make_coadd, path)
    if not drop or what == "MASK":
        assert found is not None and all(map(np.array_equal, found, sound))
    elif what in ("IVAR", "WAVELENGTH") or len(drop) == 3:
        assert found is None
    else:
        assert found is not None and (found[1] <= sound[1] + 1e-3).all()
