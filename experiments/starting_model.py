"""Read the configuration of the model that --init names: cheap to import, without JAX.

Fine-tuning starts from the weights of this model, so a run has its network, task and grid.
"""

from pathlib import Path
from typing import Any, NamedTuple

from spectranet_jax.datasets import manifest
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.training import run

Fields = dict[str, Any]
"""Name and fields of a network or of a task, as config.json has them."""


class Described(NamedTuple):
    """Network, task and grid of a model."""

    network: Fields
    task: Fields
    grid: LogGrid


def described(init: str, task: str) -> Described:
    """Return the network, task and grid of a model.

    Args:
        init: shipped model, run folder, exported folder, or file of Keras weights.
        task: name of the task that the model must be for.

    Raises:
        InputError: if there is no such model, or it is for another task.
    """
    from spectranet_jax.inference.finding import find

    place = find(init)
    config = _of_keras(place) if place.is_file() else _of_folder(place)
    try:
        model = Described(dict(config["network"]), dict(config["task"]), LogGrid(**config["grid"]))
        name = model.task["name"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"--init {init}: its {run.CONFIG} does not describe a model; give an unchanged run"
            " folder"
        ) from error
    if name != task:
        raise InputError(
            f"--init {init} is a model for the task {name}, but this command trains for {task};"
            " give another model, or use the command that trained it"
        )
    return model


def check_data(init: str, grid: LogGrid, data: Path) -> None:
    """Raise InputError if a dataset is not on the grid of the model that --init names."""
    of_data = manifest.read(data).grid
    if of_data != grid:
        raise InputError(
            f"{data} has the grid {of_data}, but --init {init} has {grid}; give a dataset on the"
            " model's grid, or leave --init out"
        )


def _of_folder(place: Path) -> run.Row:
    """Return the contents of config.json of a run or of an exported model.

    The folder may also be a checkpoint of a run, such as RUN/checkpoints/last.
    """
    holders = (folder for folder in (place, *place.parents[:2]) if (folder / run.CONFIG).is_file())
    return run.read_config(next(holders, place))


def _of_keras(file: Path) -> run.Row:
    from dataclasses import asdict

    from spectranet_jax.inference import keras_weights
    from spectranet_jax.spectra.grid import QUASARNET_GRID

    fields = keras_weights.read(file).fields
    return {
        "network": {"name": "QuasarNet", **fields},
        "task": {"name": "quasarnet", "boxes": fields["boxes"]},
        "grid": asdict(QUASARNET_GRID),
    }
