"""Tasks, the questions for a network, one frozen dataclass per file, and their table `TASKS`."""

from typing import Any

from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.tasks.classify_task import ClassifyTask
from spectranet_jax.tasks.linenet_task import LineNetTask
from spectranet_jax.tasks.plain_classify_task import PlainClassifyTask
from spectranet_jax.tasks.quasarnet_task import QuasarNetTask
from spectranet_jax.tasks.redshift_task import RedshiftTask
from spectranet_jax.tasks.task import Task

__all__ = ["TASKS", "Columns", "Task", "build"]

TASKS: dict[str, type[Task]] = {
    "classify": ClassifyTask,
    "classify-plain": PlainClassifyTask,
    "linenet": LineNetTask,
    "quasarnet": QuasarNetTask,
    "redshift": RedshiftTask,
}


def build(name: str, grid: LogGrid, **fields: Any) -> Task:
    """Build the task of that name on a grid; lists, as JSON gives them, become tuples.

    Args:
        name: a key of `TASKS`.
        grid: the bins of the spectra.
        **fields: those that `Task.config` holds.

    Raises:
        InputError: if no task has that name, or it lacks one of the fields.
    """
    if name not in TASKS:
        raise InputError(f"no task is called {name!r}; there are {', '.join(TASKS)}")
    try:
        return TASKS[name](grid, **{k: _frozen(value) for k, value in fields.items()})
    except TypeError as error:
        raise InputError(
            f"{name} cannot be set up: {error}; check that this version made it"
        ) from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
