"""Printing of tables: at most 80 columns, one line per row, no number shortened.

Long names lose their middle. What is still too wide is printed in several tables one below the
other, each with the first column.
"""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Column, Table

WIDTH = 80
LEAST_NAME = 12
"""Characters that remain of a name where numbers need the space."""
HEADING = 24
"""Characters of a heading that is longer than the cells below it."""


def shorten(text: str, width: int) -> str:
    """Return text on one line of `width` terminal columns: an ellipsis replaces its middle."""
    from rich.cells import cell_len, set_cell_size

    line = _printable(text)
    if cell_len(line) <= width:
        return line
    head = set_cell_size(line, width // 2).rstrip()
    tail = ""
    while cell_len(head) + 1 + cell_len(line[-len(tail) - 1 :]) <= width:
        tail = line[-len(tail) - 1 :]
    return f"{head}…{tail}"


def _printable(text: str) -> str:
    """Return text on one line, with ? for characters that move the cursor or show nothing."""
    return "".join(char if char.isprintable() else "?" for char in text)


def fill(text: str, indent: str = "") -> str:
    """Fill a title or caption in lines of up to 80 columns; a longer word loses its middle."""
    words = " ".join(shorten(word, WIDTH - len(indent)) for word in text.split())
    return textwrap.fill(
        words, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def print_table(table: "Table") -> None:
    """Print a table whose cells are texts: left-justified columns hold names, others numbers."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=WIDTH, highlight=False)
    if table.title:
        print(fill(str(table.title)))
    widths = _widths(table.columns)
    for group in _groups(widths):
        part = Table()
        cells = []
        for index in group:
            column, width = table.columns[index], widths[index]
            heading = Text(shorten(str(column.header), width))
            part.add_column(heading, justify=column.justify, style=column.style, no_wrap=True)
            cells.append([Text(shorten(str(cell), width)) for cell in column.cells])
        for row, *texts in zip(table.rows, *cells, strict=True):
            part.add_row(*texts, style=row.style, end_section=row.end_section)
        console.print(part)
    if table.caption:
        print(fill(str(table.caption)))


def _widths(columns: Sequence["Column"]) -> list[int]:
    """Return terminal columns of each: numbers in full, names in what the numbers leave."""
    from rich.cells import cell_len

    widths = []
    for column in columns:
        cells = max((cell_len(_printable(str(cell))) for cell in column.cells), default=0)
        heading = cell_len(_printable(str(column.header)))
        widths.append(max(cells, min(heading, max(HEADING, cells))))
    names = [i for i, column in enumerate(columns) if column.justify == "left"]
    least = max(LEAST_NAME, HEADING // max(len(names), 1))
    while _total(widths) > WIDTH and max((widths[i] for i in names), default=0) > least:
        widths[max(names, key=lambda i: widths[i])] -= 1
    if _total(widths) > WIDTH:  # several tables, in each of which the widest number fits
        widths[0] = min(widths[0], max(LEAST_NAME, WIDTH - _total([0, max(widths[1:])])))
    return widths


def _total(widths: Sequence[int]) -> int:
    """Return the terminal columns of a table, with a space around columns and a line between."""
    return 1 + sum(width + 3 for width in widths)


def _groups(widths: Sequence[int]) -> list[list[int]]:
    """Return the columns of each of the tables to print, the first column in all."""
    groups = [[0]]
    for column in range(1, len(widths)):
        wider = [*groups[-1], column]
        if len(wider) > 2 and _total([widths[i] for i in wider]) > WIDTH:
            groups.append([0, column])
        else:
            groups[-1] = wider
    return groups
