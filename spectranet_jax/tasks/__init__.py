"""What is asked of a network, one frozen struct a file; `build` is the one table of them."""

from collections.abc import Callable
from typing import Any

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.tasks import classify, linenet, quasarnet, redshift
from spectranet_jax.tasks.task import Columns, Task

__all__ = ["TASKS", "Columns", "Task", "build"]

TASKS: dict[str, Callable[..., Task]] = {
    "classify": classify.task,
    "linenet": linenet.task,
    "quasarnet": quasarnet.task,
    "redshift": redshift.task,
}


def build(name: str, grid: LogGrid, **fields: Any) -> Task:
    """The task of that name on a grid, with the fields that `Task.config` holds.

    Raises:
        InputError: if no task has that name, or it lacks one of the fields.
    """
    if name not in TASKS:
        raise InputError(f"no task is called {name!r}; there are {', '.join(TASKS)}")
    try:
        return TASKS[name](grid, **fields)
    except TypeError as error:
        raise InputError(
            f"{name} cannot be set up: {error}; was this made by another version?"
        ) from error
