"""A network's answers for a whole split, and their scores."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from spectranet_jax.datasets.split import Split, check_grid
from spectranet_jax.tasks import Columns, Task
from spectranet_jax.training.sharding import placement
from spectranet_jax.training.steps import (
    Batch,
    Network,
    Variables,
    make_validation_step,
    prediction_batch,
)
from spectranet_jax.training.stream import padded_batches


class Evaluation(NamedTuple):
    """Catalog columns, one row a spectrum of the split in its order, and the task's scores.

    The scores carry the mean loss under "loss" and the number of spectra under "spectra".
    """

    columns: Columns
    scores: dict[str, Any]


def make_evaluate(
    network: Network,
    task: Task,
    split: Split,
    devices: Sequence[jax.Device] | None = None,
    keep: bool = False,
) -> Callable[[Variables], Evaluation]:
    """Compile once, evaluate as often as there are models.

    Args:
        network: a Flax module.
        task: how its output is decoded and scored.
        split: the spectra and their truth.
        devices: to run on; those of all processes by default. Every process evaluates its rows
            of each batch, and has the whole evaluation.
        keep: keep the spectra on the devices from one evaluation to the next.
    """
    answer = make_answer(make_validation_step(network, task), task, split, devices, keep)

    def evaluate(variables: Variables) -> Evaluation:
        output, losses = jax.tree.map(
            lambda *parts: np.concatenate(parts)[: len(split)], *answer(variables)
        )
        columns = task.decode(output)
        loss = float(losses.mean(dtype=np.float64))
        scores = {"spectra": len(split), "loss": loss} | task.scores(columns, split.columns)
        return Evaluation(columns, scores)

    return evaluate


def make_validate(
    network: Network,
    task: Task,
    split: Split,
    devices: Sequence[jax.Device] | None = None,
    keep: bool = False,
) -> Callable[[Variables], float]:
    """As `make_evaluate`, but for the mean loss alone: as often as there are epochs."""
    validation_step = make_validation_step(network, task)

    def loss_alone(variables: Variables, batch: Batch) -> jax.Array:
        return validation_step(variables, batch)[1]

    answer = make_answer(loss_alone, task, split, devices, keep)

    def validate(variables: Variables) -> float:
        losses = np.concatenate(list(answer(variables)))[: len(split)]
        return float(losses.mean(dtype=np.float64))

    return validate


def make_answer(
    step: Callable[[Variables, Batch], Any],
    task: Task,
    split: Split,
    devices: Sequence[jax.Device] | None,
    keep: bool,
) -> Callable[[Variables], Iterator[Any]]:
    """What a step says of the split, a batch at a time; the last one ends in what fills it up."""
    count = len(jax.devices() if devices is None else devices)
    batch = prediction_batch() * count
    place = placement(batch, devices)
    check_grid(split, task.grid)
    compiled = jax.jit(
        step,
        in_shardings=(place.replicated, place.split),
        out_shardings=place.replicated,
    )
    targets = task.target(split.columns)

    def batches() -> Iterator[Batch]:
        streamed = padded_batches(split, targets, batch, place.rows(batch))
        return map(place.batch, streamed)

    kept = list(batches()) if keep else None

    def answer(variables: Variables) -> Iterator[Any]:
        variables = place.everywhere(variables)
        for one in kept or batches():
            yield jax.device_get(compiled(variables, one))

    return answer
