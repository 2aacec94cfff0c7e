import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.mock.profiles import add_band, add_line
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

BIN = np.log(10) * GRID.dloglam


@given(
    rest=st.floats(4200, 8500),
    width=st.floats(30, 3000),
    skew=st.floats(0.5, 2),
    strength=st.floats(0.1, 100),
)
def test_a_line_keeps_its_equivalent_width_however_narrow(rest, width, skew, strength):
    depth = np.zeros((1, GRID.size), np.float32)
    add_line(depth, GRID, rest, strength, width, width * skew)
    assert depth.sum() * BIN * rest == pytest.approx(strength, rel=1e-3)


def test_a_broad_line_is_the_normal_profile():
    depth = np.zeros((1, GRID.size), np.float32)
    add_line(depth, GRID, 1549.06, 30.0, 3000.0, z=2.3)
    velocity = np.log(GRID.centers / (1549.06 * 3.3)) * SPEED_OF_LIGHT
    expected = 30 / 1549.06 * np.exp(-0.5 * (velocity / 3000) ** 2)
    expected *= SPEED_OF_LIGHT / 3000 / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(depth[0], expected, atol=0.01 * expected.max())


def test_lines_off_the_grid_and_of_no_strength_leave_nothing():
    depth = np.zeros((3, GRID.size), np.float32)
    z = np.array([0.0, 30.0, 2.0])
    add_line(depth, GRID, 1216.0, np.array([5.0, 5.0, 0.0]), 500.0, z=z)
    assert not depth.any()


def test_no_spectra_take_no_line():
    depth = np.zeros((0, GRID.size), np.float32)
    add_line(depth, GRID, 5000.0, np.zeros(0), np.zeros(0))
    assert depth.shape == (0, GRID.size)


def test_memory_layout_does_not_matter():
    """What NumPy makes of a broadcast array is laid out by columns; lines were once lost there."""
    wavelength = np.broadcast_to(GRID.centers.astype(np.float32), (4, GRID.size))
    by_column = np.zeros_like(wavelength)
    by_row = np.zeros(wavelength.shape, np.float32)
    for depth in (by_column, by_row):
        add_line(depth, GRID, 5000.0, np.arange(4.0), 300.0)
    np.testing.assert_array_equal(by_column, by_row)
    assert by_row[1:].any()


def test_a_band_falls_from_its_head_to_the_side_of_its_tail():
    wavelength = np.array([[6900.0, 7000.0, 7055.0, 7080.0, 7155.0, 7255.0]], np.float32)
    red, blue = np.zeros_like(wavelength), np.zeros_like(wavelength)
    add_band(red, wavelength, 7055, 0.8, 100)
    add_band(blue, wavelength, 7055, 0.8, -100)
    assert red[0, 1] < 1e-3 < red[0, 5] < red[0, 4] < red[0, 3]
    assert red[0, 4] == pytest.approx(0.8 * np.exp(-1), rel=0.01)
    assert blue[0, 5] < 1e-3 < blue[0, 0] < blue[0, 1]
