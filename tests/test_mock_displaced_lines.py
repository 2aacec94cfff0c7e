"""Broad lines away from the narrow ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_templates import write_folder

from data_prep.mock import displaced_lines, quasar_lines, quasars
from data_prep.mock.displaced_lines import DISPLACED_FRACTION, PEAKED_FRACTION, Displaced
from data_prep.mock.ingredients import Ingredients
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT


def velocity(name: str, z: float) -> np.ndarray:
    return (GRID.centers / (REST[name] * (1 + z)) - 1) * SPEED_OF_LIGHT


def test_a_few_percent_of_nearby_quasars_and_none_beyond(rng):
    z = np.repeat([0.3, 0.9], 20_000)
    drawn = Displaced.draw(rng, z)
    for values, fraction in ((drawn.shift, DISPLACED_FRACTION), (drawn.disk, PEAKED_FRACTION)):
        assert np.mean(values[:20_000] != 0) == pytest.approx(fraction, abs=0.006)
        assert not values[20_000:].any()
    moved = np.abs(drawn.shift[drawn.shift != 0])
    assert 1000 <= moved.min() < 1100 and 4900 < moved.max() <= 5000
    assert not np.any((drawn.shift != 0) & (drawn.disk != 0))


@given(st.floats(0.05, 0.45), st.floats(5.0, 300.0))
@settings(max_examples=30, deadline=None)
def test_two_peaks_stand_apart_and_keep_the_equivalent_width(z, width):
    n, rng = 200, np.random.default_rng(0)
    total = np.zeros((n, GRID.size), np.float32)
    widths = {"Halpha": np.full(n, width)}
    displaced_lines.add_peaks(rng, total, GRID, widths, np.full(n, z))
    painted = total @ np.diff(GRID.edges) / (1 + z)
    np.testing.assert_allclose(painted, width, rtol=0.02)
    speed = velocity("Halpha", z)
    blue, red = (np.where(side, total, 0).argmax(axis=1) for side in (speed < 0, speed > 0))
    assert np.all((speed[blue] > -3400) & (speed[blue] < -900))
    assert np.all((speed[red] < 5400) & (speed[red] > 900))
    separation = speed[red] - speed[blue]
    assert 3500 < np.median(separation) < 7000
    height = [total[np.arange(n), at] for at in (blue, red)]
    assert np.mean(height[0] > height[1]) > 0.6  # toward us is brighter


def test_broad_lines_move_and_narrow_ones_stay_where_the_redshift_is(monkeypatch):
    n, z = 400, 0.3

    def emission(shift: float) -> np.ndarray:
        moved = Displaced(np.full(n, shift), np.zeros(n))
        rng, at = np.random.default_rng(3), np.full(n, z)
        return quasar_lines.emission(rng, np.zeros(n), at, GRID, displaced=moved)

    speed = velocity("[OIII]", z)
    near = np.abs(speed) < 1500
    for shift in (-4000.0, 4000.0):
        peak = speed[near][np.median(emission(shift), axis=0)[near].argmax()]
        assert abs(peak) < 500
    monkeypatch.setattr(quasar_lines, "NARROW", {})
    halpha = velocity("Halpha", z)
    near = np.abs(halpha) < 12_000
    places = [
        np.average(halpha[near], weights=np.median(emission(shift), axis=0)[near])
        for shift in (0.0, 4000.0)
    ]
    assert places[1] - places[0] == pytest.approx(4000, rel=0.15)


@pytest.mark.parametrize("without", [frozenset(), frozenset({"displaced lines"})])
def test_they_can_be_left_out(without, rng, monkeypatch):
    drawn = []
    monkeypatch.setattr(Displaced, "draw", lambda _, z: drawn.append(z) or Displaced.none(len(z)))
    magnitude = np.full(3, 19, np.float32)
    quasars.quasars(rng, np.full(3, 0.3), magnitude, GRID, False, Ingredients(without))
    assert len(drawn) == (not without)


def test_no_template_hides_them(rng, monkeypatch, tmp_path):
    n = 200
    moved = Displaced(np.where(np.arange(n) < 100, 3000.0, 0), np.zeros(n))
    monkeypatch.setattr(Displaced, "draw", lambda _rng, _z: moved)
    marked = []

    def template_flux(_rng, _bank, flux, z, _grid):
        marked.append(z)
        return flux

    monkeypatch.setattr(quasars, "template_flux", template_flux)
    z = np.where(np.arange(n) < 100, 0.3, 0.4)
    with_templates = Ingredients(templates=write_folder(tmp_path / "templates"))
    quasars.quasars(rng, z, np.full(n, 19, np.float32), GRID, False, with_templates)
    assert len(marked[0]) > 10 and np.all(marked[0] == 0.4)
