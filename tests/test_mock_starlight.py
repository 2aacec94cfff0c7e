"""Starlight from two models: how often each is drawn, and what the second one is like."""

import lick_indices
import numpy as np
import pytest

from data_prep.mock import blended_populations, populations
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.starlight import BLENDED, starlight
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.grid import LogGrid

FINE = LogGrid(3600.0, 2e-4, 1990)
ONE = Ingredients(without=frozenset({"second starlight"}))


def old(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Kinds and redshifts of n old galaxies."""
    return np.array(["old"] * n), np.linspace(0.01, 0.9, n)


def test_without_the_second_model_all_starlight_is_of_the_first():
    rng, same = np.random.default_rng(4), np.random.default_rng(4)
    drawn = starlight(rng, *old(50), GRID, ONE)
    same.random(50)  # the choice of a model
    assert np.array_equal(drawn, populations.stellar_flux(same, *old(50), GRID))


def test_a_fraction_is_of_the_second_model():
    """Their order stays: each spectrum is as one of the models draws it, at its own redshift."""
    n = 400
    kind, z = old(n)
    rng, same = np.random.default_rng(5), np.random.default_rng(5)
    drawn = starlight(rng, kind, z, GRID, EVERYTHING)
    second = same.random(n) < BLENDED
    assert abs(second.mean() - BLENDED) < 4 * np.sqrt(BLENDED * (1 - BLENDED) / n)
    for rows, model in ((~second, populations), (second, blended_populations)):
        expected = model.stellar_flux(same, kind[rows], z[rows], GRID)
        assert np.array_equal(drawn[rows], expected)


def test_the_second_model_has_weaker_breaks_and_other_lines():
    """Medians of old galaxies: D4000 1.69, Mg b 3.9 Angstrom; the first model has 1.80 and 3.0."""
    kind, at_rest = np.array(["old"] * 300), np.zeros(300)
    first, second = (
        model.stellar_flux(np.random.default_rng(6), kind, at_rest, FINE)
        for model in (populations, blended_populations)
    )
    breaks = [np.median(lick_indices.break_4000(FINE.edges, flux)) for flux in (first, second)]
    widths = [
        np.median(lick_indices.equivalent_width(FINE.edges, flux, "Mgb"))
        for flux in (first, second)
    ]
    assert 1.55 < breaks[1] < breaks[0]
    assert widths[1] > widths[0] > 2


@pytest.mark.parametrize("kind", blended_populations.MIXTURES)
def test_mixtures_of_the_second_model_are_of_all_light(kind):
    mixture = blended_populations.MIXTURES[kind]
    assert len(mixture) == len(blended_populations.TEMPERATURES)
    assert sum(mixture) == pytest.approx(1)
    assert blended_populations.MIXTURES.keys() == populations.MIXTURES.keys()


def test_a_line_of_the_second_model_is_in_place_at_native_pixels():
    """A doubled redshift factor moves Ca II K by the same factor, within a pixel of 69 km/s."""
    pixels = LogGrid(3600.0, 1e-4, 4500)
    places = []
    for z in (0.0, 0.5):
        kind = np.array(["old"])
        [flux] = blended_populations.stellar_flux(
            np.random.default_rng(7), kind, np.array([z]), pixels
        )
        near = np.abs(pixels.centers / (1 + z) / 3934.8 - 1) < 0.004
        places.append(pixels.centers[near][flux[near].argmin()] / (1 + z))
    assert places[1] / places[0] == pytest.approx(1, abs=2.4e-4)
