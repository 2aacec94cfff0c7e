"""Plain spec files, as in the archive, sliced from memory: several times as fast as with astropy.

What is packed, scaled, damaged, has null values or a checksum, is left to astropy.
"""

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectranet_jax.readers import first_row, sdss_spec
from spectranet_jax.readers.first_row import BLOCK
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.readers.opening import open_regular
from spectranet_jax.spectra.spectrum import Spectrum

BEGIN = 1 << 19
"""Bytes read: more than the first three HDUs, even of full files."""

DTYPES = {"E": ">f4", "D": ">f8", "I": ">i2", "J": ">i4", "K": ">i8"}

SHAPE = {"BITPIX": 8, "NAXIS": 2, "PCOUNT": 0, "GCOUNT": 1}
"""Header values of a table without a heap."""

NOT_PLAIN = re.compile(rb"DATASUM *=|TNULL\d+ *=|TSCAL\d+ *=|TZERO\d+ *=|CONTINUE|[^ -~]")


_NUMBER = re.compile(rb"(BITPIX|NAXIS[12]?|PCOUNT|GCOUNT|TFIELDS) *= +(\d+) ")


_CARD = re.compile(
    rb"[A-Z0-9_-]+ *= (?:'[^']*'| *[TF]| *[+-]?\d+| *[+-]?\d+\.\d*(?:E[+-]?\d+)?) *(?:/.*)?"
)


class _NotPlainError(Exception):
    """Raised where astropy has to read this file."""


def read_plain(path: Path) -> list[Spectrum] | None:
    """Return the spectrum of a plain spec file; None for all other files.

    Raises:
        InputError: as `sdss_spec.spectra` does.
    """
    try:
        with open_regular(path) as file:
            content = file.read(BEGIN)
        return list(sdss_spec.spectra(_PlainSpec(path, content)))  # type: ignore[arg-type]
    except (OSError, AttributeError, LookupError, ValueError, _NotPlainError):
        return None  # a damaged header fails in any of these ways; astropy reports it


def _leave_to_astropy(*_: Any) -> NoReturn:
    raise _NotPlainError


class _PlainSpec:
    """The part of a file that `sdss_spec` needs: its first two HDUs; astropy reads any others."""

    named = at = _leave_to_astropy

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        primary = _Cards(content[: (end := _end_of_header(content, 0))])
        if not content.startswith(b"SIMPLE  =") or primary.get("NAXIS") != 0:
            raise _NotPlainError
        self._hdus = Hdu(path, SimpleNamespace(header=primary)), _Table(path, content, end)

    def __getitem__(self, number: int) -> Hdu:
        return self._hdus[number]


class _Cards:
    """A header whose values astropy parses when they are accessed."""

    def __init__(self, header: bytes) -> None:
        starts = reversed(range(0, len(header), 80))  # the first of equal keywords counts
        self._cards = {header[start : start + 8]: header[start : start + 80] for start in starts}

    def __contains__(self, keyword: str) -> bool:
        return f"{keyword:<8}".encode() in self._cards

    def get(self, keyword: str) -> Any:
        from astropy.io import fits

        card = self._cards.get(f"{keyword:<8}".encode())
        if card is None:
            return None
        if not _CARD.fullmatch(card):
            raise _NotPlainError
        return fits.Card.fromstring(card).value


def _end_of_header(content: bytes, start: int) -> int:
    """Return where the header that begins here ends, if nothing in it needs astropy."""
    end = start + BLOCK
    while first_row._END not in content[end - BLOCK : end]:
        end += BLOCK
        if end > len(content):
            raise _NotPlainError
    if NOT_PLAIN.search(content, start, end):
        raise _NotPlainError
    return end


class _Table(Hdu):
    """The table of a co-added spectrum, if every column has one number per row."""

    sums = True  # there is no DATASUM

    def __init__(self, path: Path, content: bytes, start: int) -> None:
        super().__init__(path, None)
        header = content[start : (end := _end_of_header(content, start))]
        numbers = {key.decode(): int(number) for key, number in _NUMBER.findall(header)}
        width, rows = numbers.get("NAXIS1", 0), numbers.get("NAXIS2", 0)
        columns = first_row._plain_columns(header)
        plain = {n: c for n, c in columns.items() if c is not None and c.code in DTYPES}
        filled = len(plain), sum(column.width for column in plain.values())
        if not (
            header.startswith(b"XTENSION= 'BINTABLE'")
            and SHAPE.items() <= numbers.items()
            and filled == (numbers.get("TFIELDS"), width)
            and plain.keys() >= {"FLUX", "IVAR", "LOGLAM"}
            and end + width * rows <= len(content)
        ):
            raise _NotPlainError
        kinds = [(name, DTYPES[column.code]) for name, column in plain.items()]
        self._rows: Any = np.frombuffer(content, kinds, rows, end)
        self.columns = frozenset(plain)
        self.place = io.BytesIO(content), end, -(-width * rows // BLOCK) * BLOCK

    def numbers(self, dtype: DTypeLike, column: str = "") -> NDArray[Any]:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array(self._rows[column.upper()], dtype)
