"""Stretches of training steps, on streamed batches or on spectra that lie on the device.

Both train on the same batches, those of `Order.positions`, bit for bit. A CPU always streams: a
`lax.scan` around the step is 20 times slower there. On an accelerator the scan saves the host's
work in every step. The weights agree to rounding, since the two are compiled differently.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from spectranet_jax.training.examples import Batch, Examples
from spectranet_jax.training.order import Order
from spectranet_jax.training.sharding import Placement
from spectranet_jax.training.steps import State, TrainStep
from spectranet_jax.training.stream import training_batches

LOG_EVERY = {"cpu": 5, "gpu": 20, "tpu": 20}
"""Backend -> steps between fetches of the loss from the device, where batches are streamed: few
enough that a signal to stop is answered in seconds, since a step of LineNet takes half a second on
a CPU.
"""

MEMORY_FRACTION = 0.5
"""Fraction of a device's memory that spectra may fill: 80 GB, 3/4 of it JAX's, hold 8 million."""

UPLOAD = 29 << 20
"""Bytes of spectra sent to the devices at a time."""

Advance = Callable[[State, int, int], tuple[State, Any]]
"""(state, begin, end) -> the state after the steps begin to end, and their losses. Each call begins
where the previous one ended. The state is donated.
"""


def streamed(
    train_step: TrainStep, key: jax.Array, examples: Examples, order: Order, place: Placement
) -> Advance:
    """An advance that calls the compiled step on each batch, read by every process for its rows.

    Args:
        train_step: as `steps.make_train_step` makes it.
        key: the run's, on all devices.
        examples: what to train on.
        order: which of them make up a batch.
        place: where state and batches live.
    """
    compiled = jax.jit(
        train_step,
        in_shardings=(place.replicated, place.split, place.replicated),
        out_shardings=(place.replicated, place.replicated),
        donate_argnums=0,
    )
    rows = place.rows(len(order.positions(0)))
    batches: Iterator[Batch] | None = None

    def advance(state: State, begin: int, end: int) -> tuple[State, list[jax.Array]]:
        nonlocal batches
        if batches is None:
            batches = training_batches(examples, order, range(begin, order.steps), rows)
        losses = []
        for batch in islice(batches, end - begin):
            state, loss = compiled(state, place.batch(batch), key)
            losses.append(loss)
        return state, losses

    return advance


def resident(
    train_step: TrainStep, key: jax.Array, examples: Examples, order: Order, place: Placement
) -> Advance:
    """Return an advance with one `lax.scan` per stretch, over spectra that lie on every device.

    The arguments are those of `streamed`. A stretch of another length is compiled anew.
    """
    spectra = upload(examples, place)
    by_batch = NamedSharding(place.split.mesh, PartitionSpec(None, *place.split.spec))

    @partial(
        jax.jit,
        in_shardings=(place.replicated, place.replicated, by_batch, place.replicated),
        out_shardings=(place.replicated, place.replicated),
        donate_argnums=0,
    )
    def scan(state: State, spectra: Batch, positions: jax.Array, key: jax.Array) -> Any:
        return jax.lax.scan(
            lambda state, indices: train_step(state, take(spectra, indices), key), state, positions
        )

    def advance(state: State, begin: int, end: int) -> tuple[State, jax.Array]:
        positions = np.stack([order.positions(step) for step in range(begin, end)])
        positions = positions.astype(np.int32)
        everywhere = jax.make_array_from_callback(positions.shape, by_batch, positions.__getitem__)
        return scan(state, spectra, everywhere, key)

    return advance


def take(spectra: Batch, indices: jax.Array) -> Batch:
    """Select the rows of a batch from all spectra. Runs compiled."""
    return {name: rows.at[indices].get(mode="promise_in_bounds") for name, rows in spectra.items()}


def fits(sets: Sequence[Examples], place: Placement) -> bool:
    """Return whether spectra should lie on the devices, which are not CPUs and have enough memory.

    Args:
        sets: all that is to lie there together.
        place: the devices.
    """
    devices: list[Any] = list(place.split.addressable_devices)
    if any(device.platform == "cpu" for device in devices):
        return False
    limits = [(device.memory_stats() or {}).get("bytes_limit", 0) for device in devices]
    needed = sum(len(examples) * examples.bytes_each for examples in sets)
    return needed <= MEMORY_FRACTION * min(limits)


def upload(examples: Examples, place: Placement) -> Batch:
    """Send all spectra and targets to every device, one row per spectrum: flux, ivar (n, bins), ...

    Host and device hold them once, as they are sent in pieces.
    """
    size = min(max(1, UPLOAD // examples.split.grid.bytes_per_spectrum), len(examples))

    def piece(start: int) -> Batch:
        return examples.batch(np.arange(start, start + size))

    @partial(jax.jit, out_shardings=place.replicated, donate_argnums=0)
    def put(spectra: Batch, piece: Batch, start: jax.Array) -> Batch:
        return {
            name: jax.lax.dynamic_update_slice_in_dim(rows, piece[name], start, axis=0)
            for name, rows in spectra.items()
        }

    shapes = {
        name: ((len(examples), *rows.shape[1:]), rows.dtype) for name, rows in piece(0).items()
    }
    spectra = jax.jit(
        lambda: {name: jnp.zeros(shape, dtype) for name, (shape, dtype) in shapes.items()},
        out_shardings=place.replicated,
    )()
    for start in range(0, len(examples), size):
        start = min(start, len(examples) - size)  # the last piece has the length of the others
        spectra = put(spectra, *place.everywhere((piece(start), np.int32(start))))
    return spectra


def stretches(order: Order, first: int, stop: int, *every: int) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of stretches of steps: they end with an epoch, and at multiples within it.

    Args:
        order: defines where epochs end.
        first: where the first stretch begins.
        stop: where the last one ends.
        every: a stretch ends where the steps of the epoch are a multiple of one of these.
    """
    while first < stop:
        epoch, within = divmod(first, order.steps_per_epoch)
        ends = [first - within + (within // length + 1) * length for length in every]
        end = min(stop, (epoch + 1) * order.steps_per_epoch, *ends)
        yield first, end
        first = end
