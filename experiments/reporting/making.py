"""From a stage to its run folder: trained, resumed, or kept if it is complete."""

import dataclasses
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from experiments.evaluate import record
from experiments.pipeline import run_config, train_run
from experiments.reporting.sizes import Sizes
from experiments.reporting.stages import SURVEYS, Settings, Stage
from experiments.training_data import dataset_folder, training_split
from spectranet_jax import tasks
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.split import Split, first, open_split
from spectranet_jax.inference import load
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.tasks import Task, redshift_task
from spectranet_jax.training import run
from spectranet_jax.training.scoring import make_evaluate

LOG = "report.log"
"""Output of the runs, in the folder of all of them."""


def surveys(data: Path | None, sizes: Sizes) -> dict[str, Path]:
    """Return the dataset of each of `SURVEYS`: the user's, or mock surveys, made if missing."""
    spectra = {"all": sizes.survey, "qso": sizes.survey, "bal": sizes.bal}
    return {
        name: dataset_folder(Settings(data=data, spectra=spectra[name], seed=seed), name, classes)
        for name, (classes, seed) in SURVEYS.items()
    }


def within(sizes: Sizes, surveys: Mapping[str, Path]) -> Sizes:
    """Return sizes that the datasets allow."""
    training = {name: manifest.read(data).counts["train"] for name, data in surveys.items()}
    known = sum(count for name, count in training["all"].items() if name in CLASSES)
    return sizes.within(known, training["qso"]["QSO"])


def made(stage: Stage, out: Path, data: Path) -> tuple[Path, bool]:
    """Train and evaluate a run unless it is complete.

    Args:
        stage: what to train.
        out: folder of all runs.
        data: its dataset.

    Returns:
        the run folder, and whether there was anything to do.

    Raises:
        InputError: if the folder holds a run with other settings.
    """
    folder = out / stage.name
    settings = dataclasses.replace(stage.settings, data=data, out=folder)
    training, task = prepared(stage, data)
    content = run_config(stage.name, settings, training, dict(stage.network), task)
    run.check_folder(folder, content)
    if "test" in run.read_evaluation(folder):
        return folder, False
    with (out / LOG).open("a", encoding="utf-8") as log, redirect_stdout(log):
        validation = open_split(data, "valid", task.select)
        train_run(stage.name, settings, training, validation, dict(stage.network), task)
    model = load(folder)
    test = open_split(data, "test", model.task.select)
    record(folder, model, test, make_evaluate(model.network, model.task, test)(model.variables))
    return folder, True


def prepared(stage: Stage, data: Path) -> tuple[Split, Task]:
    """Return the spectra that a stage trains on, and its task."""
    grid, fields = manifest.read(data).grid, {}
    if stage.target is None:
        select: Any = tasks.build(stage.task, grid).select
    else:
        select = partial(redshift_task.select, stage.target)
    training = first(training_split(data, select), stage.settings.training_spectra)
    if stage.target is not None:
        mean, std = redshift_task.standardization(training.columns["z"])
        fields = {"target": stage.target, "mean": mean, "std": std}
    return training, tasks.build(stage.task, grid, **fields)
