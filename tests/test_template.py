"""The template under a refined redshift: at native pixels, in pictures and for inspection."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from matplotlib.figure import Figure

import spectranet_jax as snj
from spectranet_jax.inference.basis import shipped
from spectranet_jax.inference.template import of_row, template
from spectranet_jax.inspection.overlay import templates
from spectranet_jax.spectra.native import FIRST, NATIVE_GRID, STEP


def at(z: float, amounts: np.ndarray) -> np.ndarray:
    """A sum of the shipped galaxy vectors at a redshift, NaN beyond them."""
    basis = shipped()["GALAXY"]
    pixel = np.arange(NATIVE_GRID.size) + round(FIRST / STEP) - basis.start
    pixel -= round(np.log10(1 + z) / STEP)
    inside = (pixel >= 0) & (pixel < basis.vectors.shape[1])
    flux = np.full(NATIVE_GRID.size, np.nan)
    flux[inside] = (amounts @ basis.vectors)[pixel[inside]]
    return flux


@pytest.mark.parametrize("z", [0.03, 0.3, 0.9])
def test_a_sum_of_basis_vectors_is_found_again_whatever_its_scale(z: float) -> None:
    rng = np.random.default_rng(0)
    flux = at(z, np.array([300.0, *rng.normal(0, 20, 11)]))
    ivar = np.where(np.isnan(flux) | (rng.random(len(flux)) < 0.1), 0, 4.0)
    fitted = template(np.nan_to_num(flux), ivar, z, shipped()["GALAXY"])
    np.testing.assert_array_equal(np.isnan(fitted), np.isnan(flux))
    assert np.nanmax(np.abs(fitted - flux)) < 1e-3 * np.nanstd(flux)


def test_without_data_there_is_no_template() -> None:
    nothing = np.zeros(NATIVE_GRID.size)
    assert np.isnan(template(nothing, nothing, 0.3, shipped()["GALAXY"])).all()


def test_only_refined_rows_have_one() -> None:
    table = Table({"CLASS": ["GALAXY"] * 2, "Z": [0.1, 0.1]}, masked=True)
    table["Z_CHI2"] = np.ma.masked_array([1.0, 0], mask=[False, True])
    ones = np.ones(NATIVE_GRID.size)
    assert of_row(table[0], ones, ones, shipped()) is not None
    assert of_row(table[1], ones, ones, shipped()) is None
    assert of_row(table[0], ones, ones, {}) is None


@pytest.mark.slow
def test_a_real_galaxy_lies_on_its_template(
    shared: Path, tmp_path: Path, drawn: list[Figure]
) -> None:
    """The overlay has the chi2 of the fit that refined it, and the picture names dv."""
    path = sorted((shared / "bright-galaxies").glob("*.fits*"))[0]
    (spectrum,) = snj.read(path)
    table = snj.load().predict(spectrum)
    (overlay,) = templates(table, [spectrum])
    assert overlay is not None
    good = (spectrum.ivar > 0) & np.isfinite(overlay)
    reduced = np.mean((spectrum.ivar * (spectrum.flux - overlay) ** 2)[good])
    assert reduced == pytest.approx(table["Z_CHI2"][0], rel=0.3)
    snj.plot_spectrum(spectrum, table[0], tmp_path / "a.png")
    assert any(
        "km/s" in text.get_text() and "refined" in text.get_text()
        for text in drawn[-1].findobj()
        if hasattr(text, "get_text")
    )
