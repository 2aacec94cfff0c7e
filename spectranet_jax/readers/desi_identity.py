"""Identities of the spectra or redshifts of a DESI file: from headers, FIBERMAP and file name.

Healpix files have SURVEY, PROGRAM and HPXPIXEL in the primary header, files of a tile TILEID and
NIGHT, the last of its nights (the DESI data model, files coadd and redrock). In catalogs of many
files these are columns, the pixel called HEALPIX and the night LASTNIGHT.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.readers.position_columns import positions
from spectranet_jax.readers.whole_column import whole_column
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import NONE, TEXTS, Identity, pair
from spectranet_jax.spectra.whole_numbers import whole_number

NAMES: Mapping[str, tuple[str, ...]] = {
    "SURVEY": ("SURVEY",),
    "PROGRAM": ("PROGRAM",),
    "HEALPIX": ("HEALPIX", "HPXPIXEL"),
    "TILEID": ("TILEID",),
    "NIGHT": ("LASTNIGHT", "NIGHT"),
}
"""Field of an identity -> its names in headers and columns."""

STATUS = ("COADD_FIBERSTATUS", "FIBERSTATUS")
"""Columns of the bits of what is wrong with a fiber, in coadd and in spectra files; 0: nothing."""

NOT_TARGETS = ("SKY", "BAD")
"""OBJTYPE, in upper case, of fibers on the sky and of those out of order."""


def of_header(hdus: Fits) -> dict[str, int | float | str]:
    """Return the fields that hold for every row of a file, without invalid values."""
    known: dict[str, int | float | str] = {}
    for field, names in NAMES.items():
        for name in names:
            value = _meant(field, hdus[0].get(name))
            if value is not None:
                known.setdefault(field, value)
    if shared := pair(hdus.path):
        known |= {"PAIR": shared, "FOLDER": str(hdus.path.absolute().parent)}
    return known


def _meant(field: str, value: Any) -> int | str | None:
    if field not in TEXTS:
        return whole_number(value)
    return value.strip().lower() or None if isinstance(value, str) else None


def identities(hdus: Fits, count: int) -> list[Identity]:
    """Return the identity of each spectrum of a file; empty if there is no FIBERMAP.

    Unknown fields of a row in FIBERMAP, such as null ones, are left out.

    Raises:
        InputError: if FIBERMAP has another number of rows, or a TARGETID that is no whole number.
    """
    table = hdus.named().get("FIBERMAP")
    if table is None or "TARGETID" not in table.columns:
        return [{}] * count
    shared, columns = of_header(hdus), _columns(table)
    if len(columns["TARGETID"]) != count:
        raise InputError(
            f"{hdus.path} has {count} spectra and {len(columns['TARGETID'])} rows in FIBERMAP;"
            " fetch it again"
        )
    rows = [zip(columns, row, strict=True) for row in zip(*columns.values(), strict=True)]
    places = positions(table, "TARGET_RA", "TARGET_DEC")
    return [
        {**shared, **{field: v for field, v in row if v not in (NONE, "")}, **place}
        for row, place in zip(rows, places, strict=True)
    ]


def _columns(table: Hdu) -> dict[str, list[Any]]:
    """Return field -> one value per row, -1 or "" where it is unknown."""
    columns: dict[str, list[Any]] = {"TARGETID": whole_column(table, "TARGETID").tolist()}
    for field, names in NAMES.items():
        for name in names:
            if field not in columns and name in table.columns:
                columns[field] = (_texts if field in TEXTS else _whole_numbers)(table, name)
    if "OBJTYPE" in table.columns:
        columns["OBJTYPE"] = [text.upper() for text in _texts(table, "OBJTYPE")]
    if status := next((name for name in STATUS if name in table.columns), None):
        columns["FIBERSTATUS"] = _whole_numbers(table, status)
    return columns


def _whole_numbers(table: Hdu, name: str) -> list[int]:
    return whole_column(table, name, strict=False).tolist()


def _texts(table: Hdu, name: str) -> list[str]:
    """Return a column of text in lower case; "" where it is not text."""
    cells = table.cells(name)
    is_text = cells.dtype.kind == "U" and cells.ndim == 1
    return np.strings.lower(np.strings.strip(cells)).tolist() if is_text else [""] * len(cells)
