"""The CSV file of a visual inspection: the inspectors' answers and each spectrum's identity.

A row per spectrum: FILE, ID, OCCURRENCE (which of those that share both), the fields of
`spectra.identity` that are known, and VI_CLASS, VI_Z, VI_QUALITY (0 to 4), VI_COMMENT, VI_SCANNER
(who looked). Qualities are those of the DESI surveys (Lan et al. 2023): 4 and 3 are secure, 2
possible, 1 unlikely, 0 no information.

A spreadsheet would run text that begins with = + - @ as a formula. Such text is written behind an
apostrophe, which is taken off when the file is read.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from spectranet_jax.readers.opening import check_regular
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.labels import CLASSES

Row = dict[str, str]
"""A row's cells as text, by column."""

VI_COLUMNS = ("VI_CLASS", "VI_Z", "VI_QUALITY", "VI_COMMENT", "VI_SCANNER")

SECURE = 3
"""The lowest VI_QUALITY of a secure class and redshift."""

QUALITIES = ("0", "1", "2", "3", "4")

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""Beginnings of text that a spreadsheet takes for a formula, and the apostrophe itself."""


def read(path: Path) -> list[Row]:
    """Return the rows of an inspection's file.

    Raises:
        InputError: if it cannot be read, lacks a column, or a cell is none of what is allowed.
    """
    check_regular(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as CSV ({error}); give a file that spectranet inspect exported"
        ) from error
    names = [name.strip().upper() for name in rows[0]] if rows else []
    lacking = [name for name in VI_COLUMNS[:3] if name not in names]
    if lacking:
        raise InputError(
            f"{path} has no column {', '.join(lacking)}; give a file that spectranet inspect"
            " exported"
        )
    if twice := next((name for name in names if name and names.count(name) > 1), ""):
        raise InputError(f"{path} has several columns {twice}; keep one of them")
    numbered = [(number, row) for number, row in enumerate(rows[1:], start=2) if any(row)]
    return [_row(path, number, names, row) for number, row in numbered]


def _row(path: Path, number: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(names):
        raise InputError(
            f"{path} has {len(cells)} cells in row {number}, but {len(names)} columns; export it"
            " again"
        )
    row = {name: unguarded(cell) for name, cell in zip(names, cells, strict=True)}
    for name, allowed in (("VI_CLASS", CLASSES), ("VI_QUALITY", QUALITIES)):
        row[name] = row[name].strip()
        if row[name] and row[name] not in allowed:
            raise InputError(
                f"{path} has {row[name][:40]!r} in column {name}, row {number}; write one of"
                f" {', '.join(allowed)}, or leave it empty"
            )
    if row["VI_Z"].strip() and redshift(row) is None:
        raise InputError(
            f"{path} has {row['VI_Z'][:40]!r} in column VI_Z, row {number}, which is not a"
            " redshift; write a number above -1, or leave it empty"
        )
    return row


def redshift(row: Mapping[str, str]) -> float | None:
    """Return the redshift in VI_Z; None where there is none."""
    try:
        z = float(row["VI_Z"])
    except ValueError:
        return None
    return z if -1 < z < 1e3 else None


def quality(row: Mapping[str, str]) -> int | None:
    """Return the quality in VI_QUALITY; None where no quality was given."""
    return int(row["VI_QUALITY"]) if row["VI_QUALITY"] else None


def written(rows: Iterable[Row]) -> str:
    """Return rows as the text of a CSV file, with the columns of all of them."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [*(name for name in names if name not in VI_COLUMNS), *VI_COLUMNS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([guarded(row.get(name, "")) for name in names] for row in rows)
    return text.getvalue()


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet runs as a formula: see the module."""
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def unguarded(cell: str) -> str:
    """Return the text of a guarded cell, the inverse of `guarded`."""
    return cell[1:] if cell.startswith("'") else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
