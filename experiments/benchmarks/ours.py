"""Our side: a compiled training step, and prediction, of any network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from experiments.benchmarks.rows import Setting
from spectranet_jax import networks, tasks
from spectranet_jax.networks.plain import in_plain_form
from spectranet_jax.spectra import QUASARNET_GRID
from spectranet_jax.training import optimizers
from spectranet_jax.training.steps import (
    init_state,
    init_variables,
    make_predict_step,
    make_train_step,
)


@dataclass(frozen=True)
class Subject:
    """A network that is measured, and the task it is measured with."""

    network: str
    task: dict[str, Any]

    def build(self) -> tuple[Any, Any]:
        """Build the network and the task."""
        network = networks.build(self.network, QUASARNET_GRID)
        return network, tasks.build(grid=QUASARNET_GRID, **self.task)


SUBJECTS = {
    "Table 1": Subject("SpectraNetClassifier", {"name": "classify"}),
    "Table 3": Subject(
        "SpectraNetRegressor", {"name": "redshift", "target": "qso", "mean": 2.0, "std": 0.7}
    ),
    "QuasarNET": Subject("QuasarNet", {"name": "quasarnet"}),
    "LineNet": Subject("LineNet", {"name": "linenet"}),
}


def spectra(count: int) -> dict[str, NDArray[Any]]:
    """Return random spectra, with all that any of the losses reads."""
    rng = np.random.default_rng(0)
    return {
        "flux": rng.normal(size=(count, QUASARNET_GRID.size)).astype(np.float32),
        "ivar": np.ones((count, QUASARNET_GRID.size), np.float32),
        "label": rng.integers(0, 4, count).astype(np.int32),
        "z": rng.normal(size=count).astype(np.float32),
        "log_z": rng.uniform(0, 1000, count).astype(np.float32),
        "has_z": np.ones(count, np.float32),
    }


def random_variables(subject: str) -> dict[str, Any]:
    """Return fresh parameters and statistics, the same at every call."""
    return init_variables(*SUBJECTS[subject].build(), jax.random.key(0))


def formed(step: Callable[..., Any], setting: Setting, plain: bool) -> Callable[..., Any]:
    """Return a step, in the plain form if requested or if factors are to be rounded.

    The fast form has its factors in full float32 whatever is asked (`networks.winograd`).
    """
    return in_plain_form(step) if plain or setting.precision != "float32" else step


def train_step(subject: str, setting: Setting, plain: bool = False) -> Callable[[], object]:
    """Return a compiled training step that starts from its own last state, with Adam."""
    network, task = SUBJECTS[subject].build()
    batch = jax.device_put(spectra(setting.batch))
    optimizer, _ = optimizers.build("adam", "constant", 1e-3, 1000)
    state = init_state(network, task, optimizer, jax.random.key(0))
    made = make_train_step(network, task, optimizer, precision=setting.matmul_precision)
    step = jax.jit(formed(made, setting, plain), donate_argnums=0)

    def call() -> None:
        nonlocal state
        state, loss = step(state, batch, jax.random.key(1))
        jax.block_until_ready((state, loss))

    return call


def prediction(subject: str, setting: Setting, plain: bool = False) -> Callable[[], Any]:
    """Return a prediction of one batch as by `inference.Model`: from the host's memory and back."""
    network, task = SUBJECTS[subject].build()
    variables, batch = random_variables(subject), spectra(setting.batch)
    made = make_predict_step(network, task, precision=setting.matmul_precision)
    step = jax.jit(formed(made, setting, plain))
    return lambda: jax.device_get(step(variables, batch["flux"], batch["ivar"]))
