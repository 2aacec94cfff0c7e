import ast

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from naming import naming

from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, LogGrid, rebin

SPEED_OF_LIGHT = 299_792.458
CAMERAS = "BRZ"


def test_the_grid_has_the_published_numbers():
    assert GRID.size == int((4 - np.log10(3600)) / 1e-3) == 443
    assert GRID.edges.shape == (444,) and GRID.centers.shape == (443,)
    assert GRID.edges[0] == 3600
    assert round(GRID.edges[442], 2) == 9960.99 and round(GRID.edges[443], 2) == 9983.95
    assert round(np.log(10) * GRID.dloglam * SPEED_OF_LIGHT, 1) == 690.3
    # QuasarNET's 13 boxes, in Angstrom.
    boxes = GRID.start * 10 ** (GRID.dloglam * GRID.size * np.arange(14) / 13)
    assert np.round(boxes).astype(int).tolist() == [
        *(3600, 3894, 4212, 4555, 4927, 5330, 5765),
        *(6235, 6744, 7294, 7890, 8534, 9231, 9984),
    ]


def test_a_center_is_half_a_bin_right_of_its_left_edge():
    ratio = GRID.centers / GRID.edges[:-1]
    np.testing.assert_allclose(SPEED_OF_LIGHT * np.log(ratio), 345.15, atol=0.01)
    np.testing.assert_allclose(GRID.edges[1:] / GRID.centers, ratio)


def test_every_center_falls_into_its_own_bin():
    index = GRID.bin_of(np.log10(GRID.centers))
    assert index.tolist() == list(range(443)) and index.dtype == np.int64


def test_bins_off_the_grid_are_out_of_range():
    assert GRID.bin_of(np.log10([3599.9, 3600.1, 9983.9, 9984.0])).tolist() == [
        -1,
        0,
        442,
        443,
    ]


@pytest.mark.slow
def test_bins_of_the_desi_wavelengths_are_quasarnps(shared):
    expected = ast.literal_eval((shared / "quasarnp" / "regrid.txt").read_text())
    wavelength = np.round(np.linspace(3600, 9824, 7781), 1)
    assert GRID.bin_of(np.log10(wavelength)).tolist() == expected


def desi(shared):
    """Wavelength, flux and ivar of the reference coadd, by camera."""
    with fits.open(shared / "quasarnp" / "test_coadd.fits.gz") as hdus:
        return {
            c: tuple(np.array(hdus[f"{c}_{what}"].data) for what in ("WAVELENGTH", "FLUX", "IVAR"))
            for c in CAMERAS
        }


def test_rebinning_is_quasarnps(shared):
    coadd = desi(shared)
    with fits.open(shared / "quasarnp" / "coadd_rebinned.fits.gz") as hdus:
        expected = {c: (hdus[f"{c}_FLUX"].data, hdus[f"{c}_IVAR"].data) for c in CAMERAS}
    for camera, (wavelength, flux, ivar) in coadd.items():
        mean, weight = rebin(np.log10(wavelength), flux, ivar, grid=GRID)
        weighted_sum, weight_sum = expected[camera]
        np.testing.assert_array_equal(weight, weight_sum)
        assert np.allclose(mean * weight, weighted_sum)

    # All arms at once are the sums over the arms, also where these overlap.
    wavelength, flux, ivar = (np.concatenate(x, axis=-1) for x in zip(*coadd.values(), strict=True))
    mean, weight = rebin(np.log10(wavelength), flux, ivar, grid=GRID)
    assert np.allclose(weight, sum(i for _, i in expected.values()))
    assert np.allclose(mean * weight, sum(f for f, _ in expected.values()))


def plain_rebin(loglam, flux, ivar, grid):
    """The rule of QuasarNET's io.py, a pixel at a time."""
    weighted, total = [0.0] * grid.size, [0.0] * grid.size
    for pixel in range(len(loglam)):
        values = float(loglam[pixel]), float(flux[pixel]), float(ivar[pixel])
        if not all(map(np.isfinite, values)) or values[2] <= 0:
            continue
        place = int(np.floor((values[0] - np.log10(grid.start)) / grid.dloglam))
        if 0 <= place < grid.size:
            weighted[place] += values[1] * values[2]
            total[place] += values[2]
    return [w / t if t > 0 else 0.0 for w, t in zip(weighted, total, strict=True)], total


ODD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0])
PIXELS = 25


@pytest.mark.slow
@settings(max_examples=200, deadline=None)  # whatever else the machine does
@given(
    loglam=hnp.arrays(np.float64, PIXELS, elements=st.floats(2.99, 3.06) | ODD),
    flux=hnp.arrays(np.float64, (2, PIXELS), elements=st.floats(-1e3, 1e3) | ODD),
    ivar=hnp.arrays(np.float64, (2, PIXELS), elements=st.floats(1e-3, 1e3) | ODD),
)
def test_rebinning_is_a_plain_loop_over_pixels(loglam, flux, ivar):
    grid = LogGrid(start=1000.0, dloglam=0.01, size=5)
    loglam[:3] = 3.02  # without a tenth of the pixels near the grid, wavelengths are refused
    mean, weight = rebin(loglam, flux, ivar, grid)
    assert mean.dtype == weight.dtype == np.float64 and mean.shape == weight.shape == (2, 5)
    for row in range(2):
        expected_mean, expected_weight = plain_rebin(loglam, flux[row], ivar[row], grid)
        np.testing.assert_allclose(weight[row], expected_weight, rtol=1e-12)
        np.testing.assert_allclose(mean[row], expected_mean, rtol=1e-9, atol=1e-9)


def test_wavelengths_stored_as_float32_fall_where_their_float64_values_fall():
    loglam = (3.5527 + 1e-4 * np.arange(4600)).astype(np.float32)
    flux, ivar = np.arange(4600.0), np.ones(4600)
    for a, b in zip(
        rebin(loglam, flux, ivar, grid=GRID),
        rebin(loglam.astype(np.float64), flux, ivar, grid=GRID),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_a_wavelength_beyond_all_measure_is_off_the_grid_without_a_warning():
    below, above = GRID.bin_of(np.array([-1e38, 1e38]))
    assert below < 0 and above >= GRID.size


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_spectra_are_rebinned_alike_in_any_shape(rng, shape):
    loglam = np.linspace(3.5, 4.1, 900)
    flux, ivar = rng.normal(size=(*shape, 900)), rng.random((*shape, 900))
    mean, weight = rebin(loglam, flux, ivar, grid=GRID)
    assert mean.shape == weight.shape == (*shape, 443)
    for place in np.ndindex(shape):
        np.testing.assert_array_equal(
            mean[place], rebin(loglam, flux[place], ivar[place], grid=GRID)[0]
        )


def test_a_spectrum_off_the_grid_is_empty():
    mean, weight = rebin(np.linspace(3.49, 3.55, 50), np.ones(50), np.ones(50), grid=GRID)
    assert not mean.any() and not weight.any()


def test_masked_pixels_do_not_count(rng):
    loglam = np.linspace(3.6, 3.7, 500)
    flux, ivar = np.ma.masked_array(rng.normal(size=500)), np.ones(500)
    flux[::7] = np.ma.masked
    without = np.where(np.arange(500) % 7 == 0, 0, ivar)
    for ours, expected in zip(
        rebin(loglam, flux, ivar, grid=GRID),
        rebin(loglam, flux.data, without, grid=GRID),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, expected)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(InputError, match=naming(400, 460)):
        rebin(np.linspace(3.6, 3.7, 400), np.ones(460), np.ones(460), grid=GRID)
    with pytest.raises(InputError, match=naming("(460,)", "(2, 460)")):
        rebin(np.linspace(3.6, 3.7, 460), np.ones(460), np.ones((2, 460)), grid=GRID)


def added(loglam, flux, ivar, grid=GRID):
    """Rebin without any order: each pixel is added to its bin, one after the other."""
    place = np.floor((loglam - np.log10(grid.start)) / grid.dloglam)
    counts = np.isfinite(loglam) & np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    counts &= (place >= 0) & (place < grid.size)
    weighted, total = np.zeros((2, grid.size))
    np.add.at(total, place[counts].astype(int), ivar[counts])
    np.add.at(weighted, place[counts].astype(int), (flux * ivar)[counts])
    return np.divide(weighted, total, out=np.zeros(grid.size), where=total > 0), total


def assert_same_bins(ours, expected):
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


ARMS = st.lists(
    st.tuples(
        st.floats(3.5, 4.02),  # where it begins
        st.floats(0.001, 0.3),  # its width
        st.integers(1, 300),  # its pixels
        st.booleans(),  # whether it comes from red to blue
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(arms=ARMS, shuffled=st.booleans(), bad=st.floats(0, 0.3), seed=st.integers(0, 2**32 - 1))
def test_pixels_may_come_in_any_order(arms, shuffled, bad, seed):
    """Any number of arms in any order, overlapping or not; any permutation; some masked."""
    rng = np.random.default_rng(seed)
    parts = [np.linspace(a, a + width, n)[:: -1 if back else 1] for a, width, n, back in arms]
    loglam = np.concatenate(parts)
    flux, ivar = rng.uniform(1, 2, loglam.size), rng.uniform(0.5, 2, loglam.size)
    loglam[rng.random(loglam.size) < bad] = np.nan
    ivar[rng.random(loglam.size) < bad] = 0
    order = rng.permutation(loglam.size) if shuffled else np.arange(loglam.size)
    expected = added(loglam, flux, ivar)
    assert_same_bins(rebin(loglam[order], flux[order], ivar[order], grid=GRID), expected)
    hidden = np.ma.masked_invalid(loglam)[order]
    hidden.data[hidden.mask] = 3.7  # what is under the mask is no wavelength
    assert_same_bins(rebin(hidden, flux[order], ivar[order], grid=GRID), expected)


@pytest.mark.parametrize("pixels_per_bin", [1, 2.5, 10])
def test_a_reversed_spectrum_has_the_bins_of_the_ascending_one(rng, pixels_per_bin):
    loglam = np.arange(np.log10(3500), np.log10(10300), 1e-3 / pixels_per_bin)
    flux, ivar = rng.normal(5, 1, (3, loglam.size)), rng.random((3, loglam.size))
    expected = rebin(loglam, flux, ivar, grid=GRID)
    assert expected[0].any()
    assert_same_bins(rebin(loglam[::-1], flux[:, ::-1], ivar[:, ::-1], grid=GRID), expected)


@pytest.mark.parametrize("red_first", [False, True])
def test_arms_that_meet_at_a_bin_come_in_either_order(rng, red_first):
    """Bins of one run each, but not in their order: an ascending shortcut would be wrong."""
    loglam = np.log10(GRID.centers)
    order = np.r_[200:443, 0:200] if red_first else np.arange(443)
    flux, ivar = rng.normal(5, 1, 443), rng.uniform(1, 2, 443)
    assert_same_bins(rebin(loglam[order], flux[order], ivar[order], grid=GRID), (flux, ivar))


def test_pixels_of_masked_wavelengths_do_not_count(rng):
    loglam = np.ma.masked_array(np.linspace(3.6, 3.7, 500))
    flux, ivar = rng.normal(size=500), np.ones(500)
    loglam[::7] = np.ma.masked
    without = np.where(np.arange(500) % 7 == 0, 0, ivar)
    assert_same_bins(rebin(loglam, flux, ivar, grid=GRID), added(loglam.data, flux, without))


def test_padding_that_is_no_wavelength_does_not_count():
    loglam = np.r_[0, -999, np.nan, np.inf, np.linspace(3.6, 3.7, 400), -1, 0]
    flux = np.where(np.arange(loglam.size) % 400 < 5, 1e6, 2.0)
    expected = added(loglam, flux, np.ones(loglam.size))
    assert_same_bins(rebin(loglam, flux, np.ones(loglam.size), grid=GRID), expected)


def test_whole_numbers_and_half_precision_do_not_overflow():
    loglam = np.linspace(3.6, 3.6005, 4)
    for dtype in (np.int16, np.float16):
        flux, ivar = np.full(4, 3000, dtype), np.full(4, 3000, dtype)
        mean, weight = rebin(loglam, flux, ivar, grid=GRID)
        assert set(mean[weight > 0]) == {3000} and weight.sum() == 12000


def test_lists_and_columns_of_tables_are_taken_as_arrays_are(rng):
    loglam, flux, ivar = np.linspace(3.6, 3.7, 50), rng.normal(size=50), rng.random(50)
    expected = rebin(loglam, flux, ivar, grid=GRID)
    assert_same_bins(rebin(loglam.tolist(), flux.tolist(), ivar.tolist(), grid=GRID), expected)
    table = Table({"loglam": np.ma.masked_array(loglam, loglam > 3.65), "flux": flux, "ivar": ivar})
    table["flux"] = table["flux"].astype(">f8")
    hidden = added(np.where(loglam > 3.65, np.nan, loglam), flux, ivar)
    assert_same_bins(rebin(table["loglam"], table["flux"], table["ivar"], grid=GRID), hidden)
