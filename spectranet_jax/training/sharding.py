"""One device or many, in one process or many: the batch is split along its first axis.

The step is one `jax.jit` over globally shaped arrays; XLA adds the all-reduces, and BatchNorm sees
the whole batch. It replaces `jax.pmap`, which is in maintenance since JAX 0.8, not recommended for
new code, and by now itself `jit` over `shard_map`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from numpy.typing import NDArray

from spectranet_jax.spectra.errors import InputError


class Placement(NamedTuple):
    """Placement of arrays: whole on every device, or split along their first axis."""

    replicated: NamedSharding
    split: NamedSharding

    def rows(self, batch: int) -> NDArray[np.int64]:
        """Return the rows of a batch on this process's devices, ascending; all if it is alone.

        With p processes of as many devices each, (batch / p,).
        """
        slices = self.split.addressable_devices_indices_map((batch,)).values()
        return np.unique(np.concatenate([np.arange(batch)[rows] for rows in slices]))

    def batch(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, jax.Array]:
        """Return the global batch from this process's rows of it."""
        return {
            name: jax.make_array_from_process_local_data(self.split, array)
            for name, array in arrays.items()
        }

    def everywhere(self, tree: Any) -> Any:
        """Put a tree of arrays, the same in every process, whole on every device."""
        return jax.tree.map(
            lambda leaf: jax.make_array_from_process_local_data(self.replicated, np.asarray(leaf)),
            tree,
        )


def placement(batch: int, devices: Sequence[jax.Device] | None = None) -> Placement:
    """Return the placement of states and batches on devices, by default those of all processes.

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
