"""Whole numbers of headers and tables, which name spectra: never rounded, however they are stored.

Tables that went through pandas hold them as floats, those that went through CSV as text; a missing
one is null (TNULL), NaN, or text as "nan".
"""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import NONE

INEXACT = 2.0**53
"""From here on floats do not hold every whole number."""

MISSING = ("", "--", "n/a", "nan", "none", "null")
"""Text, in lower case, that means none."""

_DIGITS = re.compile(r"[+-]?[0-9]{1,19}")


def whole(value: Any) -> int | None:
    """A value as the whole number that it is, or is the text of; None for all others."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < INEXACT:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**63) <= value < 2**63 else None


def whole_numbers(
    table: Hdu, column: str, rows: slice = slice(None), *, strict: bool = True
) -> NDArray[np.int64]:
    """Some rows of a column, int64 (rows,), -1 where there is none.

    Args:
        table: the table.
        column: its name.
        rows: those wanted.
        strict: whether what is no whole number is an error; else there is none either.

    Raises:
        InputError: if a row holds several values, or, if strict, no whole number.
    """
    cells, null = table.cells(column, rows), table.null(column)
    if cells.ndim != 1:
        if not strict:
            return np.full(len(cells), NONE)
        raise InputError(f"{table.path} has several values a row in {column}; fetch it again")
    if cells.dtype.kind == "i":
        known = np.ones(len(cells), np.bool_) if null is None else cells != null
        return np.where(known, cells, NONE).astype(np.int64)
    found = []
    for row, cell in enumerate(cells.tolist(), start=1):
        number = NONE if cell == null or _is_missing(cell) else whole(cell)
        if number is None and strict:
            raise InputError(
                f"{table.path} has {cell!r} in column {column}, row {row}, where a whole number is"
                " meant; write the column as 64-bit integers"
            )
        found.append(NONE if number is None else number)
    return np.array(found, np.int64)


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    return isinstance(cell, float) and np.isnan(cell)
