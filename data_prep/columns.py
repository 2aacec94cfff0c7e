"""Columns of a catalog as what they mean: whole numbers, numbers, or text, however they are stored.

Whole numbers come as floats where a table went through pandas, and as text where it went through
CSV; a missing one is masked (TNULL), NaN, or a negative number.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import NONE

WHOLE = frozenset({
    "PLATE", "MJD", "FIBERID", "FIELD", "TARGETID", "HEALPIX", "TILEID", "NIGHT", "LASTNIGHT",
    "THING_ID", "SDSS_ID", "CATALOGID", "CLASS_PERSON", "Z_CONF_PERSON", "Z_CONF", "ZWARNING",
    "ZWARN", "BAL_FLAG_VI", "IS_QSO_FINAL", "PLATE_DUPLICATE", "MJD_DUPLICATE", "FIBERID_DUPLICATE",
})  # fmt: skip
"""Columns of whole numbers; null ones become -1."""

TEXT = frozenset({
    "SURVEY", "PROGRAM", "OBJTYPE", "CLASS", "SPECTYPE", "SOURCE_Z", "AUTOCLASS_PQN"
})  # fmt: skip
"""Columns of text. All others are numbers, of which missing ones are NaN."""


def meant(table: Hdu, name: str, rows: slice) -> NDArray[Any]:
    """Some rows of a column: int64 if it is of `WHOLE`, text if of `TEXT`, else float64.

    Raises:
        InputError: if a value is not of that kind, with column and row.
    """
    path, stored = table.path, table.cells(name, rows)
    first = rows.start or 0
    if name in TEXT:
        return np.strings.strip(stored.astype(str))
    if stored.dtype.kind in "SU":
        numbers = _parsed(path, name, stored, first)
    elif stored.dtype.kind in "iufb":
        numbers = stored
    else:
        raise InputError(f"{path} has no numbers in its column {name}; give a catalog that has")
    if name not in WHOLE:
        return numbers.astype(np.float64)
    return _whole(path, name, numbers, table.null(name), first)


def _whole(
    path: Path, name: str, numbers: NDArray[Any], null: int | None, first: int
) -> NDArray[np.int64]:
    if numbers.dtype.kind == "f":
        missing = np.isnan(numbers)
        wrong = ~missing & ((numbers != np.floor(numbers)) | (np.abs(numbers) >= 2.0**63))
        if wrong.any():
            row = tuple(np.argwhere(wrong)[0])
            raise _no_number(path, name, first + row[0], numbers[row], "whole number")
        whole = np.where(missing, NONE, numbers).astype(np.int64)
    else:
        whole = numbers.astype(np.int64)
    return whole if null is None else np.where(whole == null, NONE, whole)


def _parsed(path: Path, name: str, stored: NDArray[Any], first: int) -> NDArray[Any]:
    """Numbers written as text; in exact integers where they are whole."""
    texts = np.char.strip(stored.astype(str))
    for kind in (np.int64, np.float64):
        try:
            return texts.astype(kind)
        except (ValueError, OverflowError):
            continue
    for place, text in np.ndenumerate(texts):
        try:
            float(text)
        except ValueError:
            raise _no_number(path, name, first + place[0], text, "number") from None
    raise InputError(f"{path} has numbers in its column {name} that are too large to be meant")


def _no_number(path: Path, name: str, row: int, value: object, kind: str) -> InputError:
    return InputError(
        f"{path} has {str(value)!r} in column {name}, row {row + 1}, where a {kind} is meant;"
        " remove the row, or correct it"
    )
