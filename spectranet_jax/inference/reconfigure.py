"""What a user decides at prediction, without training anew: thresholds and priors."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from spectranet_jax import tasks
from spectranet_jax.inference import Model
from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.tasks.linenet import PRIORS

OF_A = {
    "threshold": "QuasarNET",
    "prior": "LineNet",
    "bal_threshold": "LineNet",
}
"""Field of a task's configuration -> the kind of model that has it."""

FLAGS = {"threshold": "--threshold", "prior": "--class-prior", "bal_threshold": "--bal-threshold"}


def reconfigured(models: Sequence[Model], given: Mapping[str, Any]) -> list[Model]:
    """The models with some fields of their tasks replaced, wherever a task has the field.

    Args:
        models: trained models.
        given: field of a task's configuration -> value; None leaves what the model has.

    Raises:
        InputError: if no model has a field that is given.
    """
    wanted = {field: value for field, value in given.items() if value is not None}
    for field in wanted:
        if not any(field in model.task.config for model in models):
            raise InputError(
                f"{FLAGS[field]} is for a {OF_A[field]}, and no --model is one; leave it out"
            )
    return [_with(model, wanted) for model in models]


def _with(model: Model, wanted: Mapping[str, Any]) -> Model:
    fields = {field: value for field, value in wanted.items() if field in model.task.config}
    if not fields:
        return model
    task = tasks.build(grid=model.grid, **model.task.config | fields)
    return dataclasses.replace(model, config=model.config | {"task": task.config}, task=task)


def class_prior(text: str | None) -> tuple[float, ...] | None:
    """The prior that --class-prior names or lists, adding up to 1; None for the model's own.

    Raises:
        InputError: if it is neither a name nor four numbers.
    """
    if text is None:
        return None
    if text in PRIORS:
        return PRIORS[text]
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != len(CLASSES) or not all(0 <= v < float("inf") for v in values):
        values = []
    if not sum(values) > 0:
        raise InputError(
            f"--class-prior {text} is no prior; give {', '.join(PRIORS)}, or four numbers for"
            f" {', '.join(CLASSES)}, as 0.3,0.1,0.5,0.1"
        )
    return tuple(value / sum(values) for value in values)


def probability(flag: str, value: float | None) -> float | None:
    """The value, if it is a probability or None.

    Raises:
        InputError: if it is not.
    """
    if value is not None and not 0 <= value <= 1:
        raise InputError(f"{flag} {value} is no probability; give 0 to 1")
    return value
