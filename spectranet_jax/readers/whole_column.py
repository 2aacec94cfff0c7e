"""Whole numbers in a column of a table in a file of spectra."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.whole_numbers import NONE, whole_numbers


def whole_column(
    table: Hdu, column: str, rows: slice = slice(None), *, strict: bool = True
) -> NDArray[np.int64]:
    """Return rows of a column, int64 (rows,), -1 where there is none.

    Args:
        table: the table.
        column: its name.
        rows: those wanted.
        strict: whether other values than whole numbers are errors; else they count as missing.

    Raises:
        InputError: if strict, and a row holds several values or no whole number.
    """
    cells = table.cells(column, rows)
    if cells.ndim != 1:
        if not strict:
            return np.full(len(cells), NONE)
        raise InputError(f"{table.path} has several values per row in {column}; fetch it again")
    numbers, wrong = whole_numbers(cells, null=table.null(column))
    if strict and wrong.any():
        _refuse(table, column, cells, int(wrong.argmax()))
    return numbers


def _refuse(table: Hdu, column: str, cells: NDArray[Any], row: int) -> None:
    raise InputError(
        f"{table.path} has {cells.tolist()[row]!r} in column {column}, row {row + 1}, which is not"
        " an exact whole number; write the column as 64-bit integers"
    )
