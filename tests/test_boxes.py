"""Redshifts in boxes: decoding inverts encoding, and both are QuasarNET's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectranet_jax.networks import boxes
from spectranet_jax.spectra import QUASARNET_GRID as GRID

LINES = sorted(boxes.LINES)


def redshift_range(rest):
    """Redshifts between which a line is on the grid: at the left edges of first and last pixel."""
    return GRID.edges[0] / rest - 1, GRID.edges[-2] / rest - 1


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    line=st.sampled_from(LINES),
    count=st.integers(1, 60),
    place=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_decoding_inverts_coding_over_the_range_of_each_line(line, count, place):
    rest = boxes.LINES[line]
    low, high = redshift_range(rest)
    z = np.clip(low + np.array([0.0, *place, 1.0]) * (high - low), low, high)
    box, offset = boxes.encode(z, rest, count, grid=GRID)
    # At the very ends, 1 + z may round to either side of the grid.
    on_grid = box != boxes.OFF_GRID
    assert on_grid[1:-1][(z[1:-1] > low) & (z[1:-1] < high)].all()
    assert (box[on_grid] < count).all() and (offset >= 0).all() and (offset < 1).all()
    decoded = boxes.decode(box[on_grid], offset[on_grid], rest, count, grid=GRID)
    np.testing.assert_allclose(decoded, z[on_grid], rtol=0, atol=1e-9)


@pytest.mark.parametrize("line", LINES)
def test_a_dense_sweep_of_each_line_comes_back(line):
    low, high = redshift_range(boxes.LINES[line])
    z = np.linspace(low, high, 100_001)[1:-1]
    box, offset = boxes.encode(z, boxes.LINES[line], 13, grid=GRID)
    assert sorted(set(box)) == list(range(13))
    np.testing.assert_allclose(
        boxes.decode(box, offset, boxes.LINES[line], 13, grid=GRID), z, rtol=0, atol=1e-12
    )


def test_the_boxes_have_the_published_edges():
    """QuasarNET's 13 boxes: Lyman-alpha enters each at these redshifts."""
    z = boxes.decode(np.arange(9), np.zeros(9), boxes.LINES["LYA"], 13, grid=GRID)
    published = [1.961, 2.203, 2.465, 2.747, 3.053, 3.384, 3.742, 4.129, 4.548]
    np.testing.assert_allclose(z, published, atol=6e-4)
    # A box is 34.08 pixels of 690.3 km/s.
    assert GRID.size / 13 * 690.3 == pytest.approx(23_523, abs=1)


def test_what_is_off_the_grid_is_in_no_box():
    rest = boxes.LINES["LYA"]
    low, high = redshift_range(rest)
    assert (round(low, 2), round(high, 2)) == (1.96, 7.19)
    box, offset = boxes.encode(
        np.array([low - 1e-6, high + 1e-6, np.nan, 0.0]), rest, 13, grid=GRID
    )
    assert (box == boxes.OFF_GRID).all() and (offset == 0).all()


def test_positions_past_the_ends_are_extrapolated_not_clamped():
    left, rest = GRID.edges[:-1], boxes.LINES["CIV"]
    # Half a pixel past the last left edge, and half a pixel before the first.
    after = boxes.decode(np.array([12]), np.array([442.5 * 13 / 443 - 12]), rest, 13, grid=GRID)
    before = boxes.decode(np.array([0]), np.array([-0.5 * 13 / 443]), rest, 13, grid=GRID)
    np.testing.assert_allclose((after + 1) * rest, left[-1] + (left[-1] - left[-2]) / 2, rtol=1e-14)
    np.testing.assert_allclose((before + 1) * rest, left[0] - (left[1] - left[0]) / 2, rtol=1e-14)


def test_decoding_is_quasarnets(shared):
    """Against QuasarNET's results for 383 spectra: confidences of 6 lines, BAL redshifts."""
    folder = shared / "quasarnp"
    output = np.load(folder / "predict_data.npy")  # (7, 383, 26)
    box = output[6, :, :13].argmax(axis=-1)
    offset = output[6, np.arange(383), 13 + box]
    expected = np.load(folder / "predict_bal.npy")[0]
    z = boxes.decode(box, offset, boxes.LINES["CIV"], 13, grid=GRID)
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-12)
    # Clamped at the last pixel, as QuasarNP does, one of them is 1,217 km/s off.
    clamped = np.interp((box + offset) * 443 / 13, np.arange(443), GRID.edges[:-1])
    dv = 299_792.458 * (clamped / boxes.LINES["CIV"] - 1 - expected) / (1 + expected)
    assert (np.abs(dv) > 1).sum() == 1 and dv.min() == pytest.approx(-1217, abs=1)


def test_lines_and_the_box_of_none_are_quasarnets():
    assert boxes.LINES == {
        "LYA": 1215.67,
        "CIV": 1548.2049,
        "CIII": 1908.734,
        "MgII": 2796.3511,
        "Hbeta": 4862.68,
        "Halpha": 6562.8,
    }
    assert boxes.OFF_GRID == -1
