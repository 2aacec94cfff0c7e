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
"""Least number of validation spectra to calibrate anew. ZWARN's threshold allows one error in 500,
and with fewer spectra it would be decided by none or one; the model's own calibration is kept then.
"""


@dataclass(frozen=True)
class Start:
    """The beginning of a fine-tuning.

    Attributes:
        network: name and fields of the model's network, as `networks.build` takes them.
        task: the model's, for the training spectra at hand.
        variables: parameters and statistics of the model, NumPy arrays.
        calibrated: whether the task is to be calibrated anew after training.
        record: for config.json: name of the model, sha256 of its weights, and the fingerprint of
            the dataset that it was trained on.
    """

    network: dict[str, Any]
    task: Task
    variables: Variables
    calibrated: bool
    record: dict[str, str]


def start_from(init: str, training: Split, validation: Split) -> Start:
    """Return the beginning of a training on these spectra that starts from a model.

    Args:
        init: the model, as `inference.load` takes it.
        training: spectra to train on.
        validation: spectra that the best checkpoint is chosen by.

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
        of_model(model),
    )


def of_model(model: Model) -> dict[str, str]:
    """Return what config.json says of the model that a training started from."""
    return {
        "model": model.name,
        "sha256": model.sha256,
        "data": model.config["data"]["fingerprint"],
    }


def uncalibrated(task: Task) -> Task:
    """Return a task with the fields that calibration fits as they are before it."""
    default: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(task)}
    return dataclasses.replace(task, **{name: default[name] for name in task.calibrated})
