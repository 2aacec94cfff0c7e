"""Cells of a catalog with any columns: numbers with NaN, text without bytes."""

from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.spectra.labels import CLASSES


def numbers(table: Table, name: str) -> NDArray[np.float64]:
    """A column of numbers, float64 (rows,), NaN where masked; all NaN if there is no such column.

    A column of text counts as absent.
    """
    if name not in table.colnames or table[name].dtype.kind not in "iufb" or table[name].ndim != 1:
        return np.full(len(table), np.nan)
    column = table[name]
    mask = np.ma.getmaskarray(column)
    return np.where(mask, np.nan, np.ma.getdata(column).astype(np.float64))


def texts(table: Table, name: str) -> list[str]:
    """Return a column as text, "" where masked or NaN; all "" if there is no such column.

    Whole numbers keep all their digits: a TARGETID has 17.
    """
    if name not in table.colnames:
        return [""] * len(table)
    mask = np.ma.getmaskarray(table[name])
    return [
        "" if hidden else as_text(value)
        for value, hidden in zip(np.ma.getdata(table[name]).tolist(), mask.tolist(), strict=True)
    ]


def as_text(value: Any) -> str:
    """Return a cell as text; bytes are UTF-8, NaN and None are ""."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace").strip()
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return str(value).strip()


def probabilities(table: Table) -> NDArray[np.float64]:
    """Return the probabilities of the four classes, float64 (rows, 4), NaN where there are none."""
    return np.stack([numbers(table, f"P_{name}") for name in CLASSES], axis=-1)


def sureness(table: Table) -> NDArray[np.float64]:
    """Return the model's confidence in each row, float64 (rows,), 0 to 1; NaN where unknown.

    The lesser of P_3000 and the margin between the two likeliest of star, galaxy and quasar: a BAL
    quasar taken for a quasar without broad absorption is still a quasar.
    """
    p = probabilities(table)
    kinds = np.sort(np.stack([p[:, 0], p[:, 1], p[:, 2] + p[:, 3]], axis=-1), axis=-1)
    return np.fmin(kinds[:, 2] - kinds[:, 1], numbers(table, "P_3000"))
