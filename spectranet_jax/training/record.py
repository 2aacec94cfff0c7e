"""Metrics and checkpoints that a training run writes while it goes."""

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.distributed import leads
from spectranet_jax.training.steps import State, Variables


class Record:
    """The writer of metrics and checkpoints; it writes in process 0 alone.

    Attributes:
        folder: the run folder.
        best: the lowest validation loss so far.
    """

    def __init__(self, folder: Path, first: int) -> None:
        """Continue the record from step `first`; the rows of later steps will be written again."""
        self.folder = folder
        self.best = float("inf")
        if leads():
            before = run.keep_metrics(folder, first if first else -1)  # step 0 is validated again
            losses = [row.get("valid_loss", self.best) for row in before]
            self.best = min(losses, default=self.best)

    def training(self, rows: list[run.Row]) -> None:
        """Write the metrics of steps."""
        if leads():
            run.append_metrics(self.folder, rows)

    def validation(self, step: int, loss: float, variables: Variables) -> None:
        """Write the validation loss of an epoch, and its variables if they are the best so far."""
        if not leads():
            return
        run.append_metrics(self.folder, [{"step": step, "valid_loss": loss}])
        if loss < self.best:
            self.best = loss
            checkpoint.save(self.folder, checkpoint.BEST, step, variables)

    def state(self, step: int, state: State) -> None:
        """Write the checkpoint to resume from."""
        if leads():
            checkpoint.save(self.folder, checkpoint.LAST, step, state)


def loss_rows(
    step: int, losses: jax.Array | Sequence[jax.Array], rate: optax.Schedule
) -> list[run.Row]:
    """Return one metrics row for each of the steps that end with `step`."""
    values = np.asarray(jax.device_get(losses), np.float64)
    steps = np.arange(step - len(values) + 1, step + 1)
    rates = np.asarray(rate(jnp.asarray(steps - 1)))
    return [
        {"step": int(s), "loss": float(v), "learning_rate": float(r)}
        for s, v, r in zip(steps, values, rates, strict=True)
    ]
