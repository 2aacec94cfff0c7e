"""Tables of the page as data: a cell is a text and, below it in small type, an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spectranet_jax.evaluation.fraction import Fraction

NONE = "–"


class Cell(NamedTuple):
    """Content of a cell: a text, and its interval or another remark below it."""

    text: str
    below: str = ""


@dataclass(frozen=True)
class Row:
    """A row; a heading has its first cell alone."""

    cells: Sequence[Cell]
    heading: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: its number on the page, as in "Table 2".
        title: what it shows.
        head: of the columns.
        rows: from the first to the last.
        note: a remark below it.
    """

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Row]
    note: str = ""


def row(first: str, *cells: Cell | str) -> Row:
    """Return a row of cells, of which those without an interval may be texts."""
    return Row([Cell(first), *(Cell(c) if isinstance(c, str) else c for c in cells)])


def heading(text: str) -> Row:
    """Return a row that names those after it."""
    return Row([Cell(text)], heading=True)


def number(value: float | None, form: str = ".3f", ends: tuple[float, float] | None = None) -> Cell:
    """Format a number with its 95% interval, if it has one; a dash where there is none."""
    if value is None:
        return Cell(NONE)
    below = "" if ends is None else f"{ends[0]:{form}} – {ends[1]:{form}}"
    return Cell(*(text.replace("-", "−") for text in (f"{value:{form}}", below)))


def fraction_cell(fraction: Fraction | None) -> Cell:
    """Format a counted fraction with its interval."""
    return Cell(NONE) if fraction is None else number(fraction.fraction, ".3f", fraction.interval)
