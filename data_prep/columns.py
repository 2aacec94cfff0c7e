"""Columns of a catalog as what they mean: whole numbers, numbers, or text, however they are stored.

Whole numbers come as floats where a table went through pandas, and as text where it went through
CSV; a missing one is masked (TNULL), NaN, empty, or a negative number.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.readers.whole import whole
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
"""Columns of text, in capitals. All others are numbers, of which missing ones are NaN."""

MISSING = ("", "nan")
"""Texts that stand for no number; astropy writes a masked one as ""."""


def read_column(table: Hdu, name: str, rows: slice = slice(None)) -> NDArray[Any]:
    """Some rows of a column: int64 if it is of `WHOLE`, text if of `TEXT`, else float64.

    Raises:
        InputError: if a value is not of that kind, with column and row.
    """
    if name in TEXT:
        return np.strings.upper(read_text(table, name, rows))
    stored, first = table.cells(name, rows), rows.start or 0
    if stored.dtype.kind == "U":
        return _parsed(table.path, name, _texts(stored), first)
    if stored.dtype.kind not in "iufb":
        raise InputError(
            f"{table.path} has no numbers in its column {name}; give a catalog that has"
        )
    missing = np.isnan(stored) if stored.dtype.kind == "f" else stored == table.null(name)
    if name not in WHOLE:
        return np.where(missing, np.nan, stored.astype(np.float64))
    return np.where(missing, NONE, _whole(table.path, name, np.where(missing, 0, stored), first))


def read_text(table: Hdu, name: str, rows: slice = slice(None)) -> NDArray[np.str_]:
    """Some rows of a column as text, without spaces around it; what is not ASCII is replaced."""
    return _texts(table.cells(name, rows))


def _texts(stored: NDArray[Any]) -> NDArray[np.str_]:
    if stored.dtype.kind == "O":  # of variable length, an array of letters a row
        stored = np.array(["".join(map(str, cell)) for cell in stored], np.str_)
    return np.strings.strip(stored.astype(np.str_))


def _whole(path: Path, name: str, numbers: NDArray[Any], first: int) -> NDArray[np.int64]:
    if numbers.dtype.kind == "f":
        exact = 2.0 ** (np.finfo(numbers.dtype).nmant + 1)  # above it, some are skipped
        wrong = (numbers != np.floor(numbers)) | (np.abs(numbers) >= exact)
    else:
        wrong = numbers > np.iinfo(np.int64).max
    for place in np.argwhere(wrong):
        raise _no_number(path, name, first + place[0], numbers[tuple(place)])
    return numbers.astype(np.int64)


def _parsed(path: Path, name: str, texts: NDArray[np.str_], first: int) -> NDArray[Any]:
    """Numbers written as text, each for itself: one "nan" must not make floats of the others."""
    parse: Callable[[str], float] = _whole_of if name in WHOLE else float
    numbers = np.full(texts.shape, NONE) if name in WHOLE else np.full(texts.shape, np.nan)
    for place, text in np.ndenumerate(texts):
        if text.lower() not in MISSING:
            try:
                numbers[place] = parse(text)
            except (ValueError, OverflowError):
                raise _no_number(path, name, first + place[0], text) from None
    return numbers


def _whole_of(text: str) -> int:
    """The number in "12" or "12.0".

    Raises:
        ValueError: if there is none, or a float too large to be exact.
    """
    number = whole(text)
    if number is None:
        number = whole(float(text))
    if number is None:
        raise ValueError(text)
    return number


def _no_number(path: Path, name: str, row: int, value: object) -> InputError:
    integer = "exact whole number; write the column as integers"
    kind = integer if name in WHOLE else "number; correct it"
    return InputError(
        f"{path} has {str(value)!r} in column {name}, row {row + 1}, which is no {kind}, or remove"
        " the row"
    )
