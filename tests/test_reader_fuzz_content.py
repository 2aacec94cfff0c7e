"""Sound files with contents that no survey would write: odd pixels, types and missing arrays.

FUZZ_CASES=20000 pytest tests/test_reader_fuzz_content.py runs so many new cases of each kind.
"""

import numpy as np
import pytest
from astropy.io import fits
from fuzzed_files import MANY, PIXELS, make_coadd, make_spec, numbers_of, outcome
from hypothesis import given
from hypothesis import strategies as st
from make_fits import table

pytestmark = [pytest.mark.long, pytest.mark.fuzz]  # by their number

VALUES = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e38, -1e38, 1e-38, 3e300, 1.0])
DTYPES = st.sampled_from(["E", "D", "I", "J", "K", "A", "C", "L", "B", "2E", "PE()"])


@MANY
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
        chosen = good & (place == number)
        total = w[chosen].sum()
        if ivar[0, number] > 0:
            assert ivar[0, number] == pytest.approx(total, rel=1e-5, abs=1e-44)
            size = np.abs(f[chosen] * w[chosen]).sum() / total
            mean = (f[chosen] * w[chosen]).sum() / total
            assert flux[0, number] == pytest.approx(mean, rel=1e-4, abs=1e-5 * size + 1e-37)
        else:  # beyond what float32 holds, or as good as 0
            assert total > 3e38 or total < 1e-37 or np.abs(f[chosen] * w[chosen]).sum() > 3e38


@MANY
@given(which=st.sampled_from(["FLUX", "IVAR", "LOGLAM", "AND_MASK"]), code=DTYPES)
def test_columns_of_another_type_are_reported_or_converted(tmp_path_factory, which, code):
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
    numbers = outcome(make_spec, path)
    if code in ("A", "C", "L", "2E", "PE()"):
        assert numbers is None
    elif which in ("FLUX", "IVAR"):
        weight = np.add.reduceat(values + 1, np.arange(0, PIXELS, 10))
        assert numbers is not None
        np.testing.assert_allclose(np.sort(numbers[1][numbers[1] > 0])[-1], weight.max(), rtol=0.3)


@MANY
@given(
    drop=st.sets(st.sampled_from(["B", "R", "Z"])),
    what=st.sampled_from(["FLUX", "IVAR", "WAVELENGTH", "MASK"]),
)
def test_a_coadd_that_lacks_arrays_is_reported_or_lacks_the_arm(tmp_path_factory, drop, what):
    path = tmp_path_factory.getbasetemp() / "fuzz.fits"
    path.unlink(missing_ok=True)
    make_coadd(path, np.random.default_rng(6))
    sound = numbers_of(make_coadd, path)
    with fits.open(path) as hdus:
        kept = [h.copy() for h in hdus if h.name not in {f"{arm}_{what}" for arm in drop}]
    fits.HDUList(kept).writeto(path, overwrite=True)
    numbers = outcome(make_coadd, path)
    if not drop or what == "MASK":
        assert numbers is not None and all(map(np.array_equal, numbers, sound))
    elif what in ("IVAR", "WAVELENGTH") or len(drop) == 3:
        assert numbers is None
    else:
        assert numbers is not None and (numbers[1] <= sound[1] + 1e-3).all()
