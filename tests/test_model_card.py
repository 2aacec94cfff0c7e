"""What a card says of the templates among the training spectra, and of how to train again."""

import re
from pathlib import Path

import pytest
from make_templates import write_folder

from data_prep.mock.dataset import creator
from data_prep.mock.ingredients import TEMPLATES, Ingredients
from experiments.export import rebuild_command
from experiments.model_card import limits, templates_used
from spectranet_jax.inference.versions import shipped
from spectranet_jax.spectra import CLASSES
from spectranet_jax.training import run

COUNTS = dict.fromkeys(CLASSES, 15_000)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "templates")


@pytest.mark.slow
def test_a_card_names_templates_and_their_licenses(where: Path):
    made = creator(COUNTS, 0, ingredients=Ingredients(templates=where))
    for used in (templates_used(made), limits(made)):
        assert "redrock-archetypes (BSD-3-Clause" in used and "PyHammer (MIT" in used
    assert "physics alone" not in limits(made)
    for bare in (Ingredients(), Ingredients(frozenset({TEMPLATES}), where)):
        assert templates_used(creator(COUNTS, 0, ingredients=bare)) == "none"
        assert "physics alone" in limits(creator(COUNTS, 0, ingredients=bare))
    assert templates_used({"command": "data_prep.sdss", "config": {"release": "dr17"}}) == "none"


def test_a_card_names_the_instruments_of_its_survey():
    made = creator(COUNTS, 0, ingredients=Ingredients(observed_by=("desi", "sdss")))
    assert "DESI, SDSS" in limits(made) and "BOSS spectra of quasar targets" not in limits(made)
    del made["config"]["instruments"]  # as the first surveys, of BOSS alone
    assert "BOSS spectra of quasar targets" in limits(made)


def test_cards_of_earlier_surveys_say_what_is_known_of_their_templates():
    made = creator(COUNTS, 0)
    for templates, words in {
        "shipped": ("redrock-templates (BSD-3-Clause", "PyHammer (MIT"),
        "/a/folder": ("of unknown origin and license",),
    }.items():
        earlier = made | {"config": made["config"] | {"templates": templates}}
        for used in (templates_used(earlier), limits(earlier)):
            assert all(word in used for word in words) and "physics alone" not in used


@pytest.mark.parametrize("model", ["linenet", "classifier"])
def test_shipped_cards_name_the_licenses_of_their_templates(model: str):
    folder = shipped()[model]
    card = (folder / "CARD.md").read_text("utf-8")
    assert "PyHammer (MIT license)" in card and "redrock-templates (BSD-3-Clause license)" in card


@pytest.mark.parametrize("model", [name for name in shipped() if "@" in name])
def test_shipped_cards_give_every_setting_that_is_not_the_default_now(model: str):
    folder = shipped()[model]
    command = rebuild_command(run.read_config(folder))
    flags = re.findall(r"--(?!data )\S+ \S+", command)
    card = (folder / "CARD.md").read_text("utf-8")
    [rebuilt_by] = [line for line in card.splitlines() if line.startswith("| rebuilt by")]
    assert all(flag in rebuilt_by for flag in flags)


@pytest.mark.slow
def test_the_command_that_trains_again_asks_for_templates_where_there_were_some(where: Path):
    def command(ingredients: Ingredients, seed: int = 0) -> str:
        data = {"folder": "data/mine", "creator": creator(COUNTS, seed, ingredients=ingredients)}
        task, settings = {"name": "classify"}, {"spectra": 60_000}
        config = {"experiment": "classify", "seed": 0, "task": task, "settings": settings}
        return rebuild_command(config | {"data": data})

    assert command(Ingredients()) == "python -m experiments.classify"
    assert command(Ingredients(templates=where)).startswith("RR_TEMPLATE_DIR=")
    assert command(Ingredients(templates=where), 1).endswith("--data data/mine")
    assert "RR_TEMPLATE_DIR" not in command(Ingredients(templates=where), 1)


def test_the_command_of_a_fine_tuning_run_gives_what_is_not_the_default_there():
    """The usual rate of 1e-3 must be given; 20 epochs are the default with --init."""
    settings = {"spectra": 60_000, "init": "classifier", "epochs": 20, "rate": 1e-3}
    data = {"folder": "data/mine", "creator": creator(COUNTS, 0)}
    config = {"experiment": "classify", "seed": 0, "task": {"name": "classify"}, "data": data}
    command = rebuild_command(config | {"settings": settings})
    assert command == "python -m experiments.classify --init classifier --rate 0.001"
