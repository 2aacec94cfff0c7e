"""Catalog files: FITS, or any other table that astropy reads, with renamed columns.

Tables in other formats (CSV, ECSV, VOTable, Parquet, IPAC, ...) become FITS tables in memory, so
that all that follows knows one kind.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers import FITS_SUFFIXES
from spectranet_jax.readers.fits import Fits, open_fits
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.readers.opening import MAGIC
from spectranet_jax.spectra import InputError

Names = Mapping[str, str]
"""Our name of a column, in upper case -> the file's name of it."""

FORMATS = {
    ".csv": "ascii.csv",
    ".ecsv": "ascii.ecsv",
    **dict.fromkeys((".xml", ".vot", ".votable"), "votable"),
    **dict.fromkeys((".dat", ".tbl", ".tsv", ".asc", ".ipac", ".mrt", ".cds"), "ascii"),
}
"""Suffix -> astropy's name of the format; for "ascii", astropy guesses the variant. Others, such as
HDF5, may name files that hold their data, and are not read.
"""


def column_names(flags: Sequence[str]) -> dict[str, str]:
    """Parse flags NAME=COLUMN.

    Raises:
        InputError: if one is not of this form.
    """
    pairs = [flag.partition("=") for flag in flags]
    for flag, (name, _, column) in zip(flags, pairs, strict=True):
        if not name or not column:
            raise InputError(
                f"--columns {flag} does not name a column; write NAME=COLUMN, as in CLASS=my_class"
            )
    return {name.strip().upper(): column.strip() for name, _, column in pairs}


@contextmanager
def open_catalog(path: Path, names: Names | None = None) -> Iterator[Fits]:
    """Open a catalog and yield its tables: see `readers.fits.open_fits`.

    Args:
        path: the file.
        names: columns to be called otherwise.

    Raises:
        InputError: if it cannot be read, or has none of the columns that are to be renamed.
    """
    with open_fits(path, large=True) if _is_fits(path) else _in_memory(path) as hdus:
        if not names:
            yield hdus
            return
        wanted = {column.upper() for column in names.values()}
        if not any(wanted <= hdu.columns for hdu in hdus):
            listed = ", ".join(sorted({column for hdu in hdus for column in hdu.columns})[:40])
            raise InputError(
                f"{path} has no table with columns {', '.join(names.values())}; correct --columns"
                f" (columns: {listed or 'none'})"
            )
        yield _Renamed(hdus, names)


def _is_fits(path: Path) -> bool:
    if path.name.lower().endswith(FITS_SUFFIXES) or not path.is_file():
        return True  # whose reader reports what is wrong
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@contextmanager
def _in_memory(path: Path) -> Iterator[Fits]:
    """Convert a table of another format to FITS."""
    from astropy.io import fits

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hdu = fits.table_to_hdu(_storable(path, _read(path)))
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            f"{path} needs a package to be read ({error}); for Parquet, pip install"
            ' "spectranet-jax[parquet]"'
        ) from error
    except Exception as error:  # each format has its own errors
        reason = " ".join(str(error).split()).partition(". ")[0][:200] or type(error).__name__
        raise InputError(
            f"{path} cannot be read as a table ({reason}); give FITS, CSV, ECSV, VOTable or"
            " Parquet, with its suffix, such as .csv"
        ) from error
    yield Fits(path, fits.HDUList([fits.PrimaryHDU(), hdu]))


def _read(path: Path) -> Any:
    from astropy.table import Table

    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path)
    if suffix not in FORMATS:
        raise ValueError("its suffix is not that of a table")
    # A VOTable may refer to data elsewhere (VOTable 1.4, section 5.4).
    content = path.read_bytes() if FORMATS[suffix] == "votable" else b""
    if re.search(rb"<(\w+:)?STREAM[^>]*\shref", content, re.IGNORECASE):
        raise InputError(
            f"{path} refers to another file or address for its data, which is not fetched;"
            " write the VOTable with its data inside"
        )
    return Table.read(path, format=FORMATS[suffix])


def _parquet(path: Path) -> Any:
    """Read the columns of one value per row: astropy needs pandas for this, which rounds ids."""
    import pyarrow
    from astropy.table import MaskedColumn, Table
    from pyarrow import compute, parquet, types

    columns = {}
    for name, column in zip((table := parquet.read_table(path)).column_names, table, strict=True):
        kind = column.type.value_type if types.is_dictionary(column.type) else column.type
        missing = np.asarray(column.is_null())
        if types.is_string(kind) or types.is_large_string(kind):
            columns[name] = np.array(["" if v is None else v for v in column.to_pylist()], np.str_)
        elif types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
            zero = pyarrow.scalar(0).cast(kind)
            columns[name] = MaskedColumn(np.asarray(compute.fill_null(column, zero)), mask=missing)
    return Table(columns)


def _storable(path: Path, table: Any) -> Any:
    """A table without what FITS cannot hold: objects, letters beyond ASCII, masks of floats."""
    upper = [name.upper() for name in table.colnames]
    twice = sorted({name for name in upper if upper.count(name) > 1})
    if twice:
        raise InputError(
            f"{path} has columns {', '.join(twice)} that differ only in case; rename one of them"
        )
    for name in table.colnames:
        column = table[name]
        missing = np.broadcast_to(getattr(column, "mask", False), column.shape)
        if column.dtype.kind == "O":
            texts = ["" if cell is None else str(cell) for cell in column.tolist()]
            column = np.array(texts, np.str_)
        if column.dtype.kind == "b" and missing.any():
            column = np.ma.masked_array(np.asarray(column).astype(np.int64), missing)
            table[name] = column
        elif column.dtype.kind in "US":
            table[name] = _utf8(np.where(missing, "", np.asarray(column).astype(np.str_)))
        if missing.any() and table[name].dtype.kind == "i":
            table[name].fill_value = np.iinfo(table[name].dtype).min  # becomes TNULL
    table.meta.clear()
    return table


def _utf8(texts: NDArray[np.str_]) -> NDArray[np.bytes_]:
    return np.strings.encode(texts, "utf-8")


class _Renamed(Fits):
    """The tables of a file, with renamed columns."""

    def __init__(self, hdus: Fits, names: Names) -> None:
        self.path, self._hdus, self._names = hdus.path, hdus, names

    def at(self, number: int) -> Hdu | None:
        hdu = self._hdus.at(number)
        return hdu if hdu is None or not hdu.is_table else _RenamedTable(hdu, self._names)


class _RenamedTable(Hdu):
    """A table with those of the renamed columns that it has."""

    def __init__(self, table: Hdu, names: Names) -> None:
        super().__init__(table.path, table._hdu)
        file_columns = table.columns
        self._names = {name: of for name, of in names.items() if of.upper() in file_columns}
        self.columns = (
            file_columns - {of.upper() for of in self._names.values()}
        ) | self._names.keys()

    def cells(self, column: str, rows: slice = slice(None)) -> NDArray[Any]:
        return super().cells(self._names.get(column, column), rows)

    def null(self, column: str) -> int | None:
        return super().null(self._names.get(column, column))
