"""Columns of a catalog by meaning, however stored: whole numbers, numbers, or text.

Whole numbers come as floats where a table went through pandas, and as text where it went through
CSV; a missing one is masked (TNULL), NaN, empty, or a negative number.
"""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.whole_numbers import OF_CATALOGS, whole_numbers

WHOLE = frozenset({
    "PLATE", "MJD", "FIBERID", "FIELD", "TARGETID", "HEALPIX", "TILEID", "NIGHT", "LASTNIGHT",
    "THING_ID", "SDSS_ID", "CATALOGID", "CLASS_PERSON", "Z_CONF_PERSON", "Z_CONF", "ZWARNING",
    "ZWARN", "BAL_FLAG_VI", "IS_QSO_FINAL", "PLATE_DUPLICATE", "MJD_DUPLICATE", "FIBERID_DUPLICATE",
})  # fmt: skip
"""Columns of whole numbers; null ones become -1."""

TEXT = frozenset({
    "SURVEY", "PROGRAM", "OBJTYPE", "CLASS", "SPECTYPE", "SOURCE_Z", "AUTOCLASS_PQN"
})  # fmt: skip
"""Columns of text, in capitals. All others are numbers, with NaN for missing ones."""

FILES = frozenset({"FILE"})
"""Columns of names of files, which are not changed."""


def read_column(table: Hdu, name: str, rows: slice = slice(None)) -> NDArray[Any]:
    """Read rows of a column: int64 if it is of `WHOLE`, text if of `TEXT` or `FILES`, else float64.

    Raises:
        InputError: if a value is not of that kind, with column and row.
    """
    if name in FILES:
        return read_text(table, name, rows)
    if name in TEXT:
        return np.strings.upper(read_text(table, name, rows))
    stored = table.cells(name, rows)
    if stored.dtype.kind not in "iufbU":
        raise InputError(
            f"{table.path} has no numbers in its column {name}; give a catalog that has numbers"
            " there"
        )
    if stored.dtype.kind == "U":
        stored = _texts(stored)
    null = table.null(name)
    numbers, wrong = (
        whole_numbers(stored, OF_CATALOGS, null) if name in WHOLE else _floats(stored, null)
    )
    for place in np.argwhere(wrong):
        _refuse(table, name, (rows.start or 0) + int(place[0]), stored[tuple(place)])
    return numbers


def read_text(table: Hdu, name: str, rows: slice = slice(None)) -> NDArray[np.str_]:
    """Read rows of a column as text, without surrounding spaces; non-ASCII letters are replaced."""
    return _texts(table.cells(name, rows))


def _texts(stored: NDArray[Any]) -> NDArray[np.str_]:
    if stored.dtype.kind == "O":  # variable length: an array of letters per row
        stored = np.array(["".join(map(str, cell)) for cell in stored], np.str_)
    return np.strings.strip(stored.astype(np.str_))


def _floats(
    stored: NDArray[Any], null: int | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return numbers, NaN where there is none; and where a text is neither missing nor a number."""
    if stored.dtype.kind != "U":
        missing = stored == null if null is not None else np.zeros(stored.shape, np.bool_)
        return np.where(missing, np.nan, stored.astype(np.float64)), np.zeros_like(missing)
    numbers, wrong = np.full(stored.shape, np.nan), np.zeros(stored.shape, np.bool_)
    for place, text in np.ndenumerate(stored):
        if text.lower() not in OF_CATALOGS.missing:
            try:
                numbers[place] = float(text)
            except ValueError:
                wrong[place] = True
    return numbers, wrong


def _refuse(table: Hdu, name: str, row: int, value: object) -> NoReturn:
    kind, remedy = "number", "correct it"
    if name in WHOLE:
        kind, remedy = "exact whole number", "write the column as integers"
    raise InputError(
        f"{table.path} has {str(value)!r} in column {name}, row {row + 1}, which is not a valid"
        f" {kind}; {remedy}, or remove the row"
    )
