"""Templates on their fine grid, seen at any redshift."""

from pathlib import Path

import numpy as np
import pytest
from make_templates import write_archetypes, write_folder

from data_prep.mock import galaxies
from data_prep.mock.empirical import Bank
from data_prep.mock.template_folder import templates
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import rebin
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT


def bank_of(folder: Path, kind: str = "STAR") -> Bank:
    return templates(folder).banks[kind]


def with_line(wavelength: np.ndarray, center: float) -> np.ndarray:
    return 1 + 20 * np.exp(-0.5 * ((wavelength - center) / 9) ** 2)


def centroid(wavelength: np.ndarray, flux: np.ndarray, near: float) -> float:
    part = np.abs(wavelength / near - 1) < 0.015
    return float(np.sum(wavelength[part] * (flux[part] - 1)) / np.sum(flux[part] - 1))


@pytest.mark.parametrize("start, step", [(3.4, 1e-4), (3.4, 2e-4), (2500.0, 0.1), (2500.0, 0.5)])
def test_a_line_of_a_template_stands_where_the_redshift_puts_it(start, step, tmp_path):
    """Whatever the file's pixels: they are centers, and read as edges a line would move."""
    wavelength = start + step * np.arange(int((3.98 - start) / step) if start < 10 else 70_000)
    wavelength = 10**wavelength if start < 10 else wavelength
    line = 5000.0
    flux = with_line(wavelength, line)[None].astype(np.float32)
    write_archetypes(tmp_path / "rrarchetype-a.fits", "STAR", flux, ["A"], start, step)
    bank = bank_of(tmp_path)
    z = np.linspace(0.1, 0.5, 23)
    seen = bank.seen(np.zeros(23, np.int64), z, GRID)
    expected = line * (1 + z)
    centroids = [centroid(GRID.centers, *pair) for pair in zip(seen, expected, strict=True)]
    shift = (np.array(centroids) / expected - 1) * SPEED_OF_LIGHT
    assert np.abs(shift).max() < 30
    assert abs(shift.mean()) < 5


def test_a_template_at_rest_is_what_the_rule_of_the_survey_makes_of_it(tmp_path):
    bank = bank_of(write_folder(tmp_path / "t"))
    loglam = np.log10(bank.grid.centers)
    expected, weight = rebin(loglam, bank.flux[:5], np.ones_like(bank.flux[:5]), grid=GRID)
    seen = bank.seen(np.arange(5), np.zeros(5), GRID)
    whole = np.flatnonzero(weight[0] > 0)[2:-2]
    # A bin holds five fine ones, of which one at its edge may fall to either side.
    np.testing.assert_allclose(
        seen[:, whole].mean(axis=1), expected[:, whole].mean(axis=1), rtol=2e-3
    )
    assert np.median(np.abs(seen[:, whole] / expected[:, whole] - 1)) < 0.01


def test_beyond_its_ends_a_template_goes_on_level(tmp_path):
    flux = np.ones((1, 3000), np.float32)
    write_archetypes(tmp_path / "rrarchetype-a.fits", "STAR", flux, ["A"], 3.65)
    seen = bank_of(tmp_path).seen(np.array([0]), np.zeros(1), GRID)
    np.testing.assert_allclose(seen, 1, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, name, tolerance", [("STAR", "Halpha", 40), ("GALAXY", "CaII K", 150)]
)
def test_published_templates_are_in_vacuum_and_at_rest(kind, name, tolerance, shared):
    """Air and vacuum differ by 83 km/s."""
    bank = bank_of(shared / "templates", kind)
    rows = (
        np.array([row[0] in "AF" for row in bank.subtype])
        if kind == "STAR"
        else galaxies.break_4000(bank) > galaxies.PASSIVE_BREAK
    )
    near = np.abs(bank.grid.centers / REST[name] - 1) < 0.004
    wavelength, mean = bank.grid.centers[near], np.median(bank.flux[rows][:, near], axis=0)
    sides = np.interp(wavelength, wavelength[[0, -1]], mean[[0, -1]])
    depth = np.maximum(sides - mean, 0)
    shift = (np.sum(wavelength * depth) / np.sum(depth) / REST[name] - 1) * SPEED_OF_LIGHT
    assert abs(shift) < tolerance
