"""Fine-tuning: training that starts from the weights of a trained model."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax

from spectranet_jax.datasets.split import Split, check_grid
from spectranet_jax.inference import Model, load
from spectranet_jax.tasks import Task
from spectranet_jax.training.steps import Variables

CALIBRATED_FROM = 1000
"""Least number of validation spectra for a new calibration. ZWARN's threshold allows one error in
500, so with fewer spectra it would depend on one error or none. Then the model's own calibration is
kept.
"""


@dataclass(frozen=True)
class Start:
    """The starting point of a fine-tuning run.

    Attributes:
        network: name and fields of the model's network, as `networks.build` takes them.
        task: the model's task, adapted to the training spectra.
        variables: parameters and statistics of the model, NumPy arrays.
        calibrated: whether to calibrate the task again after training.
        calibration: of the model, for what the spectra cannot calibrate again, such as p(z) without
            a secure redshift among them.
        record: for config.json: name of the model, sha256 of its weights, and the fingerprint of
            the dataset that it was trained on.
    """

    network: dict[str, Any]
    task: Task
    variables: Variables
    calibrated: bool
    calibration: dict[str, Any]
    record: dict[str, str]


def start_from(init: str, training: Split, validation: Split) -> Start:
    """Return the starting point for fine-tuning a model on these spectra.

    Args:
        init: the model, as `inference.load` takes it.
        training: spectra to train on.
        validation: spectra by which the best checkpoint is chosen.

    Raises:
        InputError: if the model cannot be loaded, or the spectra are on another grid.
    """
    model = load(init)
    check_grid(training, model.grid)
    task = model.task.trained_on(training.columns)
    calibrated = bool(task.calibrated) and len(validation) >= CALIBRATED_FROM
    return Start(
        model.config["network"],
        uncalibrated(task) if calibrated else task,
        {"batch_stats": {}} | jax.device_get(model.variables),  # a file has no empty group
        calibrated,
        {name: getattr(model.task, name) for name in model.task.calibrated},
        of_model(model),
    )


def of_model(model: Model) -> dict[str, str]:
    """Return the entry of config.json on the model that a run started from."""
    return {
        "model": model.name,
        "sha256": model.sha256,
        "data": model.config["data"]["fingerprint"],
    }


def uncalibrated(task: Task) -> Task:
    """Return a task with the default values of the fields that calibration fits."""
    default: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(task)}
    return dataclasses.replace(task, **{name: default[name] for name in task.calibrated})
