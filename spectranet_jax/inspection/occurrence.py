"""Occurrences of a name in a file, as of the exposures of a target in a DESI file."""

from collections import Counter

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inspection.cells import numbers, texts

COLUMN = "OCCURRENCE"


def occurrences(table: Table) -> NDArray[np.int64]:
    """Count the rows with the same FILE and ID up to each row, itself included, int64 (rows,).

    The column OCCURRENCE where there is one: it was counted before rows were selected or sorted.
    """
    if COLUMN in table.colnames:
        return numbers(table, COLUMN).astype(np.int64)
    seen: Counter[tuple[str, str]] = Counter()
    counts = []
    for name in zip(texts(table, "FILE"), texts(table, "ID"), strict=True):
        seen[name] += 1
        counts.append(seen[name])
    return np.array(counts, np.int64)
