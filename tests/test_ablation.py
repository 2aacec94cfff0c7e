"""The effect of ingredients of the mock survey, measured against the scatter over seeds."""

import dataclasses
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import toy_runs
from naming import naming
from rich.console import Console

from data_prep.mock.dataset import prepare
from data_prep.mock.ingredients import NAMES
from experiments import ablate, linenet
from spectranet_jax.datasets import manifest
from spectranet_jax.evaluation import class_scores, redshift_scores
from spectranet_jax.evaluation.ablation import MEASURES, by_chance, effect
from spectranet_jax.evaluation.ablation_figure import ablation_figure
from spectranet_jax.evaluation.ablation_table import ablation_table
from spectranet_jax.evaluation.combined_scores import CombinedScores
from spectranet_jax.evaluation.quasar_scores import QuasarScores
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.training import run


def seed(three: float, nmad: float) -> CombinedScores:
    """Return scores with only the values that an ablation measures."""
    rng = np.random.default_rng(0)
    z = rng.uniform(1, 4, 100)
    redshifts = redshift_scores.scores(z, z)
    of_class = class_scores.scores(rng.integers(0, 4, 9), np.log(np.full((9, 4), 0.25)))
    return CombinedScores(
        **vars(dataclasses.replace(of_class, accuracy_three_class=three)),
        quasars=QuasarScores(100, 100, redshift=dataclasses.replace(redshifts, nmad_dv=nmad)),
        galaxies=None,
        posterior=None,
        z_err_holds=None,
    )


WHOLE_SCORES = [seed(0.97, 250), seed(0.96, 260), seed(0.98, 240)]


def test_an_effect_is_one_that_every_seed_shows():
    part = [seed(0.95, 255), seed(0.93, 300), seed(0.94, 245)]
    three, nmad = (MEASURES[name] for name in ("three classes", "quasars: NMAD (km/s)"))
    change = effect(three, WHOLE_SCORES, part)
    assert change.mean == pytest.approx(0.94) and change.scatter == pytest.approx(0.01)
    assert change.worse and not change.better
    assert not effect(nmad, WHOLE_SCORES, part).worse  # 245 km/s lies within the range of the whole
    assert effect(nmad, part, [seed(1, 10)] * 3).better and effect(three, part, WHOLE_SCORES).better
    same = effect(three, WHOLE_SCORES, WHOLE_SCORES)
    assert not same.worse and not same.better


def test_what_has_no_number_is_neither_worse_nor_better():
    change = effect(MEASURES["galaxies within 1000"], WHOLE_SCORES, WHOLE_SCORES)
    assert change.mean != change.mean and not change.worse and not change.better


def test_chance_is_that_of_every_order_of_the_seeds():
    """By counting the orders of three and three in which all of one kind come first."""
    orders = list(itertools.combinations(range(6), 3))
    apart = [chosen for chosen in orders if chosen in ((0, 1, 2), (3, 4, 5))]
    assert by_chance(3) == len(apart) / len(orders) == 0.1


def test_the_table_marks_what_is_worse_and_what_is_better():
    worse = [seed(0.9, 240), seed(0.91, 250), seed(0.92, 260)]
    text = io.StringIO()
    console = Console(width=200, file=text)
    console.print(ablation_table("toy", WHOLE_SCORES, {"without noise": worse}))
    console.print(ablation_table("toy", worse, {"with noise": WHOLE_SCORES}))
    lines = text.getvalue().splitlines()
    (without,) = [line for line in lines if "without noise" in line]
    assert "0.910 ± 0.010 - " in without and "250 ± 10 " in without
    assert without.count(" - ") == 2  # and galaxies, of which there is no number
    (added,) = [line for line in lines if "│ with noise" in line]
    assert "0.970 ± 0.010 +" in added


def test_the_figure_is_drawn(tmp_path: Path):
    path = ablation_figure(WHOLE_SCORES, {"without noise": WHOLE_SCORES}, tmp_path / "a.png")
    assert path.read_bytes()[1:4] == b"PNG"


@pytest.mark.long
@pytest.mark.usefixtures("no_contact_sheet")
def test_every_kind_is_trained_from_every_seed_and_scored(tmp_path: Path, monkeypatch, capsys):
    """With untrained networks, in place of `linenet.work`."""
    asked = []

    def stand_in(settings: linenet.Config) -> None:
        assert settings.spectra == linenet.Config.spectra  # refused beside data
        left_out = manifest.read(settings.data).creator["config"]["without"]
        asked.append((left_out, settings.seed, settings.epochs, settings.features))
        print("a table of the training")
        if not (settings.out / run.CONFIG).exists():
            toy_runs.untrained(settings.out, toy_runs.LINENET, {"name": "linenet"}, len(asked))

    monkeypatch.setattr(linenet, "work", stand_in)
    known, out = tmp_path / "known", tmp_path / "out"
    prepare(known, dict.fromkeys(CLASSES, 40), 5, GRID)
    settings = ablate.Config(
        data=known, out=out, ingredients=("blueshifts",), spectra=1000, epochs=2, features=4
    )
    ablate.work(settings)
    assert asked == [(left, seed, 2, 4) for left in ([], ["blueshifts"]) for seed in range(3)]
    content = json.loads((out / "known-test.json").read_text())
    assert content["data"]["fingerprint"] == manifest.read(known).fingerprint
    assert list(content["scores"]) == ["nothing left out", "blueshifts"]
    assert len({run["loss"] for runs in content["scores"].values() for run in runs}) == 6
    assert (out / "known-test.png").exists()
    assert "a table" not in capsys.readouterr().out

    survey = out / "blueshifts" / "survey" / "manifest.json"
    before = survey.stat().st_mtime_ns
    ablate.work(settings)  # goes on where it was: at its end
    assert json.loads((out / "known-test.json").read_text()) == content
    assert survey.stat().st_mtime_ns == before
    assert (out / "blueshifts" / "seed0.log").read_text().count("a table of the training") == 2
    with pytest.raises(InputError, match=r"survey .*--out"):
        ablate.work(dataclasses.replace(settings, spectra=2000))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seeds": 2}, "--seeds 2 is too small; give 3 or more"),
        ({"spectra": 16}, "--spectra 16 is too small"),
        ({"features": 0}, "--features 0 is too small"),
        ({"epochs": 0}, "--epochs 0 is too small"),
        ({"ingredients": ("salt",)}, "salt"),
        ({"ingredients": ("empirical templates",)}, "RR_TEMPLATE_DIR"),
    ],
)
def test_wrong_settings_have_a_sentence(tmp_path: Path, settings: dict, sentence: str):
    with pytest.raises(InputError, match=sentence):
        ablate.work(ablate.Config(data=tmp_path / "known", **settings))


def test_the_help_counts_the_training_runs():
    runs = ablate.Config.seeds * (1 + len(NAMES))
    without_templates = runs - ablate.Config.seeds
    assert re.search(
        naming(f"{runs} training runs", f"{without_templates} without"), ablate.__doc__
    )
