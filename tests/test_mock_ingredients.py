from dataclasses import replace

import numpy as np
import pytest
from make_templates import write_folder
from naming import naming

from data_prep.mock import quasar_lines, quasars, stars, survey
from data_prep.mock.ingredients import EVERYTHING, INSTRUMENT, NAMES, Ingredients
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT
from spectranet_jax.spectra.observation import EFFECTS


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Ingredients:
    return Ingredients(templates=write_folder(tmp_path_factory.mktemp("ingredients") / "templates"))


def without(*names: str) -> Ingredients:
    return Ingredients(frozenset(names))


def test_a_name_that_is_none_has_a_sentence():
    with pytest.raises(InputError, match=naming("salt", "choose among", *NAMES)):
        without("salt")
    with pytest.raises(KeyError):
        EVERYTHING.has("salt")


def test_all_is_there_unless_left_out():
    assert all(EVERYTHING.has(name) for name in NAMES)
    assert not without("blueshifts").has("blueshifts")
    assert without("blueshifts").has("host and iron")


def test_the_effects_of_the_instrument_follow():
    assert EVERYTHING.effects == EFFECTS
    assert without(*INSTRUMENT).effects == ("resolution",)
    assert "noise" in without("calibration errors").effects


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - set(INSTRUMENT)))
def test_leaving_one_out_changes_the_light_of_quasars(name, everything):
    def drawn(ingredients: Ingredients) -> np.ndarray:
        z, magnitude = np.full(60, 0.7), np.full(60, 20, np.float32)
        rng = np.random.default_rng(5)
        return quasars.quasars(rng, z, magnitude, GRID, False, ingredients)[0]

    one_less = replace(everything, without=frozenset({name}))
    assert np.abs(drawn(one_less) / drawn(everything) - 1).max() > 0.01


@pytest.mark.slow
def test_half_of_the_stars_are_templates_unless_left_out(monkeypatch, everything):
    def marked(_rng, _bank, rows, grid):
        return np.zeros((len(rows), grid.size), np.float32)

    monkeypatch.setattr(stars, "template_flux", marked)

    def fraction(ingredients: Ingredients) -> float:
        flux, _ = stars.stars(np.random.default_rng(1), 3000, GRID, ingredients)
        return float(np.mean(~flux.any(axis=1)))

    names = everything.bank("STAR").subtype
    held = sum(
        kind.fraction
        for kind in stars.all_kinds(everything).values()
        if sum(name.startswith(kind.types) for name in names) >= stars.FEWEST
    )
    assert held > 0.7
    assert fraction(everything) == pytest.approx(stars.EMPIRICAL * held, abs=0.05)
    assert fraction(EVERYTHING) == 0
    assert fraction(replace(everything, without=frozenset({"empirical templates"}))) == 0


def test_without_blueshifts_lines_stand_at_rest(rng):
    n, z = 800, 2.6
    luminosity = np.full(n, -2.0)

    def shift(ingredients: Ingredients) -> float:
        emission = quasar_lines.emission(rng, luminosity, np.full(n, z), GRID, ingredients)
        rest = GRID.centers / (1 + z)
        near = (rest > 1510) & (rest < 1580)
        line = np.median(emission, axis=0)[near]
        line = np.maximum(line - 0.4 * line.max(), 0)
        return float((np.sum(rest[near] * line) / line.sum() / REST["CIV"] - 1) * SPEED_OF_LIGHT)

    assert abs(shift(without("blueshifts"))) < 150
    assert shift(EVERYTHING) < -400


@pytest.mark.slow
def test_a_survey_is_made_of_what_is_asked():
    counts = {"QSO": 20}
    whole, bare = (
        next(survey.blocks(counts, seed=2, ingredients=chosen, grid=GRID))
        for chosen in (EVERYTHING, without("narrow absorbers"))
    )
    assert not np.array_equal(whole.flux, bare.flux)
