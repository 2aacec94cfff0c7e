"""Catalogs joined row by row, in memory that does not grow with them.

The rows of a long prediction are written in catalogs of a few thousand. Joined, these are the bytes
that `catalog_file.write` would have written for all rows at once.
"""

import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from astropy.table import Table, vstack

from spectranet_jax.catalog.catalog_file import FORMATS, write
from spectranet_jax.datasets.atomic import atomic
from spectranet_jax.spectra.errors import InputError

FITS_BLOCK = 2880
"""FITS pads headers and data to multiples of this, bytes (FITS 4.0, section 3.1)."""

ROWS = 65_536
"""Rows in memory at a time."""


ROWS_SUFFIX = {".fits": ".fits", ".fit": ".fits", ".ecsv": ".ecsv", ".parquet": ".ecsv"}
"""A catalog's suffix -> suffix of the catalogs that can be joined into it.

Parquet's columns depend on all the rows, so rows wait in a format that loses nothing.
"""


def join(files: Sequence[Path], out: Path, without: Collection[str] = ()) -> None:
    """Write one catalog with the rows of all the files, in order.

    Args:
        files: catalogs with the same columns and header, one at least, of the suffix that
            `ROWS_SUFFIX` tells.
        out: the catalog to write, replacing an earlier one; its suffix sets the format.
        without: keywords of the header to leave out; for FITS alone.

    Raises:
        InputError: if a file is truncated, has other columns, or `out` cannot be written.
    """
    with atomic(out) as temporary:
        JOINERS[FORMATS[out.suffix]](files, temporary, without)


class _Rows(NamedTuple):
    """The rows of a FITS catalog: the table's header, how many, their first byte, a row's dtype."""

    file: Path
    header: fits.Header
    total: int
    start: int
    dtype: np.dtype[Any]


def _rows(file: Path) -> _Rows:
    with warnings.catch_warnings(action="ignore"), fits.open(file, memmap=True) as hdus:
        table = hdus[1]
        # Text as bytes and numbers big-endian, as stored in the file.
        dtype = table.columns.dtype.newbyteorder(">")
        header = table.header.copy()
        start = table.fileinfo()["datLoc"]
    if file.stat().st_size < start + header["NAXIS2"] * dtype.itemsize:
        raise InputError(f"{file} is truncated; predict it again")
    return _Rows(file, header, header["NAXIS2"], start, dtype)


def _join_fits(files: Sequence[Path], out: Path, without: Collection[str]) -> None:
    tables = [_rows(file) for file in files]
    dtype, header = tables[0].dtype, tables[0].header
    for table in tables[1:]:
        if table.dtype.names != dtype.names:
            raise InputError(f"{table.file} has other columns than {files[0]}; predict both again")
        dtype = _wider(dtype, table.dtype)
    header["NAXIS1"], header["NAXIS2"] = dtype.itemsize, sum(table.total for table in tables)
    for number, name in enumerate(dtype.names or (), start=1):
        if dtype[name].kind == "S":
            header[f"TFORM{number}"] = f"{dtype[name].itemsize}A"
    for key in without:
        del header[key]
    with out.open("wb") as written:
        written.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        written.write(header.tostring().encode("ascii"))
        for table in tables:
            _copy(table, dtype, written)
        written.write(bytes(-written.tell() % FITS_BLOCK))


def _wider(first: np.dtype[Any], second: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that holds both: columns of text are as wide as the wider one."""
    both = ((name, first[name], second[name]) for name in first.names or ())
    return np.dtype([(name, max(a, b, key=lambda d: d.itemsize)) for name, a, b in both])


def _copy(table: _Rows, dtype: np.dtype[Any], out: Any) -> None:
    remaining = table.total
    with table.file.open("rb") as file:
        file.seek(table.start)
        while remaining:
            rows = np.fromfile(file, table.dtype, min(remaining, ROWS))
            out.write(rows.astype(dtype).tobytes())
            remaining -= len(rows)


def _join_ecsv(files: Sequence[Path], out: Path, _: Collection[str]) -> None:
    """Join ECSV files, whose header, comments and names are the same."""
    with out.open("w", encoding="utf-8", newline="") as joined:
        for file in files:
            with file.open(encoding="utf-8", newline="") as lines:
                header = []
                for line in lines:
                    header.append(line)
                    if not line.startswith("#"):
                        break
                if file is files[0]:
                    joined.writelines(header)
                joined.writelines(lines)


def _join_parquet(files: Sequence[Path], out: Path, _: Collection[str]) -> None:
    """Join in memory, where all rows are at once."""
    tables = [Table(Table.read(file, format="ascii.ecsv"), masked=True) for file in files]
    table = vstack(tables, metadata_conflicts="silent")
    for column in table.itercols():  # the format keeps masked values: empty them, as `build` does
        np.ma.getdata(column)[column.mask] = np.zeros((), column.dtype)
    write(table, out)


JOINERS: dict[str, Callable[[Sequence[Path], Path, Collection[str]], None]] = {
    "fits": _join_fits,
    "ascii.ecsv": _join_ecsv,
    "parquet": _join_parquet,
}
"""astropy's name of a format -> the function that joins its catalogs."""
