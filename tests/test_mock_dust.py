import numpy as np
import pytest

from data_prep.mock import dust


def cardelli(wavelength: np.ndarray, r_v: float = 3.1) -> np.ndarray:
    """A / A(V) of Cardelli, Clayton & Mathis (1989), equation 3: the optical."""
    y = 1e4 / wavelength - 1.82
    a = (0.32999, -0.77530, 0.01979, 0.72085, -0.02427, -0.50447, 0.17699, 1.0)
    b = (-2.09002, 5.30260, -0.62251, -5.38434, 1.07233, 2.28305, 1.41338, 0.0)
    return np.polyval(a, y) + np.polyval(b, y) / r_v


def test_the_milky_way_follows_cardelli_to_15_percent():
    wavelength = np.linspace(3600, 9000, 50)
    expected = 3.1 * cardelli(wavelength)
    np.testing.assert_allclose(dust.milky_way(wavelength), expected, rtol=0.15)


def test_the_small_magellanic_curve_passes_through_its_r_v():
    """R_V 2.93 of Pei (1992), and 1.0 more in B, by the definition of E(B-V)."""
    visual, blue = dust.small_magellanic(np.array([5500.0, 4400.0]))
    assert visual == pytest.approx(2.93, rel=0.05)
    assert blue - visual == pytest.approx(1, rel=0.15)


def test_dimming_is_in_magnitudes():
    curve = np.full((2, 3), 2.5)
    passed = dust.dimming(curve, np.array([0.0, 0.4]))
    np.testing.assert_allclose(passed[0], 1)
    np.testing.assert_allclose(-2.5 * np.log10(passed[1]), 1.0, rtol=1e-6)
