import numpy as np
import pytest

from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.flags import LOW_SN_LIMIT, Flag, median_sn, pixel_flags, quality_flags


def clean(n=1):
    """Return spectra of S/N 10 per bin that vary a little."""
    flux = 10 + np.sin(np.arange(443) / 9) * np.ones((n, 1))
    return flux, np.ones((n, 443))


def test_bits_are_distinct_and_stay_what_catalogs_say():
    assert [int(f) for f in Flag] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert Flag.UNREADABLE == 1 and Flag.LOW_SN == 16


def test_a_clean_spectrum_has_no_flag():
    flags = quality_flags(*clean(3), grid=GRID)
    assert flags.tolist() == [0, 0, 0] and flags.dtype == np.int32


EVERYWHERE = slice(None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([("ivar", EVERYWHERE, 0)], Flag.NO_DATA | Flag.PARTIAL | Flag.LOW_SN),
        ([("flux", EVERYWHERE, 7)], Flag.NO_DATA),
        ([("flux", slice(0, 400), 7), ("ivar", slice(400, 443), 0)], Flag.NO_DATA),
        ([("ivar", slice(0, 44), 0)], 0),  # 44 of 443 is not more than a tenth
        ([("ivar", slice(0, 45), 0)], Flag.PARTIAL),
        ([("ivar", slice(0, 110), 0)], Flag.PARTIAL),
        ([("ivar", slice(0, 111), 0)], Flag.PARTIAL | Flag.LITTLE_COVERAGE),
        ([("flux", 5, np.nan)], Flag.BAD_PIXELS),
        ([("flux", 5, -np.inf)], Flag.BAD_PIXELS),
        ([("ivar", 5, np.nan)], Flag.BAD_PIXELS),
        ([("ivar", 5, np.inf)], Flag.BAD_PIXELS),
        ([("ivar", 5, -1)], Flag.BAD_PIXELS),
        ([("ivar", EVERYWHERE, 0.03)], Flag.LOW_SN),
    ],
)
def test_flags_of_what_is_wrong(changes, expected):
    flux, ivar = clean(2)
    for what, pixels, value in changes:
        {"flux": flux, "ivar": ivar}[what][1, pixels] = value
    assert quality_flags(flux, ivar, grid=GRID).tolist() == [0, expected]


def test_median_sn_by_hand():
    flux = np.array([[1, 2, 3, 100.0], [5, 5, 5, 5], [-4, 0, 1, 2]])
    ivar = np.array([[4, 4, 4, 0.0], [0, 0, 0, 0], [1, 1, 1, 1]])
    sn = median_sn(flux, ivar, grid=GRID)
    assert sn.tolist() == [4, 0, 0.5] and sn.dtype == np.float32
    assert median_sn(flux[0], ivar[0], grid=GRID) == 4


def test_low_sn_begins_below_the_limit():
    flux, ivar = clean()
    for factor, expected in ((1.01, 0), (0.99, Flag.LOW_SN)):
        scaled = ivar * (factor * LOW_SN_LIMIT / median_sn(flux, ivar, grid=GRID)) ** 2
        assert quality_flags(flux, scaled, grid=GRID).tolist() == [expected]


def test_sn_of_exactly_the_limit_is_not_low():
    flux = np.concatenate([np.full(221, 1.0), [LOW_SN_LIMIT], np.full(221, 3.0)])[None]
    assert median_sn(flux, np.ones_like(flux), grid=GRID) == LOW_SN_LIMIT
    assert quality_flags(flux, np.ones_like(flux), grid=GRID).tolist() == [0]


def test_a_masked_pixel_is_no_bad_pixel():
    assert pixel_flags(np.ones(3), np.array([1.0, 0.0, 2.0])) == 0
    assert pixel_flags(np.ones(3), np.array([1.0, -1e-9, 2.0])) == Flag.BAD_PIXELS
