"""Thousands of damaged files: each gives a sentence or a valid row, and no wrong number.

FUZZ_CASES=20000 pytest tests/test_reader_fuzz.py runs so many new cases of each kind.
"""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from fuzzed_files import MANY, OTHERS, SPECTRA, make_coadd, numbers_of, outcome
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.readers import read
from spectranet_jax.spectra.flags import Flag

pytestmark = [pytest.mark.long, pytest.mark.fuzz]  # by their number


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


@pytest.mark.parametrize("make", [*SPECTRA, *OTHERS])
@pytest.mark.parametrize("packed", [False, True])
@MANY
@given(data=st.data())
def test_a_cut_file_is_reported(make, packed, whole, tmp_path_factory, data):
    content = gzip.compress(whole[make], 1, mtime=0) if packed else whole[make]
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    length = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:length])
    numbers = outcome(make, path)
    if packed:
        assert numbers is None  # the checksum of gzip is at its end
    elif numbers is not None:  # what was cut off is not needed
        (tmp_path_factory.getbasetemp() / "sound.fits").write_bytes(whole[make])
        sound = numbers_of(make, tmp_path_factory.getbasetemp() / "sound.fits")
        for changed, whole_numbers in zip(numbers, sound, strict=True):
            np.testing.assert_array_equal(changed, whole_numbers)


FLIPS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=6
)


@pytest.mark.parametrize("make", [*SPECTRA, *OTHERS])
@MANY
@given(flips=FLIPS)
def test_flipped_bits_anywhere_are_reported_or_give_valid_rows(
    make, whole, tmp_path_factory, flips
):
    content = bytearray(whole[make])
    for place, bit in flips:
        content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    path.write_bytes(content)
    outcome(make, path)


@pytest.mark.parametrize("make", [*SPECTRA, *OTHERS])
@MANY
@given(data=st.data())
def test_a_header_with_other_text_is_reported_or_gives_valid_rows(
    make, whole, tmp_path_factory, data
):
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
@MANY
@given(flips=FLIPS)
def test_no_flipped_bit_of_a_packed_file_changes_a_number(make, whole, tmp_path_factory, flips):
    content = bytearray(gzip.compress(whole[make], 1, mtime=0))
    for place, bit in flips:
        content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "fuzz.fits.gz"
    path.write_bytes(content)
    numbers = outcome(make, path)
    if numbers is not None:
        path.write_bytes(whole[make])
        for changed, whole_numbers in zip(numbers, numbers_of(make, path), strict=True):
            np.testing.assert_array_equal(changed, whole_numbers)


@MANY
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
    places = [(place["datLoc"], place["datSpan"]) for place in info]
    for place, bit in flips:
        start, span = places[int(place * len(places))]
        content[start + int(place * 1e6) % span] ^= 1 << bit
    path.write_bytes(content)
    if content == whole[make_coadd]:
        return
    numbers = outcome(make_coadd, path)
    if numbers is not None and not all(map(np.array_equal, numbers, sound)):
        assert all(s.flags & Flag.CHECKSUM for s in read(path))
