"""One device or many: data parallelism by sharding the batch over a mesh.

The step is one `jax.jit` over globally shaped arrays; XLA adds the all-reduces, and BatchNorm sees
the whole batch. (`jax.pmap`, which older code uses here, is in maintenance since JAX 0.8 and is
itself `jit` over `shard_map`.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from spectranet_jax.spectra.errors import InputError


class Placement(NamedTuple):
    """Where arrays live: whole on every device, or split along their first axis."""

    replicated: NamedSharding
    split: NamedSharding


def placement(batch: int, devices: Sequence[jax.Device] | None = None) -> Placement:
    """The placement of states and batches over the devices, all of them by default.

    Raises:
        InputError: if the batch does not divide evenly among the devices.
    """
    devices = jax.devices() if devices is None else devices
    if batch % len(devices):
        raise InputError(
            f"a batch of {batch} cannot be divided among {len(devices)} devices;"
            f" choose a multiple of {len(devices)}"
        )
    mesh = jax.make_mesh((len(devices),), ("data",), (AxisType.Auto,), devices=tuple(devices))
    return Placement(
        NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
    )
