"""The first row of a table, read from the header's text.

astropy takes longer to make a table of the 200 columns that survey files keep of the catalog than
for all the rest of a file.
"""

import re
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import IO, NamedTuple

from spectranet_jax.readers.damage import Damage
from spectranet_jax.readers.hdu import Hdu

WIDTHS = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "C": 8, "M": 16}
WIDTHS |= {"P": 8, "Q": 16}
"""Bytes of a table's field, by the letter of its TFORM (FITS 4.0, table 18), except bits (X)."""

FLOATS = {"E": ">f", "D": ">d"}
"""Letter of TFORM -> format for `struct`."""

BLOCK = 2880


class _Column(NamedTuple):
    """A column of one value per row: its place in the row and width, bytes, its kind and TNULL."""

    offset: int
    width: int
    code: str
    null: int | None


def values_after(hdu: Hdu, wanted: Iterable[str]) -> dict[str, int | float | str] | None:
    """Return columns of the first row of the table after an HDU, by upper-case name.

    Absent columns, and integers that are null (TNULL), are left out. Texts come without the spaces
    around them.

    Returns:
        None where the table is to be read by astropy: none with one of the columns follows, one of
        them is neither a plain number nor a text, or there is a DATASUM to check.

    Raises:
        InputError: if the file ends within it.
    """
    if hdu.place is None:
        return None
    file, start, span = hdu.place
    values = {}
    with Damage(hdu.path):
        file.seek(start + span)
        header = _header(file)
        data = file.tell()
        columns = {k: v for k, v in _plain_columns(header).items() if k in wanted}
        if not columns or _DATASUM in header:
            return None
        for name, column in columns.items():
            if column is None:
                return None
            file.seek(data + column.offset)
            stored = _value(_all_of(file, column.width), column.code)
            if stored != column.null:
                values[name] = stored
    return values


def _value(content: bytes, code: str) -> int | float | str:
    if code == "A":
        return content.rstrip(b"\0 ").decode("ascii", "replace").strip()
    if code in FLOATS:
        (value,) = struct.unpack(FLOATS[code], content)
        return float(value)
    return int.from_bytes(content, "big", signed=True)


def _header(file: IO[bytes]) -> bytes:
    """Return the header of the table that begins here; empty if none does."""
    blocks: list[bytes] = []
    while not blocks or _END not in blocks[-1]:
        block = file.read(BLOCK)
        if not blocks and not block.startswith(b"XTENSION= 'BINTABLE'"):
            return b""
        if len(block) < BLOCK:
            raise EOFError
        blocks.append(block)
    return b"".join(blocks)


def _all_of(file: IO[bytes], size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError
    return content


@lru_cache(maxsize=16)  # files of one release have the same header
def _plain_columns(header: bytes) -> dict[str, _Column | None]:
    """Return columns of one number or text by upper-case name; None for other forms."""
    text = header.decode("ascii", "replace")
    names = {int(n): name.strip().upper() for n, name in _TTYPE.findall(text)}
    forms = {int(n): form for n, form in _TFORM.findall(text)}
    scaled = {int(zero or scale) for zero, scale in _SCALED.findall(text)}
    nulls = {int(n): int(null) for n, null in _TNULL.findall(text)}
    if not (rows := _NAXIS2.search(text)) or int(rows.group(1)) == 0:
        return {}
    places: dict[str, _Column | None] = {}
    offset = 0
    for number in sorted(forms):
        repeat, code = _FORM.match(forms[number]).groups()  # type: ignore[union-attr]
        count = int(repeat or 1)
        if number in names:
            plain = (code in "IJKED" and count == 1 and number not in scaled) or code == "A"
            width = WIDTHS.get(code, 0) * count
            column = _Column(offset, width, code, nulls.get(number)) if plain else None
            places[names[number]] = column
        offset += -(-count // 8) if code == "X" else count * WIDTHS[code]
    return places


_DATASUM = b"DATASUM ="
_END = b"END" + 77 * b" "
_TTYPE = re.compile(r"TTYPE(\d+) *= *'([^']*)'")
_TFORM = re.compile(r"TFORM(\d+) *= *'([^']*)'")
_SCALED = re.compile(r"TZERO(\d+) *=(?! *0\.?0* )|TSCAL(\d+) *=(?! *1\.?0* )")
_TNULL = re.compile(r"TNULL(\d+) *= *(-?\d+)")
_NAXIS2 = re.compile(r"NAXIS2 *= *(\d+)")
_FORM = re.compile(r" *(\d*)([A-Z])")
