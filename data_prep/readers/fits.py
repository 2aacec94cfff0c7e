"""FITS files opened so that whatever is wrong with one is told in a sentence."""

import gzip
import re
import shutil
import struct
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectranet_jax.spectra import InputError

MAGIC, GZIP_MAGIC = b"SIMPLE", b"\x1f\x8b"
IN_MEMORY = 64 << 20
"""Bytes of a gzip file's content beyond which it is unpacked to disk."""

ROWS_AT_ONCE = 16
"""Of the images of a plate or petal: a megabyte."""

SUMMED_AT_ONCE = 1 << 18
"""Bytes: no more than the processor's cache holds; a multiple of a word's 4."""

WIDTHS = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "C": 8, "M": 16}
WIDTHS |= {"P": 8, "Q": 16}
"""Bytes of a table's field, by the letter of its TFORM (FITS 4.0, table 18); bits (X) apart."""


@contextmanager
def open_fits(path: Path, large: bool = False) -> Iterator[Any]:
    """Give the HDU list of a file, gzip or not; take what is needed out of it in the block.

    Args:
        path: the file.
        large: map its data instead of reading them, where it is not packed; then only copies of
            them may leave the block.

    Raises:
        InputError: if the file is missing, is no FITS file, or is truncated, also where that
            shows only when the data are read.
    """
    from astropy.io import fits

    if path.is_dir():
        raise InputError(f"{path} is a folder where a FITS file is expected; name the file")
    try:
        # We open the file: where astropy fails it would leave it open.
        with _content(path) as file, warnings.catch_warnings(), np.errstate(all="ignore"):
            _check_begin(path, file)
            warnings.filterwarnings("ignore", module="astropy")
            warnings.filterwarnings(
                "error", message="(?s).*(been truncated|Error validating header)"
            )
            with fits.open(file, memmap=large) as hdus:  # a map would hold what is read
                yield hdus
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the name") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions") from error
    except (
        OSError,
        EOFError,
        zlib.error,
        struct.error,
        fits.VerifyError,
        Warning,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        MemoryError,
        NotImplementedError,
        TypeError,
        ValueError,
    ) as error:
        # A damaged file makes astropy fail in any of these ways.
        raise InputError(
            f"{path} cannot be read as FITS: it is truncated or damaged; fetch it again"
        ) from error


@contextmanager
def _content(path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked to its end if it is a gzip file: only there is its checksum."""
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            yield file
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as content:
            with gzip.open(file) as unpacked:
                shutil.copyfileobj(unpacked, content, 1 << 20)
            content.seek(0)
            yield content


def _check_begin(path: Path, file: IO[bytes]) -> None:
    """Tell what never was FITS from what was cut, be it before the end of its first word."""
    begin = file.read(len(MAGIC))
    file.seek(0)
    if not MAGIC.startswith(begin):
        raise InputError(f"{path} is not a FITS file; give the one that the survey distributes")


def columns(hdu: Any) -> set[str]:
    """Upper-case names of a table's columns; none if the HDU is an image.

    Raises:
        ValueError: if they do not fill a row, as where the header is damaged: all values would be
            taken from wrong places. `open_fits` tells it in a sentence.
    """
    if not hasattr(hdu, "columns"):
        return set()
    binary = hdu.header["XTENSION"].strip() == "BINTABLE"
    if binary and hdu.columns.dtype.itemsize != hdu.header["NAXIS1"]:
        raise ValueError("columns do not fill a row")
    return {name.upper() for name in hdu.columns.names}


def find_table(hdus: Iterable[Any], wanted: Iterable[str]) -> Any | None:
    """The first table that has all these columns (upper case), or None."""
    wanted = set(wanted)
    return next((hdu for hdu in hdus if wanted <= columns(hdu)), None)


def numbers(path: Path, hdu: Any, dtype: DTypeLike, column: str = "") -> NDArray[Any]:
    """An image, or a column of a table (rows,), of the dtype given.

    What does not fit into the dtype becomes infinite, which `rebin` leaves out.

    Raises:
        InputError: if there are no data, these are no numbers, a row of the column holds several,
            or they do not sum to the checksum that the HDU carries.
    """
    what = f"column {column}" if column else _called(hdu)
    _verify(path, hdu)
    data = hdu.data[column] if column else hdu.data
    if data is None or data.dtype.kind not in "iuf":
        raise InputError(f"{path} has no numbers in its {what}; fetch it again")
    if column and data.ndim != 1:
        raise InputError(f"{path} has a {what} of several numbers a row; fetch it again")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(data, dtype)


def in_rows(path: Path, images: Sequence[Any]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Images of as many rows (n, pixels), a few rows of each at a time, in native byte order.

    So a plate is never in memory whole, and what is done with a row is done while the processor's
    cache holds it.

    Raises:
        InputError: as `numbers`.
    """
    (count,) = {image_shape(path, hdu)[0] for hdu in images}
    for hdu in images:
        _verify(path, hdu)
    for start in range(0, count, ROWS_AT_ONCE):
        parts = [hdu.section[start : start + ROWS_AT_ONCE] for hdu in images]
        yield tuple(part.astype(part.dtype.newbyteorder("="), copy=False) for part in parts)


def image_shape(path: Path, hdu: Any) -> tuple[int, ...]:
    """The shape of an image.

    Raises:
        InputError: if the HDU holds none.
    """
    shape = getattr(hdu, "shape", ())
    if hasattr(hdu, "columns") or not shape:
        raise InputError(f"{path} has no numbers in its {_called(hdu)}; fetch it again")
    return tuple(shape)


def _called(hdu: Any) -> str:
    return f"HDU {hdu.name or 'without a name'}"


def _verify(path: Path, hdu: Any) -> None:
    """Compare the data with DATASUM, the ones' complement sum of their 32-bit words (FITS 4.0)."""
    if "DATASUM" not in hdu.header or (info := hdu.fileinfo()) is None:
        return
    file, left = info["file"], info["datSpan"]
    before = file.tell()
    file.seek(info["datLoc"])
    total = 0
    while left and (part := file.read(min(left, SUMMED_AT_ONCE))):
        total += int(np.frombuffer(part, ">u4").sum(dtype=np.uint64))
        left -= len(part)
    file.seek(before)
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    if total != int(hdu.header["DATASUM"]):
        raise InputError(
            f"{path} is damaged: {_called(hdu)} does not sum to its DATASUM; fetch it again"
        )


def integers_after(hdu: Any, wanted: Iterable[str]) -> dict[str, int]:
    """Some integer columns of the first row of the table that follows an HDU, by upper-case name.

    Absent columns are left out; no table follows, no columns. The header's text is read here, since
    astropy takes longer to make a table of the 200 columns that survey files keep of the catalog
    than for all the rest.

    Raises:
        EOFError: if the file ends within it.
    """
    info = hdu.fileinfo()
    file = info["file"]
    file.seek(info["datLoc"] + info["datSpan"])
    blocks: list[bytes] = []
    while not blocks or _END not in blocks[-1]:
        if not (block := file.read(2880)) and not blocks:
            return {}
        if len(block) < 2880:
            raise EOFError
        blocks.append(block)
        if not blocks[0].startswith(b"XTENSION= 'BINTABLE'"):
            return {}
    data = file.tell()
    found = {}
    for name, (offset, width) in _integer_columns(b"".join(blocks)).items():
        if name in wanted:
            file.seek(data + offset)
            if len(value := file.read(width)) < width:
                raise EOFError
            found[name] = int.from_bytes(value, "big", signed=True)
    return found


@lru_cache(maxsize=16)  # the files of a release have the same header
def _integer_columns(header: bytes) -> dict[str, tuple[int, int]]:
    """Upper-case name -> place in a row and width, bytes, of a table's columns of one integer."""
    text = header.decode("ascii", "replace")
    names = {int(n): name.strip().upper() for n, name in _TTYPE.findall(text)}
    forms = {int(n): form for n, form in _TFORM.findall(text)}
    scaled = {int(zero or scale) for zero, scale in _SCALED.findall(text)}
    if not (rows := _NAXIS2.search(text)) or int(rows.group(1)) == 0:
        return {}
    places, offset = {}, 0
    for number in sorted(forms):
        repeat, code = _FORM.match(forms[number]).groups()  # type: ignore[union-attr]
        count = int(repeat or 1)
        if number in names and code in "IJK" and count == 1 and number not in scaled:
            places[names[number]] = offset, WIDTHS[code]
        offset += -(-count // 8) if code == "X" else count * WIDTHS[code]
    return places


_END = b"END" + 77 * b" "
_TTYPE = re.compile(r"TTYPE(\d+) *= *'([^']*)'")
_TFORM = re.compile(r"TFORM(\d+) *= *'([^']*)'")
_SCALED = re.compile(r"TZERO(\d+) *=(?! *0\.?0* )|TSCAL(\d+) *=(?! *1\.?0* )")
_NAXIS2 = re.compile(r"NAXIS2 *= *(\d+)")
_FORM = re.compile(r" *(\d*)([A-Z])")
