"""Whole numbers that identify spectra and objects, never rounded however they are stored.

Tables that went through pandas hold them as floats, those that went through CSV as text; a missing
one is null (TNULL), NaN, or a text as "nan". What else counts is a rule, one for files of spectra
and one for catalogs.
"""

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

NONE = -1
"""The number, key or id of anything unknown."""

_LIMIT = 2**63
_DIGITS = re.compile(r"[+-]?[0-9]{1,19}")


class WholeRule(NamedTuple):
    """What counts as a whole number besides integers, exact floats and texts of digits.

    Attributes:
        missing: texts, in lower case, that mean that there is none.
        float_text: whether the text of a float counts, as "12.0".
        logical: whether true and false count, as 1 and 0.
    """

    missing: frozenset[str]
    float_text: bool = False
    logical: bool = False


OF_FILES = WholeRule(frozenset({"", "--", "n/a", "nan", "none", "null"}))
OF_CATALOGS = WholeRule(frozenset({"", "nan"}), float_text=True, logical=True)


def exact_below(dtype: DTypeLike) -> float:
    """Return the number from which floats of the dtype do not hold every whole number."""
    return float(2.0 ** (np.finfo(dtype).nmant + 1))


def whole_number(value: Any, rule: WholeRule = OF_FILES) -> int | None:
    """Return a value, or its text, as a whole number; None if it is not one."""
    if isinstance(value, str):
        value = _number_in(value.strip(), rule)
    if isinstance(value, float) and value.is_integer() and abs(value) < exact_below(np.float64):
        value = int(value)
    if isinstance(value, bool) and not rule.logical:
        return None
    if not isinstance(value, int | np.integer):
        return None
    return int(value) if -_LIMIT <= value < _LIMIT else None


def _number_in(text: str, rule: WholeRule) -> int | float | None:
    if _DIGITS.fullmatch(text):
        return int(text)
    try:
        return float(text) if rule.float_text else None
    except ValueError:
        return None


def whole_numbers(
    cells: NDArray[Any], rule: WholeRule = OF_FILES, null: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return cells of a table as whole numbers.

    Args:
        cells: as they are stored, of any shape.
        rule: what counts.
        null: the integer that means that there is none.

    Returns:
        int64 of the same shape, `NONE` where there is none; and bool of the same shape, where a
        cell is neither missing nor a whole number.
    """
    kind = cells.dtype.kind
    if kind == "f":
        missing = np.isnan(cells)
        wrong = (cells != np.floor(cells)) | (np.abs(cells) >= exact_below(cells.dtype))
    elif kind in "iu" or (kind == "b" and rule.logical):
        missing = np.zeros(cells.shape, np.bool_) if null is None else cells == null
        wrong = cells >= _LIMIT if kind == "u" else np.zeros(cells.shape, np.bool_)
    else:
        return _cell_by_cell(cells, rule, null)
    wrong &= ~missing
    exact = np.where(missing | wrong, 0, cells).astype(np.int64)  # uint64 cannot hold NONE
    return np.where(missing | wrong, NONE, exact), wrong


def _cell_by_cell(
    cells: NDArray[Any], rule: WholeRule, null: int | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    values = cells.ravel().tolist()
    numbers = [NONE if _is_missing(v, rule, null) else whole_number(v, rule) for v in values]
    wrong = np.array([number is None for number in numbers], np.bool_)
    filled = [NONE if number is None else number for number in numbers]
    return np.array(filled, np.int64).reshape(cells.shape), wrong.reshape(cells.shape)


def _is_missing(value: Any, rule: WholeRule, null: int | None) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in rule.missing
    return isinstance(value, int) and value == null
