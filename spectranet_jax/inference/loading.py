"""Loading of trained models: shipped weights, run folders, or Keras's HDF5."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from spectranet_jax import networks, tasks
from spectranet_jax.datasets import checksums
from spectranet_jax.inference import keras_weights, weights
from spectranet_jax.inference.columns import COLUMNS
from spectranet_jax.inference.finding import DEFAULT, find
from spectranet_jax.inference.model import Model
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import QUASARNET_GRID, LogGrid
from spectranet_jax.tasks import Task
from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.distributed import agreed
from spectranet_jax.training.steps import Network, init_variables, make_predict_step

READ_FROM_CONFIG = (
    ("experiment",),
    ("network", "name"),
    ("task", "name"),
    ("grid",),
    ("seed",),
    ("data", "folder"),
    ("data", "fingerprint"),
    ("versions", "spectranet-jax"),
)
"""Fields of every config.json, each as the keys that lead to it."""


def load(model: str | Path = DEFAULT) -> Model:
    """Load a shipped model by name, the best checkpoint of a run folder, or a QuasarNET of Keras.

    See `find`. RUN/checkpoints/last is the last checkpoint of a run. What is loaded has been
    verified by its sha256.

    Raises:
        InputError: if there is no such model, or its folder or file is damaged.
    """
    folder = find(model)
    if folder.is_file():
        return _from_keras(folder)
    name = folder.resolve().name
    folder, kind = checkpoint.named(folder)
    exported = (folder / weights.FILE_NAME).is_file()
    if exported:
        checksums.check(folder, "install spectranet-jax again, or copy the folder again")
    config = run.read_config(folder)
    _check(folder, config)
    network, task = _built(folder, config)
    like = _variables(folder, network, task)
    if exported:
        variables = weights.load(folder / weights.FILE_NAME, like)
    else:
        stored = agreed(lambda: checkpoint.restore(folder, kind, like), checkpoint.empty(like))
        variables = jax.device_put(stored)
    return Model(name, config, network, task, variables)


def _built(folder: Path, config: dict[str, Any]) -> tuple[Network, Task[Any]]:
    """Build the network and the task that config.json and calibration.json describe.

    Raises:
        InputError: if they describe none, as where a value is of another kind.
    """
    try:
        config["task"] |= run.read_calibration(folder)
        grid = LogGrid(**config["grid"])
        network = networks.build(grid=grid, **config["network"])
        return network, tasks.build(grid=grid, **config["task"])
    except InputError:
        raise
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        reason = next(filter(None, str(error).splitlines()), type(error).__name__)
        raise InputError(
            f"{folder / run.CONFIG} describes no model ({reason[:100]}); give a run folder as it"
            " was trained"
        ) from error


def _from_keras(file: Path) -> Model:
    """Load a QuasarNET from Keras's HDF5 file, with the inputs and decoding of QuasarNET."""
    fields, variables, version = keras_weights.read(file)
    task = tasks.build("quasarnet", QUASARNET_GRID, boxes=fields["boxes"])
    named = {"name": "QuasarNet", **fields}
    config = {
        "experiment": "keras",
        "grid": dataclasses.asdict(QUASARNET_GRID),
        "network": named,
        "task": task.config,
        "seed": "unknown",
        "data": {"folder": "unknown", "fingerprint": "unknown"},
        "versions": {"keras": version},
    }
    network = networks.build(grid=QUASARNET_GRID, **named)
    like = jax.eval_shape(lambda key: init_variables(network, task, key), jax.random.key(0))
    if not weights.alike(variables, like):
        raise InputError(f"{file} holds weights that do not fit its configuration; fetch it again")
    return Model(file.name, config, network, task, variables)


def _check(folder: Path, config: dict[str, Any]) -> None:
    """Raise InputError unless a config.json has all that is read from it."""
    for keys in READ_FROM_CONFIG:
        content: Any = config
        for key in keys:
            content = content.get(key) if isinstance(content, dict) else None
        if content is None:
            raise InputError(
                f"{folder / run.CONFIG} lacks {'.'.join(keys)}; give a run folder as it was trained"
            )


def _variables(folder: Path, network: Network, task: Task[Any]) -> Any:
    """Return shapes and dtypes of the network's variables.

    Raises:
        InputError: if the network cannot be built, or does not answer what the task asks.
    """
    spectrum = jax.ShapeDtypeStruct((1, task.grid.size), np.float32)  # type: ignore[no-untyped-call]
    try:
        like = jax.eval_shape(lambda key: init_variables(network, task, key), jax.random.key(0))
        output = jax.eval_shape(make_predict_step(network, task), like, spectrum, spectrum)
        columns = task.decode(jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), output))
        in_catalog = columns.keys() & (COLUMNS.keys() | task.columns.keys())
        fits = all(columns[name].shape == (1,) for name in in_catalog)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        fits = False
    if not fits:
        raise InputError(
            f"{folder / run.CONFIG} has a network and a task that do not fit each other;"
            " give a run folder as it was trained"
        )
    return like
