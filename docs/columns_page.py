"""Write docs/columns.md, the columns and bits of a catalog: `python docs/columns_page.py`.

Descriptions are those of the code; meanings of bits are the comments beside them in the source.
"""

import re
from collections.abc import Mapping
from enum import IntFlag
from pathlib import Path

from spectranet_jax import tasks
from spectranet_jax.inference.columns import COLUMNS
from spectranet_jax.spectra import QUASARNET_GRID, flags, zwarn
from spectranet_jax.spectra.column import Column

PAGE = Path(__file__).parent / "columns.md"

KINDS = {"U": "text", "f": "float", "i": "integer"}

TEXT = """# Columns and flags

This page is generated from the code (`python docs/columns_page.py`). A test fails if page and code
differ. [The catalog](catalog.md) explains how to use the columns and flags.

## Columns of every catalog

Every catalog has these columns, in this order. Unknown values are masked, and so are columns that
the model cannot fill.

{columns}

## Columns of LineNet

These columns follow those of every catalog. The evidence of a line is what the line adds to the
natural logarithm of p(z), at the network's redshift.

{linenet}

## Columns of QuasarNET

These columns follow those of every catalog.

{quasarnet}

## ZWARN: why not to trust a row

0 means that class and redshift can be trusted. Bits up to 2048 have the same meaning as in
redrock's ZWARN.

{zwarn}

## FLAGS: quality of the spectrum

{flags}
"""


def columns(described: Mapping[str, Column]) -> str:
    """A table of columns; long lists of bits in descriptions are left to the tables of bits."""
    rows = [
        f"| {name} | {_kind(column)} | {column.unit} | {_short(column.description)} |"
        for name, column in described.items()
    ]
    return "\n".join(["| column | type | unit | what it holds |", "|---|---|---|---|", *rows])


def _kind(column: Column) -> str:
    letter, size = column.dtype[0], column.dtype[1:]
    return KINDS[letter] + (f" {8 * int(size)}" if letter != "U" else "")


def _short(description: str) -> str:
    return re.sub(r"(: 1 |; else).*", "", description)


def bits(kind: type[IntFlag], source: str) -> str:
    """A table of bits with the comments that stand beside them in the source."""
    meanings = dict(re.findall(r"^    ([A-Z_0-9]+) = [^#\n]*#\s*(.+)$", source, re.MULTILINE))
    rows = [f"| {bit.value} | {bit.name} | {meanings[bit.name or '']} |" for bit in kind]
    return "\n".join(["| bit | name | meaning |", "|---|---|---|", *rows])


def page() -> str:
    """The whole page."""
    sources = {module: Path(module.__file__ or "").read_text("utf-8") for module in (flags, zwarn)}
    return TEXT.format(
        columns=columns(COLUMNS),
        linenet=columns(tasks.build("linenet", QUASARNET_GRID).columns),
        quasarnet=columns(tasks.build("quasarnet", QUASARNET_GRID).columns),
        zwarn=bits(zwarn.ZWarn, sources[zwarn]),
        flags=bits(flags.Flag, sources[flags]),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
