"""Errors for losses that are not finite, and the batch saved for inspection."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.atomic import atomic
from spectranet_jax.datasets.pixels import Indices
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.training.distributed import leads
from spectranet_jax.training.examples import Examples
from spectranet_jax.training.order import Order
from spectranet_jax.training.run import Row

NAMED = 5
"""Object ids shown in an error; the saved file has them all."""


SAVED = ("object_id", "name", "source")
"""Columns that identify the spectra of a batch."""


def check_losses(folder: Path, rows: Sequence[Row], examples: Examples, order: Order) -> None:
    """Check that the losses of steps are finite; a loss is NaN if the gradient is not finite.

    Args:
        folder: the run folder, to which the batch of the first step that fails is saved: all that
            a step reads of it, with "object_id", "name" and "source" of its spectra.
        rows: of metrics, one for each step.
        examples: the training spectra.
        order: which of them make up a batch.

    Raises:
        InputError: with the step, and the object ids of its batch.
    """
    step = next((row["step"] for row in rows if not np.isfinite(row["loss"])), None)
    if step is None:
        return
    positions = order.positions(step - 1)
    path = folder / f"not-finite-step-{step}.npz"
    if leads():
        columns = {name: examples.split.columns[name][positions] for name in SAVED}
        batch: dict[str, Any] = examples.batch(positions) | columns
        with atomic(path) as temporary:
            np.savez(temporary, **batch)
    raise InputError(
        f"the loss or its gradient is not finite at step {step}; its batch, of"
        f" {_ids(examples, positions)}, is saved in {path}: look for damaged spectra in it, or"
        " start another run (--out) with a lower --rate"
    )


def check_validation(losses: NDArray[Any], examples: Examples) -> None:
    """Check that the losses of a split, (n,), are finite.

    Raises:
        InputError: with the object ids of those that are not.
    """
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise InputError(
            f"the loss of {len(bad)} of {len(losses)} spectra of the {examples.split.name} split is"
            f" not finite, of {_ids(examples, bad)}: look for damaged spectra among them, or start"
            " another run (--out) with a lower --rate"
        )


def _ids(examples: Examples, positions: Indices) -> str:
    """Return the objects of some spectra in words."""
    ids = examples.split.columns["object_id"][positions]
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"object ids {', '.join(map(str, ids[:NAMED]))}{more}"
