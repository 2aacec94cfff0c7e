"""The recipe of a training and the session of its run: all of `loop.train` except the spectra."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax

from spectranet_jax.tasks import Task
from spectranet_jax.training.augment import Augment, as_stored
from spectranet_jax.training.optimizers import Optimizer
from spectranet_jax.training.order import Order
from spectranet_jax.training.steps import (
    Network,
    State,
    TrainStep,
    Variables,
    init_state,
    make_train_step,
)


@dataclass(frozen=True)
class Recipe:
    """The network, the task, and what happens in each step.

    Attributes:
        network: a Flax module.
        task: prepares its inputs and defines its loss.
        optimizer: changes its parameters.
        order: which spectra make up the batch of each step.
        augment: the change of each batch before the network sees it.
        start: parameters and statistics of a trained network, to fine-tune; None to begin with
            random parameters.
    """

    network: Network
    task: Task
    optimizer: Optimizer
    order: Order
    augment: Augment = as_stored
    start: Variables | None = None

    def fresh_state(self, key: jax.Array) -> State:
        """Return the state before the first step."""
        return init_state(self.network, self.task, self.optimizer.chain, key, self.start)

    def train_step(self) -> TrainStep:
        """Return the function of one step, to be compiled."""
        return make_train_step(
            self.network,
            self.task,
            self.optimizer.chain,
            self.augment,
            fine_tuning=self.start is not None,
        )


@dataclass(frozen=True)
class Session:
    """One session of a training run: where it is written, on which devices, and how far it goes.

    Attributes:
        folder: the run folder, with its config.json.
        batch: spectra per step, on all devices together.
        seed: of the initial parameters and of dropout.
        checkpoint_every: steps between checkpoints to resume from, counted in each epoch, which
            ends with one too.
        stop_after: last step of the session (a job with a time limit); by default the run's.
        profile: write a trace of the second stretch of steps, when all is compiled.
        devices: to train on; those of all processes by default.
        on_device: whether the spectra lie on the devices, or are streamed; by default they lie on
            accelerators where they fit.
    """

    folder: Path
    batch: int
    seed: int
    checkpoint_every: int = 200
    stop_after: int | None = None
    profile: bool = False
    devices: Sequence[jax.Device] | None = None
    on_device: bool | None = None
