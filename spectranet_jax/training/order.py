"""The order of training: the spectra in the batch of a step, as a pure function of the step.

So a resumed run needs no saved iterator, and streaming and memory-resident training see the same
batches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spectranet_jax.datasets.pixels import Indices
from spectranet_jax.spectra.errors import InputError

GROUP = 8
"""Blocks that are mixed with one another, and so held in memory by a stream."""


@dataclass(frozen=True)
class Order:
    """A training schedule over n spectra.

    Attributes:
        positions: step -> (batch,) indices in [0, n).
        steps: of the whole run.
        steps_per_epoch: steps between validations.
    """

    positions: Callable[[int], Indices]
    steps: int
    steps_per_epoch: int

    def within_epoch(self, step: int) -> int:
        """Return the steps since the last epoch ended; 0 where one ends."""
        return step % self.steps_per_epoch


def shuffled(block_sizes: Indices, batch: int, epochs: int, seed: int) -> Order:
    """Return the order in which every epoch has every spectrum once, except for a last short batch.

    Blocks are drawn in random order; spectra are shuffled within groups of `GROUP` blocks.

    Args:
        block_sizes: (blocks,) spectra in each record; spectra are numbered block after block.
        batch: spectra per step.
        epochs: passes over the data.
        seed: of the order.

    Raises:
        InputError: if there are fewer spectra than one batch holds.
    """
    steps_per_epoch = int(block_sizes.sum()) // batch
    if steps_per_epoch == 0:
        raise InputError(
            f"{block_sizes.sum()} spectra do not fill a batch of {batch};"
            " give more spectra or a smaller --batch"
        )
    sequence = _sequence(block_sizes, seed)

    def positions(step: int) -> Indices:
        epoch, within = divmod(step, steps_per_epoch)
        return sequence(epoch, within * batch, (within + 1) * batch)

    return Order(positions, epochs * steps_per_epoch, steps_per_epoch)


def chunked(block_sizes: Indices, batch: int, epochs: int, seed: int, chunk: int = 4000) -> Order:
    """Return the report's order: all epochs on one chunk of the data, then on the next chunk.

    One pass over the data in all. The loss starts higher at each new chunk and falls within it: the
    saw-tooth of the report's Figure 1. "Steps per epoch" are those of one chunk, so validation
    comes at the end of each.

    Args:
        block_sizes: (blocks,) spectra in each record; spectra are numbered block after block.
        batch: spectra per step.
        epochs: passes over each chunk.
        seed: of the order.
        chunk: spectra per chunk; spectra after the last complete chunk are left out, unless
            there is not one whole chunk.

    Raises:
        InputError: if there are fewer spectra than one batch holds.
    """
    total = int(block_sizes.sum())
    chunk = min(chunk, total)
    steps_per_pass = chunk // batch
    if steps_per_pass == 0:
        raise InputError(
            f"a chunk of {chunk} spectra does not fill a batch of {batch};"
            " give more spectra or a smaller --batch"
        )
    sequence = _sequence(block_sizes, seed)
    steps_per_chunk = epochs * steps_per_pass

    @lru_cache(maxsize=2)
    def members(index: int) -> Indices:
        return sequence(0, index * chunk, (index + 1) * chunk)

    def positions(step: int) -> Indices:
        index, within = divmod(step, steps_per_chunk)
        epoch, part = divmod(within, steps_per_pass)
        order = np.random.default_rng((seed, 1, index, epoch)).permutation(chunk)
        return members(index)[order[part * batch : (part + 1) * batch]]

    return Order(positions, (total // chunk) * steps_per_chunk, steps_per_chunk)


ORDERS: dict[str, Callable[..., Order]] = {"shuffled": shuffled, "chunked": chunked}


def _sequence(block_sizes: Indices, seed: int) -> Callable[[int, int, int], Indices]:
    """Return a function (epoch, start, stop) -> part of the epoch's order, holding only groups."""
    first = np.concatenate([[0], np.cumsum(block_sizes)])

    @lru_cache(maxsize=2)
    def blocks(epoch: int) -> tuple[Indices, Indices]:
        order = np.random.default_rng((seed, 0, epoch)).permutation(len(block_sizes))
        in_group = np.add.reduceat(block_sizes[order], np.arange(0, len(order), GROUP))
        return order, np.concatenate([[0], np.cumsum(in_group)])

    @lru_cache(maxsize=4)
    def group(epoch: int, index: int) -> Indices:
        chosen = blocks(epoch)[0][index * GROUP : (index + 1) * GROUP]
        members = np.concatenate([np.arange(first[b], first[b + 1]) for b in chosen])
        return np.random.default_rng((seed, 0, epoch, index)).permutation(members)

    def stretch(epoch: int, start: int, stop: int) -> Indices:
        group_start = blocks(epoch)[1]
        from_group = int(np.searchsorted(group_start, start, side="right")) - 1
        to_group = int(np.searchsorted(group_start, stop, side="left"))
        members = np.concatenate([group(epoch, index) for index in range(from_group, to_group)])
        return members[start - group_start[from_group] : stop - group_start[from_group]]

    return stretch
