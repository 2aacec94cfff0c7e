"""Training that starts from a trained model: what it keeps, records, resumes and refuses."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import toy_runs
import toy_survey
from naming import naming
from toy_training import NETWORK, TASK, Splits, last_state, make_splits, run_training

from data_prep.division import by_hash
from data_prep.write import Plan, Provenance, write_dataset
from experiments import classify, fine_tuning, linenet, quasarnet, redshift
from experiments.export import Config as Exporting
from experiments.export import work as export
from experiments.settings import Training, defaults
from spectranet_jax.datasets.records import BLOCK_SIZE
from spectranet_jax.datasets.split import open_split
from spectranet_jax.inference import load, weights
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError, LogGrid
from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.scoring import make_evaluate
from spectranet_jax.training.steps import init_variables

CALIBRATION = {
    "temperature": 0.75,
    "class_temperature": 1.25,
    "between": 1.4,
    "zwarn_threshold": 0.9,
}


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 40 labels."""
    folder = tmp_path_factory.mktemp("few") / "data"
    toy_survey.write(folder, 40, seed=5)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a LineNet with a calibration."""
    folder = tmp_path_factory.mktemp("model") / "own"
    network = toy_runs.LINENET | {"dropout": 0.0}
    return toy_runs.untrained(folder, network, {"name": "linenet", **CALIBRATION})


def config_of(init: Path, kind: Any = linenet.Config, **flags: Any) -> Any:
    """What the command line makes of --init and some flags."""
    return dataclasses.replace(defaults(kind(init=str(init))), init=str(init), **flags)


@pytest.fixture(scope="module")
def tuned(few: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned") / "run"
    linenet.work(config_of(model, data=few, out=folder, epochs=3))
    return folder


@pytest.mark.slow
def test_it_starts_with_the_models_weights_and_keeps_its_task(
    few: Path, model: Path, tuned: Path
) -> None:
    before, after = load(model), load(tuned)
    first, *_ = run.read_metrics(tuned)
    valid = open_split(few, "valid", before.task.select)
    start = fine_tuning.start_from(str(model), open_split(few, "train", after.task.select), valid)
    of_start = make_evaluate(before.network, start.task, valid)(before.variables)
    assert first == {"step": 0, "valid_loss": pytest.approx(of_start.loss, rel=1e-5)}
    assert after.network == before.network and after.grid == before.grid
    assert after.task == dataclasses.replace(before.task, tuned_prior=after.task.tuned_prior)
    assert after.task.temperature == 0.75  # few spectra do not change the calibration
    assert after.sha256 != before.sha256


@pytest.mark.slow
def test_config_and_card_say_what_it_started_from(model: Path, tuned: Path, tmp_path: Path) -> None:
    config, before = run.read_config(tuned), load(model)
    assert config["init"] == {"model": "own", "sha256": before.sha256, "data": "0" * 64}
    assert config["settings"]["init"] == str(model) and config["settings"]["features"] == 4
    export(Exporting(tuned, "mine", out=tmp_path))
    card = (tmp_path / "mine@1" / "CARD.md").read_text("utf-8")
    assert "| fine-tuned from | own," in card and before.sha256 in card and "--init" in card
    # An exported model is a start as a run folder is.
    assert defaults(linenet.Config(init=str(tmp_path / "mine@1"))).features == 4


@pytest.mark.long
def test_weights_that_nothing_improved_on_are_those_of_the_model(
    few: Path, model: Path, tmp_path: Path
) -> None:
    linenet.work(config_of(model, data=few, out=tmp_path / "run", epochs=1, rate=3.0))
    assert checkpoint.latest_step(tmp_path / "run", checkpoint.BEST) == 0
    assert load(tmp_path / "run").sha256 == load(model).sha256


@pytest.mark.long
def test_many_spectra_calibrate_it_anew(
    few: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuning, "CALIBRATED_FROM", 5)
    linenet.work(config_of(model, data=few, out=tmp_path / "run", epochs=1))
    assert run.read_config(tmp_path / "run")["task"]["temperature"] == 1.0
    fitted = json.loads((tmp_path / "run" / run.CALIBRATION).read_text())
    assert load(tmp_path / "run").task.temperature == fitted["temperature"]
    known = open_split(few, "train", lambda truth: truth["label"] >= 0)
    assert fine_tuning.start_from(str(model), known, known).calibration == CALIBRATION


@pytest.mark.slow
def test_a_run_resumes_only_with_the_same_start(
    few: Path, model: Path, tuned: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in tuned.rglob("*.json*")}
    linenet.work(config_of(model, data=few, out=tuned, epochs=3))
    assert {path: path.read_bytes() for path in before} == before
    other = shutil.copytree(model, tmp_path / "own")
    with pytest.raises(InputError, match=naming("settings.init", "--out")):
        linenet.work(config_of(other, data=few, out=tuned, epochs=3))
    flags = config_of(model, data=few, out=tuned, epochs=3)
    with pytest.raises(InputError, match=naming("settings.init", "--out")):
        linenet.work(dataclasses.replace(flags, init=None))
    # The model was trained further meanwhile.
    shutil.copytree(tuned, tmp_path / "run")
    kept = model.rename(model.with_name("kept"))
    try:
        toy_runs.untrained(model, run.read_config(kept)["network"], {"name": "linenet"}, seed=1)
        with pytest.raises(InputError, match=naming("init.sha256")):
            linenet.work(dataclasses.replace(flags, out=tmp_path / "run"))
    finally:
        shutil.rmtree(model)
        kept.rename(model)


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    return make_splits(tmp_path_factory.mktemp("loop") / "toy")


@pytest.mark.long
@pytest.mark.parametrize("killed_at", [0, 1, 13])
def test_a_killed_run_resumes_bit_for_bit(splits: Splits, tmp_path: Path, killed_at: int) -> None:
    """At 0 it was killed before its first state was saved."""
    start = jax.device_get(init_variables(NETWORK, TASK, jax.random.key(9)))
    recipe = {"start": start, "epochs": 2}
    whole, folder = tmp_path / "whole", tmp_path / "run"
    run_training(splits, whole, recipe=recipe)
    run_training(splits, folder, recipe=recipe, stop_after=max(killed_at, 1))
    if not killed_at:
        shutil.rmtree(folder / checkpoint.FOLDER / checkpoint.LAST)
    run_training(splits, folder, recipe=recipe)
    states = [last_state(splits, path) for path in (whole, folder)]
    for ours, theirs in zip(*map(jax.tree.leaves, states), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (folder / run.METRICS).read_bytes() == (whole / run.METRICS).read_bytes()
    # Convolutions and the statistics of BatchNorm are those of the start, all else is not.
    before, after = (weights.flatten(tree) for tree in (start, states[0].variables))
    kept = {name for name in before if np.array_equal(before[name], after[name])}
    assert kept == {name for name in before if "Conv" in name or "batch_stats" in name}
    assert any("Conv" in name for name in kept) and any("batch_stats" in name for name in kept)


def test_defaults_are_those_of_the_model_and_of_fine_tuning(model: Path) -> None:
    usual, with_init = linenet.Config(), defaults(linenet.Config(init=str(model)))
    assert defaults(linenet.Config()) == usual
    assert (with_init.features, with_init.dropout) == (4, 0.0)
    assert with_init.rate == pytest.approx(usual.rate / 10) and with_init.batch < usual.batch


def test_a_number_of_the_model_is_a_flag_in_any_notation(few: Path, tmp_path: Path) -> None:
    init = toy_runs.untrained(tmp_path / "own", toy_runs.LINENET, {"name": "linenet"})
    config = json.loads((init / run.CONFIG).read_text())

    def with_dropout(value: Any) -> None:
        config["network"]["dropout"] = value
        (init / run.CONFIG).write_text(json.dumps(config))

    with_dropout(0)
    dropout = defaults(linenet.Config(init=str(init))).dropout
    assert dropout == 0 and type(dropout) is float
    with pytest.raises(InputError, match=naming("--dropout", init)):
        linenet.work(config_of(init, data=few, dropout=0.5))
    with_dropout("none")
    with pytest.raises(InputError, match=naming(init, run.CONFIG, "dropout", "'none'")):
        defaults(linenet.Config(init=str(init)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "network", "task"),
    [
        (classify, toy_runs.CLASSIFIER, toy_runs.CLASSIFY),
        (redshift, toy_runs.REGRESSOR, toy_runs.REDSHIFT),
    ],
)
def test_every_network_can_be_fine_tuned(
    kind: Any, network: Any, task: Any, few: Path, tmp_path: Path
) -> None:
    init = toy_runs.untrained(tmp_path / "init", network, task)
    kind.work(config_of(init, kind.Config, data=few, out=tmp_path / "run", epochs=1))
    assert load(tmp_path / "run").task == load(init).task
    assert run.read_evaluation(tmp_path / "run")["test"]["scores"]["spectra"] > 0


@pytest.mark.long
def test_keras_weights_are_a_start(shared: Path, few: Path, tmp_path: Path) -> None:
    file = shared / "quasarnp" / "test_weights.h5"
    config = config_of(file, quasarnet.Config, data=few, out=tmp_path / "run", epochs=1)
    assert (config.filters, config.convolutions, config.boxes) == (25, 4, 13)
    quasarnet.work(config)
    tuned, keras = load(tmp_path / "run"), load(file)
    assert tuned.network == keras.network and tuned.task == keras.task
    assert run.read_config(tmp_path / "run")["init"]["sha256"] == keras.sha256
    rows = run.read_metrics(tmp_path / "run")
    assert rows[0]["step"] == 0 and np.isfinite(rows[0]["valid_loss"])


def test_flags_that_contradict_the_model_are_refused(few: Path, model: Path) -> None:
    with pytest.raises(InputError, match=naming("--features", 32, 4, model)):
        linenet.work(config_of(model, data=few, features=32))
    with pytest.raises(InputError, match=naming("--dropout", model)):
        linenet.work(config_of(model, data=few, dropout=0.5))
    for wrong in (classify.Config, redshift.Config, quasarnet.Config):
        with pytest.raises(InputError, match=naming(model, "linenet", wrong.task)):
            defaults(wrong(init=str(model)))
    for name in ("nowhere", str(few)):
        with pytest.raises(InputError, match=naming(name)):
            defaults(linenet.Config(init=name))


def test_a_dataset_on_another_grid_is_refused(model: Path, tmp_path: Path) -> None:
    fine = LogGrid(start=3600.0, dloglam=5e-4, size=886)
    block = toy_survey.block(40)
    twice = {name: np.repeat(getattr(block, name), 2, axis=1) for name in ("flux", "ivar")}
    plan = Plan(fine, BLOCK_SIZE, 0, by_hash(0))
    block = dataclasses.replace(block, **twice)
    write_dataset(tmp_path / "fine", [block], plan, Provenance({"program": "toy"}))
    with pytest.raises(InputError, match=naming(tmp_path / "fine", fine, GRID, "--init")):
        linenet.work(config_of(model, data=tmp_path / "fine", out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_command_line_takes_flags_before_the_defaults(
    few: Path, model: Path, capsys: Any
) -> None:
    """A value that is also the usual default is not taken for one that was not given."""
    from spectranet_jax.command_line import command

    got: list[Training] = []
    words = ["--init", str(model), "--data", str(few), "--rate", str(linenet.Config.rate)]
    command(linenet.Config, got.append, "", words, defaults=defaults)
    (config,) = got
    assert (config.rate, config.features, config.init) == (linenet.Config.rate, 4, str(model))
    assert config.epochs == defaults(linenet.Config(init=str(model))).epochs
    with pytest.raises(SystemExit) as stop:
        command(linenet.Config, got.append, "", ["--init", "nowhere"], defaults=defaults)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "nowhere" in error and error.count("\n") == 1
