"""Slices of a table's rows, of bounded memory."""

from collections.abc import Iterator


def row_slices(start: int, stop: int, row_bytes: int, most: int) -> Iterator[slice]:
    """Yield slices that cover the rows from `start` to `stop` in order, at least one row in each.

    Args:
        start: first row.
        stop: the row after the last.
        row_bytes: memory of a row.
        most: bytes of a slice.
    """
    rows = max(1, most // max(row_bytes, 1))
    for first in range(start, stop, rows):
        yield slice(first, min(first + rows, stop))
