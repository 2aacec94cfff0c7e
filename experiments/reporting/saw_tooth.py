"""The saw-tooth of the chunked schedule in numbers: the loss at the end of each chunk."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class SawTooth(NamedTuple):
    """Training loss before and after changes of chunk, averaged over them.

    Attributes:
        chunks: how many there are.
        before: mean loss of the last pass over a chunk; NaN of a single chunk.
        after: mean loss of the first pass over the next one; likewise.
    """

    chunks: int
    before: float
    after: float


def saw_tooth(rows: Sequence[Mapping[str, Any]], epochs: int) -> SawTooth:
    """Measure the saw-tooth in a run's losses.

    Args:
        rows: of metrics.jsonl: every step with its loss, and a validation where a chunk ends.
        epochs: passes over each chunk.
    """
    chunks = sum("valid_loss" in row for row in rows)
    losses = np.array([row["loss"] for row in rows if "loss" in row]).reshape(chunks, epochs, -1)
    by_pass = losses.mean(axis=2)
    if chunks < 2:
        return SawTooth(chunks, float("nan"), float("nan"))
    return SawTooth(chunks, float(by_pass[:-1, -1].mean()), float(by_pass[1:, 0].mean()))
