"""Spectra of a split with the targets of a task, and batches of both."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Shaped

from spectranet_jax.datasets.pixels import Indices
from spectranet_jax.datasets.split import Split, check_grid
from spectranet_jax.spectra.column import Columns
from spectranet_jax.tasks import Task

Batch = dict[str, Shaped[Any, "batch ..."]]
"""Arrays of NumPy or JAX, one row per spectrum: "flux" and "ivar", (batch, bins) float32, and the
targets of a task by name."""


@dataclass(frozen=True)
class Examples:
    """The spectra of a split and a task's targets of them.

    Attributes:
        split: the spectra.
        targets: what the loss compares the network's output with, one row per spectrum.
    """

    split: Split
    targets: Columns

    @classmethod
    def of(cls, split: Split, task: Task) -> "Examples":
        """Return the examples of a split for a task.

        Raises:
            InputError: if the split is on another grid than the task.
        """
        check_grid(split, task.grid)
        return cls(split, task.targets(split.columns))

    def __len__(self) -> int:
        return len(self.split)

    @property
    def bytes_each(self) -> int:
        """Bytes of one spectrum with its targets."""
        targets = sum(rows[:1].nbytes for rows in self.targets.values())
        return self.split.grid.bytes_per_spectrum + targets

    def batch(self, indices: Indices) -> Batch:
        """Return the batch of these rows, (batch,), as NumPy arrays."""
        flux, ivar = self.split.pixels(indices)
        targets = {name: rows[indices] for name, rows in self.targets.items()}
        return {"flux": flux, "ivar": ivar} | targets
