"""Which of the spectra of one name a row is of, as the exposures of a target in a DESI file."""

from collections import Counter

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inspection.cells import numbers, texts

COLUMN = "OCCURRENCE"


def occurrences(table: Table) -> NDArray[np.int64]:
    """How many rows up to each, itself included, have its FILE and ID, int64 (rows,).

    The column OCCURRENCE where there is one: it was counted before rows were selected or sorted.
    """
    if COLUMN in table.colnames:
        return numbers(table, COLUMN).astype(np.int64)
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for name in zip(texts(table, "FILE"), texts(table, "ID"), strict=True):
        seen[name] += 1
        found.append(seen[name])
    return np.array(found, np.int64)
