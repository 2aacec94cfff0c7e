"""One HDU of an open FITS file: its header, and an image or a table."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectranet_jax.readers.damage import Damage
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag

ROWS_AT_ONCE = 16
"""Rows read at once of the images of a plate or petal: a megabyte at 8,000 pixels of 8 bytes."""

SUMMED_AT_ONCE = 1 << 18
"""Bytes summed at once: no more than the processor's cache holds; a multiple of a word's 4."""


class Hdu:
    """One HDU; every call of astropy is guarded by `Damage`."""

    def __init__(self, path: Path, hdu: Any) -> None:
        self.path = path
        self._hdu = hdu

    @cached_property
    def name(self) -> str:
        """EXTNAME in upper case, "" without one."""
        with Damage(self.path):
            return str(self._hdu.name).upper()

    @property
    def called(self) -> str:
        """The name of the HDU in error messages."""
        return f"HDU {self.name or 'without a name'}"

    def __contains__(self, keyword: str) -> bool:
        with Damage(self.path):
            return keyword in self._hdu.header

    def get(self, keyword: str) -> Any:
        """Return a value of the header; None if it is absent or undefined."""
        with Damage(self.path):
            value = self._hdu.header.get(keyword)
            return value if isinstance(value, bool | int | float | str) else None

    def header(self) -> dict[str, Any]:
        """All keywords and values."""
        with Damage(self.path):
            return dict(self._hdu.header)

    def text(self, keyword: str) -> str:
        """Return a text of the header, without surrounding spaces; "" if there is none."""
        value = self.get(keyword)
        return value.strip() if isinstance(value, str) else ""

    def integers(self, *keywords: str) -> tuple[int, ...] | None:
        """Return integers of the header; None unless all are present."""
        values = tuple(self.get(keyword) for keyword in keywords)
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
        return values if whole else None

    @cached_property
    def is_table(self) -> bool:
        with Damage(self.path):
            return hasattr(self._hdu, "columns")

    @cached_property
    def columns(self) -> frozenset[str]:
        """Upper-case names of a table's columns; empty if the HDU is an image.

        Raises:
            InputError: if they do not fill a row, as where the header is damaged: all values would
                be taken from wrong places.
        """
        if not self.is_table:
            return frozenset()
        with Damage(self.path):
            header, columns = self._hdu.header, self._hdu.columns
            binary = header["XTENSION"].strip() == "BINTABLE"
            if binary and columns.dtype.itemsize != header["NAXIS1"]:
                raise ValueError("columns do not fill a row")
            return frozenset(name.upper() for name in columns.names)

    def is_a_number(self, column: str) -> bool:
        """Return whether each row of the column holds one number, not several, and not text."""
        with Damage(self.path):
            dtype = self._hdu.columns.dtype[self._hdu.columns[column].name]
        return dtype.shape == () and dtype.kind in "iuf"

    @property
    def rows(self) -> int:
        """Number of rows of a table."""
        with Damage(self.path):
            return len(self._hdu.data)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an image.

        Raises:
            InputError: if the HDU holds none.
        """
        with Damage(self.path):
            shape = () if self.is_table else tuple(getattr(self._hdu, "shape", ()))
        if not shape:
            raise InputError(f"{self.path} has no numbers in its {self.called}; fetch it again")
        return shape

    def numbers(self, dtype: DTypeLike, column: str = "") -> NDArray[Any]:
        """Return an image, or a column of a table (rows,), as the given dtype.

        What does not fit into the dtype becomes infinite, and what is null (TNULL) NaN, if the
        dtype has one; `rebin` leaves both out. Whole numbers that name something are read by
        `whole_column`.

        Raises:
            InputError: if there are no data, these are no numbers, or a row of the column holds
                several.
        """
        what = f"column {column}" if column else self.called
        if column:
            self._refuse_pointers(column)
        with Damage(self.path):
            data = self._hdu.data[column] if column else self._hdu.data
        if data is None or data.dtype.kind not in "iuf":
            raise InputError(f"{self.path} has no numbers in its {what}; fetch it again")
        if column and data.ndim != 1:
            raise InputError(f"{self.path} has a {what} of several numbers per row; fetch it again")
        null = self.null(column) if column else None
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = np.array(data, dtype)
        if null is not None and numbers.dtype.kind == "f":
            numbers[data == null] = np.nan
        return numbers

    def cells(self, column: str, rows: slice = slice(None)) -> NDArray[Any]:
        """Return rows of a table's column as they are stored, (rows,) or (rows, values).

        Bytes of text that are not UTF-8, as after one bit of damage, become U+FFFD.
        """
        self._refuse_pointers(column)
        with Damage(self.path):
            cells = np.array(self._hdu.data[rows][column])
            return (
                np.strings.decode(cells, "utf-8", "replace") if cells.dtype.kind == "S" else cells
            )

    def _refuse_pointers(self, column: str) -> None:
        """Raise InputError for a column of arrays of variable length (FITS 4.0, section 7.3.5).

        Their lengths are stored in the rows, where damage would cause gigabytes to be allocated.
        """
        with Damage(self.path):
            form = str(self._hdu.columns[column].format)
        if "P" in form or "Q" in form:
            raise InputError(
                f"{self.path} has arrays of variable length in column {column}; fetch it again"
            )

    def null(self, column: str) -> int | None:
        """Return the integer that means "none" in a column (TNULL), if it has one."""
        with Damage(self.path):
            null = self._hdu.columns[column].null
        return int(null) if isinstance(null, int | np.integer) else None

    def section(self, rows: slice) -> NDArray[Any]:
        """Read rows of an image from the file, in native byte order."""
        with Damage(self.path):
            section = self._hdu.section[rows]
        return section.astype(section.dtype.newbyteorder("="), copy=False)

    @cached_property
    def place(self) -> tuple[IO[bytes], int, int] | None:
        """Return the file, the offset of the data in it and their number of bytes."""
        with Damage(self.path):
            info = self._hdu.fileinfo()
            return None if info is None else (info["file"], info["datLoc"], info["datSpan"])

    @property
    def _is_compressed(self) -> bool:
        from astropy.io import fits

        return isinstance(self._hdu, fits.CompImageHDU)

    @cached_property
    def sums(self) -> bool:
        """Return whether the data agree with DATASUM, or there is no DATASUM of the stored data.

        DATASUM is the ones' complement sum of the data's 32-bit words (FITS 4.0, appendix J). It
        differs where the data are damaged, and where they were edited without a new one. That of a
        compressed image may be of the image before.
        """
        if "DATASUM" not in self or self.place is None or self._is_compressed:
            return True
        file, start, left = self.place
        total = 0
        with Damage(self.path):
            before = file.tell()
            file.seek(start)
            while left and (piece := file.read(min(left, SUMMED_AT_ONCE))):
                total += int(np.frombuffer(piece, ">u4").sum(dtype=np.uint64))
                left -= len(piece)
            file.seek(before)
        while total >> 32:
            total = (total & 0xFFFFFFFF) + (total >> 32)
        return str(self.get("DATASUM")).strip() == str(total)


def checksum_flag(*hdus: Hdu) -> Flag:
    """Return CHECKSUM if the data of any of the HDUs disagree with DATASUM."""
    return Flag(0) if all(hdu.sums for hdu in hdus) else Flag.CHECKSUM


def in_rows(images: Sequence[Hdu]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Yield a few rows at a time of images of equally many rows (n, pixels), in native byte order.

    So a plate is never in memory as a whole, and rows are processed while the processor's cache
    holds them.
    """
    (count,) = {hdu.shape[0] for hdu in images}
    for start in range(0, count, ROWS_AT_ONCE):
        yield tuple(hdu.section(slice(start, start + ROWS_AT_ONCE)) for hdu in images)
