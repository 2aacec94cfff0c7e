"""Selection and order of the rows of a catalog to inspect."""

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inspection.cells import sureness
from spectranet_jax.inspection.where import where
from spectranet_jax.spectra.errors import InputError


def select(
    table: Table,
    condition: str = "",
    uncertain: int | None = None,
    random: int | None = None,
    seed: int = 0,
) -> NDArray[np.intp]:
    """Return the rows to inspect, the least sure first, those without a prediction last.

    Args:
        table: a catalog.
        condition: those alone of which it is true, see `where`; "" for all.
        uncertain: how many of these, the least sure.
        random: how many of these, drawn at random.
        seed: of that draw.

    Raises:
        InputError: if the condition cannot be read, no row remains, or both numbers are given.
    """
    if uncertain is not None and random is not None:
        raise InputError("--uncertain and --random exclude each other; pass one of them")
    count = random if uncertain is None else uncertain
    if count is not None and count < 1:
        raise InputError("--uncertain and --random must be 1 or more")
    rows = np.arange(len(table))
    if condition:
        rows = rows[where(table, condition)]
    if not len(rows):
        reason = f"--where {condition!r} is true of no row" if condition else "the catalog is empty"
        raise InputError(f"{reason}; nothing to inspect, choose other rows")
    if random is not None:
        generator = np.random.default_rng(seed)
        rows = generator.choice(rows, min(random, len(rows)), replace=False)
    rows = rows[np.argsort(sureness(table)[rows], kind="stable")]  # NaN last
    return rows[:uncertain]
