"""What a DESI file says its spectra, or its redshifts, are of: headers, FIBERMAP and the name.

Healpix files have SURVEY, PROGRAM and HPXPIXEL in the primary header, files of a tile TILEID and
NIGHT, the last of its nights (the DESI data model, files coadd and redrock). In catalogs of many
files these are columns, the pixel called HEALPIX and the night LASTNIGHT.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import Identity, pair

NAMES: Mapping[str, tuple[str, ...]] = {
    "SURVEY": ("SURVEY",),
    "PROGRAM": ("PROGRAM",),
    "HEALPIX": ("HEALPIX", "HPXPIXEL"),
    "TILEID": ("TILEID",),
    "NIGHT": ("LASTNIGHT", "NIGHT"),
}
"""Field of an identity -> what headers and columns call it."""

NOT_TARGETS = ("SKY", "BAD")
"""OBJTYPE of fibers on the sky, and of those that are out of order."""


def of_header(hdus: Fits) -> dict[str, int | str]:
    """Fields that hold for every row of a file."""
    found: dict[str, int | str] = {}
    for field, names in NAMES.items():
        for name in names:
            value = hdus[0].get(name)
            if isinstance(value, int | str) and not isinstance(value, bool):
                found.setdefault(field, value.strip().lower() if isinstance(value, str) else value)
    if shared := pair(hdus.path):
        found |= {"PAIR": shared, "FOLDER": str(hdus.path.absolute().parent)}
    return found


def identities(hdus: Fits, count: int) -> list[Identity]:
    """The identity of each of the spectra of a file; empty where there is no FIBERMAP.

    Raises:
        InputError: if FIBERMAP has another number of rows.
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
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [shared | dict(zip(columns, row, strict=True)) for row in rows]


def _columns(table: Hdu) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {"TARGETID": table.numbers(np.int64, "TARGETID")}
    for field, names in NAMES.items():
        for name in names:
            if field not in columns and name in table.columns:
                columns[field] = _values(table, name)
    if "OBJTYPE" in table.columns:
        columns["OBJTYPE"] = _values(table, "OBJTYPE")
    return columns


def _values(table: Hdu, name: str) -> NDArray[Any]:
    values = table.cells(name)
    if values.dtype.kind in "SU":
        return np.char.strip(values.astype(str))
    return table.numbers(np.int64, name)
