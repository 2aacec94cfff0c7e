"""What an ingredient of the mock survey is worth, told against the scatter of seeds."""

import json
from pathlib import Path

import pytest
import toy_runs

from data_prep.mock.dataset import prepare
from experiments import ablate, linenet
from experiments.tables import ablation_table
from spectranet_jax.evaluation.ablation import MEASURES, ablation_figure, effect
from spectranet_jax.spectra import CLASSES, InputError, manifest


def said(three: float, nmad: float) -> dict:
    within = {"1000": {"fraction": 0.9}, "3000": {"fraction": 0.95}}
    return {
        "accuracy_three_class": three,
        "log_loss": 0.2,
        "quasars": {"redshift": {"nmad_dv": nmad, "within": within}},
        "galaxies": None,
    }


WHOLE = [said(0.97, 250), said(0.96, 260), said(0.98, 240)]


def test_an_effect_is_one_that_every_seed_shows():
    part = [said(0.95, 255), said(0.93, 300), said(0.94, 245)]
    three, nmad = (MEASURES[name] for name in ("three classes", "quasars: NMAD (km/s)"))
    found = effect(three, WHOLE, part)
    assert found.mean == pytest.approx(0.94) and found.scatter == pytest.approx(0.01)
    assert found.worse and not found.better
    assert not effect(nmad, WHOLE, part).worse  # 245 km/s lies within the range of the whole
    assert effect(nmad, part, [said(1, 10)] * 3).better and effect(three, part, WHOLE).better
    same = effect(three, WHOLE, WHOLE)
    assert not same.worse and not same.better


def test_what_has_no_number_is_neither_worse_nor_better():
    found = effect(MEASURES["galaxies within 1000"], WHOLE, WHOLE)
    assert found.mean != found.mean and not found.worse and not found.better


def test_the_table_and_the_figure_have_a_row_a_part(tmp_path: Path):
    table = ablation_table("toy", WHOLE, {"without noise": WHOLE[:2]})
    assert table.row_count == 2 and len(table.columns) == 1 + len(MEASURES)
    path = ablation_figure(WHOLE, {"without noise": WHOLE[:2]}, tmp_path / "a.png")
    assert path.read_bytes()[1:4] == b"PNG"


def test_every_kind_is_trained_from_every_seed_and_scored(tmp_path: Path, monkeypatch, capsys):
    """On networks that are not trained, in the place of `linenet.work`."""
    asked = []

    def stand_in(settings: linenet.Config) -> None:
        asked.append((manifest.read(settings.data).creator["config"]["without"], settings.seed))
        toy_runs.untrained(settings.out, toy_runs.LINENET, {"name": "linenet"}, len(asked))

    monkeypatch.setattr(linenet, "work", stand_in)
    known = tmp_path / "known"
    prepare(known, dict.fromkeys(CLASSES, 40), seed=5)
    settings = ablate.Config(
        data=known, out=tmp_path / "out", ingredients=("blueshifts",), seeds=2, spectra=16
    )
    ablate.work(settings)
    assert asked == [([], 0), ([], 1), (["blueshifts"], 0), (["blueshifts"], 1)]
    first = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert list(first) == ["nothing left out", "blueshifts"]
    losses = {one["loss"] for scores in first.values() for one in scores}
    assert len(losses) == 4  # no two alike
    assert (tmp_path / "out" / "ablation.png").exists()
    assert "blueshifts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"seeds": 1}, "tells no scatter"), ({"ingredients": ("salt",)}, "salt is no ingredient")],
)
def test_wrong_settings_have_a_sentence(tmp_path: Path, settings: dict, sentence: str):
    prepare(tmp_path / "known", dict.fromkeys(CLASSES, 10), seed=5)
    with pytest.raises(InputError, match=sentence):
        ablate.work(ablate.Config(data=tmp_path / "known", **settings))
