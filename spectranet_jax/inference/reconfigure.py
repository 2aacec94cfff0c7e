"""Options of the tasks that a user can set at prediction, without new training."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from spectranet_jax import tasks
from spectranet_jax.inference import Model
from spectranet_jax.spectra.errors import InputError


def reconfigured(models: Sequence[Model], flags: Mapping[str, Any]) -> list[Model]:
    """Return the models with fields of their tasks replaced, wherever a task has such an option.

    Args:
        models: trained models.
        flags: flag of an option (`Task.options`) -> value; None leaves what the model has.

    Raises:
        InputError: if no model has an option that is set, or its value is none.
    """
    values = {flag: value for flag, value in flags.items() if value is not None}
    for flag in values:
        if not any(flag in _flags(model.task) for model in models):
            kinds = [task.kind for task in tasks.TASKS.values() if flag in _flags(task)]
            raise InputError(
                f"{flag} is for a {' or a '.join(kinds)}, but no --model is one; leave it out"
            )
    return [_with(model, values) for model in models]


def _flags(task: tasks.Task | type[tasks.Task]) -> list[str]:
    return [option.flag for option in task.options.values()]


def _with(model: Model, values: Mapping[str, Any]) -> Model:
    fields = {
        field: option.parse(values[option.flag])
        for field, option in model.task.options.items()
        if option.flag in values
    }
    if not fields:
        return model
    task = dataclasses.replace(model.task, **fields)
    return dataclasses.replace(model, config=model.config | {"task": task.config}, task=task)
