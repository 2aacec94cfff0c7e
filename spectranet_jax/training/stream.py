"""The batches of a split, read ahead by grain's threads. The only file that knows grain."""

from collections.abc import Iterator
from typing import Any

import grain
import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.records import Columns
from spectranet_jax.datasets.split import Split
from spectranet_jax.training.order import Indices, Order

Batch = dict[str, NDArray[Any]]

ALL = slice(None)


def training_batches(
    split: Split,
    targets: Columns,
    order: Order,
    start: int,
    stop: int,
    rows: Indices | slice = ALL,
) -> Iterator[Batch]:
    """The batches of the steps start to stop, or some rows of them, read ahead by grain's threads.

    Yields:
        flux, ivar (batch, bins) float32 and the rows of `targets` that belong to them.
    """

    def load(step: int) -> Batch:
        indices = order.positions(int(step))[rows]
        flux, ivar = split.pixels(indices)
        return {"flux": flux, "ivar": ivar} | {k: v[indices] for k, v in targets.items()}

    steps = grain.MapDataset.range(start, stop).map(load)
    iterator = iter(steps.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=8)))
    yield from iterator


def padded_batches(
    split: Split, targets: Columns, batch: int, rows: Indices | slice = ALL
) -> Iterator[Batch]:
    """Every spectrum once, in order, or some rows of these batches.

    The last batch is filled up by repeating its first row.
    """
    starts = range(0, len(split), batch)

    def load(start: int) -> Batch:
        indices = np.arange(start, start + batch)
        indices = np.where(indices < len(split), indices, start)[rows]
        flux, ivar = split.pixels(indices)
        return {"flux": flux, "ivar": ivar} | {k: v[indices] for k, v in targets.items()}

    batches = grain.MapDataset.source(starts).map(load)
    yield from batches.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=8))
