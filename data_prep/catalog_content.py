"""The content of a catalog: columns of its table, read a range of rows at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.catalog_columns import read_column
from data_prep.catalog_layouts import DUPLICATES
from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import fiber_key

ROWS_AT_ONCE = 1 << 16
"""Rows of a catalog read at once: spAll has millions, of a thousand bytes each."""

Int64 = NDArray[np.int64]


def columns(
    table: Hdu, names: frozenset[str] | set[str]
) -> tuple[dict[str, NDArray[Any]], Int64, Int64]:
    """Return the columns, and the `fiber_key` and row of each duplicate spectrum that they list."""
    plain = sorted(names - set(DUPLICATES))
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in plain}
    fibers, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, max(1, table.rows), ROWS_AT_ONCE):
        chosen = slice(start, start + ROWS_AT_ONCE)
        for name in plain:
            column = read_column(table, name, chosen)
            if column.ndim != 1:
                raise InputError(
                    f"{table.path} has several values per row in {name}; fetch it again"
                )
            pieces[name].append(column)
        if set(DUPLICATES) <= names:
            lists = np.stack([_as_lists(read_column(table, name, chosen)) for name in DUPLICATES])
            row, place = np.nonzero((lists > 0).all(axis=0))
            fibers.append(fiber_key(*lists[:, row, place]))
            rows.append(start + row)
    content = {name: np.concatenate(piece) for name, piece in pieces.items()}
    return content, np.concatenate(fibers), np.concatenate(rows)


def _as_lists(column: Int64) -> Int64:
    """Return a column as (rows, values), also where each row holds a single value."""
    return column.reshape(len(column), -1) if len(column) else column.reshape(0, 1)


def objtype(hdus: Fits, target_id: Int64) -> dict[str, NDArray[Any]]:
    """Return OBJTYPE of the rows of a redrock file, from the FIBERMAP beside them."""
    table = hdus.named().get("FIBERMAP")
    if table is None or not {"TARGETID", "OBJTYPE"} <= table.columns:
        return {}
    ids, kinds = read_column(table, "TARGETID"), read_column(table, "OBJTYPE")
    if not len(ids):
        return {}
    order = np.argsort(ids, kind="stable")
    at = order[np.minimum(np.searchsorted(ids[order], target_id), len(ids) - 1)]
    return {"OBJTYPE": np.where(ids[at] == target_id, kinds[at], "")}
