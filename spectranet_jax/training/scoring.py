"""Predictions of a network for a whole split, with their loss and scores."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation.scores_json import to_json
from spectranet_jax.spectra.column import Columns
from spectranet_jax.tasks import Task
from spectranet_jax.training.diagnosis import check_validation
from spectranet_jax.training.examples import Batch, Examples
from spectranet_jax.training.sharding import placement
from spectranet_jax.training.steps import (
    Network,
    Variables,
    make_validation_step,
    prediction_batch,
)
from spectranet_jax.training.stream import padded_batches


class Evaluation(NamedTuple):
    """Predictions of a model for a split, with loss and scores.

    Attributes:
        columns: catalog columns, one row per spectrum of the split in its order.
        loss: mean loss.
        scores: those of the task.
    """

    columns: Columns
    loss: float
    scores: Any

    def to_json(self) -> dict[str, Any]:
        """Scores as evaluation.json holds them, with the number of spectra and the loss."""
        spectra = len(next(iter(self.columns.values())))
        return {"spectra": spectra, "loss": self.loss} | to_json(self.scores)


def make_evaluate(
    network: Network, task: Task, split: Split, devices: Sequence[jax.Device] | None = None
) -> Callable[[Variables], Evaluation]:
    """Return an evaluation of a split, compiled once for any number of models.

    Args:
        network: a Flax module.
        task: how its output is decoded and scored.
        split: the spectra and their truth.
        devices: to run on; those of all processes by default. Every process evaluates its rows
            of each batch, and has the whole evaluation.

    Raises:
        InputError: if the split is on another grid than the task.
    """
    examples = Examples.of(split, task)
    predict = make_predict(make_validation_step(network, task), examples, devices)

    def evaluate(variables: Variables) -> Evaluation:
        output, losses = jax.tree.map(
            lambda *parts: np.concatenate(parts)[: len(split)], *predict(variables)
        )
        columns = task.decode(output)
        loss = float(losses.mean(dtype=np.float64))
        return Evaluation(columns, loss, task.scores(columns, split.columns))

    return evaluate


def make_validate(
    network: Network,
    task: Task,
    examples: Examples,
    devices: Sequence[jax.Device] | None,
    keep: bool,
) -> Callable[[Variables], float]:
    """Return a function of the mean loss, compiled once for all epochs: see `make_evaluate`.

    Args:
        network: a Flax module.
        task: its loss.
        examples: what to validate with.
        devices: to run on; None for those of all processes.
        keep: keep the spectra on the devices from one validation to the next.

    Raises:
        InputError: by the function that is returned, if a loss is not finite.
    """
    validation_step = make_validation_step(network, task)

    def loss_alone(variables: Variables, batch: Batch) -> jax.Array:
        return validation_step(variables, batch)[1]

    predict = make_predict(loss_alone, examples, devices, keep)

    def validate(variables: Variables) -> float:
        losses = np.concatenate(list(predict(variables)))[: len(examples)]
        check_validation(losses, examples)
        return float(losses.mean(dtype=np.float64))

    return validate


def make_predict(
    step: Callable[[Variables, Batch], Any],
    examples: Examples,
    devices: Sequence[jax.Device] | None,
    keep: bool = False,
) -> Callable[[Variables], Iterator[Any]]:
    """A generator of a step's results for each batch of examples; the last batch is padded."""
    count = len(jax.devices() if devices is None else devices)
    batch = prediction_batch(examples.split.grid) * count
    place = placement(batch, devices)
    compiled = jax.jit(
        step,
        in_shardings=(place.replicated, place.split),
        out_shardings=place.replicated,
    )

    def batches() -> Iterator[Batch]:
        return map(place.batch, padded_batches(examples, batch, place.rows(batch)))

    kept = list(batches()) if keep else None

    def predict(variables: Variables) -> Iterator[Any]:
        variables = place.everywhere(variables)
        for batch in kept or batches():
            yield jax.device_get(compiled(variables, batch))

    return predict
