"""Batches read from a dataset ahead of their use. The only file that imports grain."""

from collections.abc import Callable, Iterator, Sequence

import grain
import numpy as np

from spectranet_jax.datasets.pixels import Indices
from spectranet_jax.training.examples import Batch, Examples
from spectranet_jax.training.order import Order

ALL = slice(None)


def training_batches(
    examples: Examples, order: Order, steps: range, rows: Indices | slice = ALL
) -> Iterator[Batch]:
    """Yield the batches of consecutive steps.

    Args:
        examples: what to train on.
        order: which of them make up the batch of a step.
        steps: which steps.
        rows: the rows of each batch that this process needs.
    """
    return read_ahead(steps, lambda step: examples.batch(order.positions(step)[rows]))


def padded_batches(examples: Examples, batch: int, rows: Indices | slice = ALL) -> Iterator[Batch]:
    """Yield every example once, in order; the last batch is padded with its first row.

    Args:
        examples: what to evaluate.
        batch: spectra per batch.
        rows: the rows of each batch that this process needs.
    """

    def load(start: int) -> Batch:
        indices = np.arange(start, start + batch)
        return examples.batch(np.where(indices < len(examples), indices, start)[rows])

    return read_ahead(range(0, len(examples), batch), load)


def read_ahead(numbers: Sequence[int], load: Callable[[int], Batch]) -> Iterator[Batch]:
    """Yield `load` of each number, in order, computed by threads up to eight numbers ahead."""
    batches = grain.MapDataset.source(numbers).map(lambda number: load(int(number)))
    yield from batches.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=8))
