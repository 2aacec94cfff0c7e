"""docs/catalog.md lists the columns and bits that the code writes.

`PYTHONPATH=.:tests python tests/test_catalog_page.py` writes its tables anew.
"""

import re
from enum import IntFlag
from pathlib import Path

from spectranet_jax.inference.columns import COLUMNS
from spectranet_jax.spectra import flags, zwarn

PAGE = Path(__file__).parents[1] / "docs" / "catalog.md"


def columns() -> str:
    short = {name: re.sub(r"(: 1 |; else).*", "", c.description) for name, c in COLUMNS.items()}
    rows = [f"| {name} | {COLUMNS[name].unit} | {what} |" for name, what in short.items()]
    return "\n".join(["| column | unit | what it holds |", "|---|---|---|", *rows])


def bits(kinds: type[IntFlag], source: str) -> str:
    """A table of bits: their meanings are the comments beside them in the source."""
    meanings = dict(re.findall(r"^    ([A-Z_0-9]+) = [^#\n]*#\s*(.+)$", source, re.MULTILINE))
    rows = [f"| {bit.value} | {bit.name} | {meanings[bit.name or '']} |" for bit in kinds]
    return "\n".join(["| bit | name | meaning |", "|---|---|---|", *rows])


def tables() -> dict[str, str]:
    sources = {module: Path(module.__file__ or "").read_text("utf-8") for module in (flags, zwarn)}
    return {
        "columns": columns(),
        "zwarn": bits(zwarn.ZWarn, sources[zwarn]),
        "flags": bits(flags.Flag, sources[flags]),
    }


def with_tables(page: str) -> str:
    for name, table in tables().items():
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda match, table=table: f"{match[1]}{table}\n{match[2]}",
            page,
            flags=re.DOTALL,
        )
    return page


def test_the_page_lists_what_the_code_writes() -> None:
    page = PAGE.read_text("utf-8")
    assert with_tables(page) == page
    for name in (*COLUMNS, *zwarn.ZWarn.__members__, *flags.Flag.__members__):
        assert f"| {name} |" in page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), encoding="utf-8")
