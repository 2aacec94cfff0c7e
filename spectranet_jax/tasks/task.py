"""What is asked of a network: the one struct that training, evaluation and prediction take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.records import Columns
from spectranet_jax.spectra.grid import LogGrid


@dataclass(frozen=True)
class Task:
    """A question, as functions; every array has one row a spectrum.

    Attributes:
        grid: the bins of the spectra.
        config: name and fields from which, with the grid, `tasks.build` makes this task again.
        select: columns of truth -> bool (n,), the spectra that take part.
        target: columns of truth -> arrays that the loss reads.
        inputs: raw flux and ivar, (batch, bins) -> the network's arguments. Runs compiled.
        loss: the network's output and the targets -> (batch,). Runs compiled.
        decode: the network's output -> catalog columns.
        scores: catalog columns and columns of truth -> numbers for evaluation.json.
        applies_to: labels for which the decoded columns have a meaning.
        calibrate: catalog columns and columns of truth of held-out spectra -> fields of the config
            with which the task's probabilities hold; None where there is nothing to calibrate.
        columns: dtype and description of decoded columns that are not in every catalog, by name.
    """

    grid: LogGrid
    config: dict[str, Any]
    select: Callable[[Columns], NDArray[np.bool_]]
    target: Callable[[Columns], dict[str, NDArray[Any]]]
    inputs: Callable[[jax.Array, jax.Array], tuple[jax.Array, ...]]
    loss: Callable[[Any, dict[str, jax.Array]], jax.Array]
    decode: Callable[[Any], dict[str, NDArray[Any]]]
    scores: Callable[[Columns, Columns], dict[str, Any]]
    applies_to: tuple[int, ...]
    calibrate: Callable[[Columns, Columns], dict[str, Any]] | None = None
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
