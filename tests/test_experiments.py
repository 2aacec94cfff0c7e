"""The commands, end to end: train, evaluate, predict, export, each from what the last one wrote."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_survey
from astropy.table import Table
from make_fits import write_spec
from matplotlib.image import imread

import spectranet_jax
from experiments import classify, evaluate, export, pipeline, redshift
from spectranet_jax.datasets import manifest
from spectranet_jax.inference import load, versions
from spectranet_jax.spectra import CLASSES, InputError

ROOT = Path(__file__).parents[1]
COUNT = 800
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_device")]  # since they train


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiments") / "toy"
    toy_survey.write(folder, COUNT)
    return folder


SHORT: dict[str, Any] = {"epochs": 2, "batch": 64, "seed": 3}


def train_classifier(data: Path, out: Path) -> None:
    classify.work(classify.Config(data=data, out=out, rate=5e-3, **SHORT))


@pytest.fixture(scope="module")
def classifier(data: Path) -> Path:
    out = data.parent / "clf"
    train_classifier(data, out)
    return out


@pytest.fixture(scope="module")
def regressor(data: Path) -> Path:
    out = data.parent / "z"
    redshift.work(redshift.Config(data=data, out=out, target="qso", **SHORT))
    return out


def scores(run: Path, split: str = "test") -> dict[str, Any]:
    return json.loads((run / "evaluation.json").read_text())[split]["scores"]


def evaluated(run: Path | str, **settings: Any) -> None:
    evaluate.work(evaluate.Config(str(run), **settings))


@pytest.mark.parametrize(
    ("done", "words"),
    [(1, "resuming after step 1 of"), (10**6, "training is complete, evaluating again: step")],
)
def test_a_run_tells_from_where_it_goes_on(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    done: int,
    words: str,
):
    def stop(*_args: Any, **_settings: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "train", stop)
    for latest, notices in ((0, 0), (done, 1)):
        monkeypatch.setattr(pipeline.checkpoint, "latest_step", lambda *_, step=latest: step)
        with pytest.raises(KeyboardInterrupt, match=r"same command .*resume .*run$"):
            train_classifier(data, tmp_path / "run")
        assert capsys.readouterr().out.count(f"\nclassify: {words}") == notices


@pytest.mark.long
@pytest.mark.parametrize("which", ["classifier", "regressor"])
def test_evaluation_from_the_run_folder_alone_gives_the_very_numbers(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
):
    trained: Path = request.getfixturevalue(which)
    copy = tmp_path / "elsewhere"
    (copy / "checkpoints").mkdir(parents=True)
    shutil.copy(trained / "config.json", copy)
    shutil.copytree(trained / "checkpoints" / "best", copy / "checkpoints" / "best")
    evaluated(copy)
    assert scores(copy) == scores(trained)
    evaluated(trained, out=tmp_path / "out")
    assert (tmp_path / "out" / "evaluation.json").read_bytes() == (
        trained / "evaluation.json"
    ).read_bytes()


def test_a_run_folder_tells_how_it_came_about(data: Path, classifier: Path, regressor: Path):
    for folder, name in ((classifier, "classify"), (regressor, "redshift-qso")):
        config = json.loads((folder / "config.json").read_text())
        assert config["experiment"] == name
        assert config["settings"]["epochs"] == 2 and config["settings"]["batch"] == 64
        assert config["seed"] == 3
        fingerprint = manifest.read(data).fingerprint
        creator = {"program": "toy"}
        assert config["data"] == {
            "folder": str(data),
            "fingerprint": fingerprint,
            "creator": creator,
        }
        assert config["versions"]["spectranet-jax"] == spectranet_jax.__version__
        for package in ("jax", "flax", "optax", "numpy"):
            assert config["versions"][package] == importlib.metadata.version(package)
        evaluation = json.loads((folder / "evaluation.json").read_text())["test"]
        assert evaluation["config"] == config
        assert evaluation["sha256"] == load(folder).sha256
        assert evaluation["data"]["fingerprint"] == fingerprint


def test_scores_are_of_every_spectrum_that_takes_part(
    data: Path, classifier: Path, regressor: Path
):
    counts = manifest.read(data).counts["test"]
    of_classes = scores(classifier)
    assert of_classes["n"] == of_classes["spectra"] == sum(counts.values())
    support = {name: of_classes["per_class"][name]["support"] for name in CLASSES}
    assert support == counts
    fractions = np.array(of_classes["confusion"]["fractions"])
    np.testing.assert_allclose(fractions.sum(axis=1), 1)
    assert scores(regressor)["n"] == counts["QSO"]


def test_redshift_is_standardized_by_the_training_spectra(data: Path, regressor: Path):
    task = load(regressor).config["task"]
    original = toy_survey.block(COUNT)
    quasars = manifest.read(data).counts["train"]["QSO"]
    assert 0 < quasars < (original.label == 2).sum()
    # Uniform between 0.5 and 2: mean 1.25 and deviation 0.433, each to a few standard errors.
    assert task["mean"] == pytest.approx(1.25, abs=4 * 0.433 / quasars**0.5)
    assert task["std"] == pytest.approx(0.433, abs=0.06)
    of_test = scores(regressor)
    assert of_test["mse"] == pytest.approx(of_test["loss"] * task["std"] ** 2, rel=1e-4)
    assert of_test["mae"] <= of_test["mse"] ** 0.5


def test_figures_are_pictures(classifier: Path, regressor: Path):
    expected = {
        classifier: {"confusion_matrix", "examples", "loss"},
        regressor: {"redshift", "residuals", "loss"},
    }
    for folder, names in expected.items():
        assert {path.stem for path in (folder / "figures").iterdir()} == names
        for name in names:
            picture = imread(folder / "figures" / f"{name}.png")
            assert min(picture.shape[:2]) > 200 and picture.std() > 0.01


@pytest.mark.long
def test_splits_and_datasets_that_are_asked_for(data: Path, classifier: Path, tmp_path: Path):
    other = tmp_path / "other"
    toy_survey.write(other, 400, seed=1)
    evaluated(classifier, split="valid", out=tmp_path / "out")
    evaluated(classifier, split="train", data=other, out=tmp_path / "out")
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    for split, folder in (("valid", data), ("train", other)):
        contents = manifest.read(folder)
        assert content[split]["scores"]["n"] == sum(contents.counts[split].values())
        assert content[split]["data"] == {
            "folder": str(folder),
            "fingerprint": contents.fingerprint,
        }
    assert (tmp_path / "out" / "figures-valid" / "loss.png").exists()

    before = (classifier / "evaluation.json").read_bytes()
    evaluated(classifier, data=other)
    assert (classifier / "evaluation.json").read_bytes() == before
    assert scores(classifier / "evaluations" / "other")["n"] == sum(
        manifest.read(other).counts["test"].values()
    )
    shutil.rmtree(classifier / "evaluations")


def test_data_that_changed_or_went_are_reported(data: Path, classifier: Path, tmp_path: Path):
    moved = tmp_path / "run"
    shutil.copytree(classifier, moved)
    config = json.loads((moved / "config.json").read_text())
    for folder, words in (
        (tmp_path / "new", r"new .*--data"),
        (tmp_path / "gone", r"gone.*--data"),
    ):
        config["data"]["folder"] = str(folder)
        (moved / "config.json").write_text(json.dumps(config))
        if folder.name == "new":
            toy_survey.write(folder, 400, seed=1)
        with pytest.raises(InputError, match=words):
            evaluated(moved)
    evaluated(moved, data=data)
    assert scores(moved) == scores(classifier)


def test_training_again_in_the_folder_changes_nothing(data: Path, classifier: Path):
    before = {p: p.read_bytes() for p in classifier.rglob("*") if p.suffix in (".json", ".jsonl")}
    assert len(before) == 3
    train_classifier(data, classifier)
    assert {p: p.read_bytes() for p in before} == before


def test_exported_weights_are_those_of_the_run(
    classifier: Path, regressor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    export.work(export.Config(classifier, "tiny", out=tmp_path))
    trained, folder = load(classifier), tmp_path / "tiny@1"
    exported = load(folder)
    assert exported.sha256 == trained.sha256 and exported.config == trained.config
    flux, ivar = toy_survey.block(7).flux, toy_survey.block(7).ivar
    assert exported.predict(flux, ivar).pformat() == trained.predict(flux, ivar).pformat()
    card = (folder / "CARD.md").read_text("utf-8")
    assert trained.sha256 in card and f"{scores(classifier)['accuracy']:.3f}" in card

    monkeypatch.setattr(versions, "shipped", lambda *_: {"tiny": folder})
    with pytest.raises(InputError, match=r"tiny .*--out"):
        evaluated("tiny")
    evaluated("tiny", out=tmp_path / "out")
    assert scores(tmp_path / "out") == scores(classifier)
    with pytest.raises(InputError, match="classify and linenet"):
        export.work(export.Config(regressor, "z", out=tmp_path))
    for name in ("", "..", "a/b", "/a", "tiny@3"):
        with pytest.raises(InputError, match="--name"):
            export.work(export.Config(classifier, name, out=tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "tiny@1"]


def test_an_export_needs_an_evaluation_of_the_same_weights(classifier: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(classifier, run)
    evaluation = json.loads((run / "evaluation.json").read_text())
    evaluation["test"]["sha256"] = "0" * 64
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    with pytest.raises(InputError, match=rf"{run} .*--also"):
        export.work(export.Config(run, "tiny", out=tmp_path / "out"))
    (run / "evaluation.json").unlink()
    with pytest.raises(InputError, match=r"experiments\.evaluate"):
        export.work(export.Config(run, "tiny", out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


CONSOLE = "spectranet_jax.commands.main"


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PATH": "/usr/bin:/bin"}
    environment["XDG_CACHE_HOME"] = str(cwd / "caches")
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=environment)


@pytest.mark.long
def test_from_a_dataset_to_a_catalog_by_commands_alone(tmp_path: Path):
    """The real networks, in processes of their own, from a folder with a space in its name."""
    home = tmp_path / "my spectra ñ"
    home.mkdir()
    write_spec(home / "spec-1.fits")
    toy_survey.write(home / "toy", 300)
    short = ("--data", "toy", "--epochs", "1", "--batch", "64")
    for line, files in {
        ("experiments.classify", *short): ["runs/classify/figures/loss.png"],
        ("experiments.evaluate", "runs/classify", "--out", "again"): ["again/figures/examples.png"],
        (CONSOLE, "predict", "spec-1.fits", "--model", "runs/classify"): ["catalog.fits"],
    }.items():
        done = command(*line, cwd=home)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr and "error" not in done.stderr
        assert all((home / name).exists() and name in done.stdout for name in files), done.stdout
        assert "…" not in done.stdout  # no table is cut off
    assert (home / "again" / "evaluation.json").read_bytes() == (
        home / "runs" / "classify" / "evaluation.json"
    ).read_bytes()
    table = Table.read(home / "catalog.fits")
    assert table["FILE"].tolist() == ["spec-1.fits"]
