"""Wavelengths in air, against published pairs and the formula itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.spectra.air import SHORTEST, refractive_index, to_vacuum
from spectranet_jax.spectra.lines import REST


def test_a_line_of_krypton() -> None:
    """The example of IDL's AIRTOVAC, which uses the same formula."""
    assert to_vacuum(6056.125) == pytest.approx(6057.8019, abs=2e-4)


@pytest.mark.parametrize(
    ("line", "in_air"),
    [("[OIII]", 5006.843), ("Halpha", 6562.79), ("CaII K", 3933.663)],
)
def test_laboratory_lines(line: str, in_air: float) -> None:
    """NIST's air wavelengths of lines whose vacuum wavelengths the package has."""
    assert to_vacuum(in_air) == pytest.approx(REST[line], abs=0.02)


@given(st.floats(SHORTEST + 1, 20_000))
def test_the_way_back_is_exact(vacuum: float) -> None:
    assert to_vacuum(vacuum / refractive_index(vacuum)) == pytest.approx(vacuum, rel=1e-14)


def test_the_shift_in_the_optical() -> None:
    optical = np.linspace(3000, 10_000, 50)
    shift = 299_792.458 * (to_vacuum(optical) / optical - 1)
    assert (shift > 80).all()
    assert (shift < 90).all()


def test_below_the_limit_nothing_is_changed_and_nan_stays() -> None:
    got = to_vacuum([1215.67, np.nan, -1.0, 5000.0])
    assert got[0] == 1215.67
    assert np.isnan(got[1])
    assert got[2] == -1
    assert got[3] > 5001
