"""Mock spectra at native pixels: doublets, starlight, templates; and on bins, as they were."""

import numpy as np
import pytest

from data_prep.mock import populations
from data_prep.mock.doublets import DOUBLETS, add_named_line
from data_prep.mock.empirical import FINE, Bank
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT
from spectranet_jax.spectra.native import NATIVE_GRID


def oxygen(rng: np.random.Generator, grid: LogGrid, n: int = 50) -> np.ndarray:
    depth = np.zeros((n, grid.size), np.float32)
    add_named_line(rng, depth, grid, "[OII]", np.full(n, 20.0), 70.0, np.full(n, 0.5))
    return depth


def test_oxygen_is_two_lines_where_pixels_tell_them_apart(rng):
    """With a ratio of 0.7 to 1.5, and the requested equivalent width."""
    depth = oxygen(rng, NATIVE_GRID)
    doublet = DOUBLETS["[OII]"]
    at = np.log10(np.array([doublet.blue, doublet.red]) * 1.5)
    blue, red = NATIVE_GRID.bin_of(at)
    assert red - blue == pytest.approx(doublet.separation / NATIVE_GRID.bin_kms, abs=1)
    for row in depth:
        peaks = np.flatnonzero((row[1:-1] > row[:-2]) & (row[1:-1] > row[2:])) + 1
        assert np.abs(peaks - [blue, red]).max() <= 1
    ratio = depth[:, red] / depth[:, blue]
    assert 0.65 < ratio.min() < 0.8 and 1.3 < ratio.max() < 1.6
    width = depth @ np.diff(NATIVE_GRID.edges) / 1.5
    assert width == pytest.approx(20, rel=0.01)


def test_oxygen_is_one_line_on_bins_and_takes_no_draw(rng):
    before = rng.bit_generator.state
    depth = oxygen(rng, GRID)
    assert rng.bit_generator.state == before
    mean = depth @ GRID.centers / depth.sum(axis=1)
    assert mean / 1.5 == pytest.approx(REST["[OII]"], abs=3)  # a bin is 9 Angstrom wide
    assert np.mean([d.blue + d.red for d in DOUBLETS.values()]) / 2 == pytest.approx(
        REST["[OII]"], abs=0.01
    )


def test_no_feature_of_starlight_moves_by_more_than_a_few_km_per_s():
    """Tabulated in cells of 173 km/s they would, by up to half of that, at native pixels."""
    rest = np.linspace(np.log(3700), np.log(5500), 4000)
    seen = []
    for z in np.linspace(0.2, 0.21, 12):
        rng = np.random.default_rng(0)  # of the same stars
        [flux] = populations.stellar_flux(rng, np.array(["old"]), np.array([z]), NATIVE_GRID)
        seen.append(np.interp(rest, np.log(NATIVE_GRID.centers / (1 + z)), flux))
    slope = np.gradient(np.mean(seen, axis=0), rest)
    shift = (np.array(seen) - np.mean(seen, axis=0)) @ slope / (slope @ slope) * SPEED_OF_LIGHT
    assert np.abs(shift).max() < 5


def test_starlight_is_sharper_at_native_pixels():
    """The width of the spectrograph replaces that of a bin."""
    kind, z = np.array(["old"] * 30), np.full(30, 0.2)
    coarse, fine = (
        populations.stellar_flux(np.random.default_rng(1), kind, z, grid)
        for grid in (LogGrid(3600.0, 2.5e-4, 1772), NATIVE_GRID)
    )
    rough = [np.abs(np.diff(np.log(flux), axis=1)).sum(axis=1) for flux in (coarse, fine)]
    assert (rough[1] > rough[0]).all()


@pytest.fixture(scope="module")
def bank() -> Bank:
    """A template with one line, 150 km/s wide, on the bins of templates."""
    grid = LogGrid(3000.0, FINE, 2500)
    velocity = SPEED_OF_LIGHT * np.log(grid.centers / 5000)
    return Bank(grid, 1 + np.exp(-0.5 * (velocity / 150) ** 2)[None], np.array([""]))


def test_a_line_of_a_template_keeps_its_place_at_native_pixels(bank: Bank, monkeypatch):
    """To 1 km/s at every redshift; level bins would jitter."""
    z = np.linspace(0.1, 0.102, 25)
    seen = bank.seen(np.zeros(25, np.int64), z, NATIVE_GRID) - 1
    velocity = SPEED_OF_LIGHT * np.log(NATIVE_GRID.centers / (5000 * (1 + z[:, None])))
    near = np.abs(velocity) < 700
    place = (seen * velocity * near).sum(axis=1) / (seen * near).sum(axis=1)
    assert np.abs(place).max() < 1
    expected = np.exp(-0.5 * (velocity / 150) ** 2)
    curved = np.abs(seen - expected).max()
    monkeypatch.setattr(Bank, "_curved", lambda *_: 0.0)
    level = bank.seen(np.zeros(25, np.int64), z, NATIVE_GRID) - 1
    assert curved < 0.5 * np.abs(level - expected).max()


def test_parabolas_keep_the_mean_of_every_fine_bin(bank: Bank):
    half = LogGrid(bank.grid.start, FINE / 2, 2 * bank.grid.size)
    seen = bank.seen(np.array([0]), np.zeros(1), half)[0]
    np.testing.assert_allclose(seen.reshape(-1, 2).mean(axis=1), bank.flux[0], rtol=1e-6)
