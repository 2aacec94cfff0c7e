"""FITS files, of which whatever is wrong is told in a sentence.

A damaged file makes astropy fail in many ways, at the first touch of an HDU, a header or a column.
So all calls of astropy stand here and in `hdu`, guarded by `damage`. An error of our own, or a lack
of memory, passes as it is.
"""

import gzip
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from spectranet_jax.readers.damage import Damage
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra import InputError

MAGIC, GZIP_MAGIC = b"SIMPLE", b"\x1f\x8b"
IN_MEMORY = 64 << 20
"""Bytes of a gzip file's content beyond which it is unpacked to disk."""


@contextmanager
def open_fits(path: Path, large: bool = False) -> Iterator["Fits"]:
    """Give the HDUs of a file, gzip or not; take what is needed out of them in the block.

    Args:
        path: the file.
        large: map its data instead of reading them, where it is not packed; then only copies of
            them may leave the block.

    Raises:
        InputError: if the file is missing, is no FITS file, or is truncated, also where that
            shows only when the data are read.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder where a FITS file is expected; name the file")
    with _unpacked(path) as file, warnings.catch_warnings(), np.errstate(all="ignore"):
        _check_begin(path, file)
        warnings.filterwarnings("ignore", module="astropy")
        warnings.filterwarnings("error", message="(?s).*(been truncated|Error validating header)")
        with Damage(path):
            from astropy.io import fits

            # We open the file: where astropy fails it would leave it open.
            hdus = fits.open(file, memmap=large)  # a map would hold what is read
        try:
            yield Fits(path, hdus)
        finally:
            with Damage(path):
                hdus.close()


class Fits:
    """An open file: a sequence of its HDUs, of which each is looked at when it is asked for."""

    def __init__(self, path: Path, hdus: Any) -> None:
        self.path = path
        self._hdus = hdus
        self._seen: list[Hdu] = []

    def __iter__(self) -> Iterator[Hdu]:
        number = 0
        while (hdu := self.at(number)) is not None:
            yield hdu
            number += 1

    def __getitem__(self, number: int) -> Hdu:
        """HDU `number`; InputError if the file ends before."""
        hdu = self.at(number)
        if hdu is None:
            raise InputError(f"{self.path} ends after {len(self._seen)} HDUs; fetch it again")
        return hdu

    def at(self, number: int) -> Hdu | None:
        """HDU `number`, or None if there are fewer."""
        while len(self._seen) <= number:
            with Damage(self.path):
                try:
                    hdu = self._hdus[len(self._seen)]
                except IndexError:
                    return None
            self._seen.append(Hdu(self.path, hdu))
        return self._seen[number]

    def table(self, wanted: Iterable[str]) -> Hdu | None:
        """The first table that has all these columns (upper case), or None."""
        wanted = set(wanted)
        return next((hdu for hdu in self if wanted <= hdu.columns), None)

    def named(self) -> dict[str, Hdu]:
        """The HDUs by upper-case name; of one name the first."""
        named: dict[str, Hdu] = {}
        for hdu in self:
            named.setdefault(hdu.name, hdu)
        return named


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked to its end if it is a gzip file: only there is its checksum."""
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the name") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions") from error
    except (OSError, ValueError) as error:  # the latter for a name with a null byte in it
        raise InputError(f"{path} cannot be opened ({error}); check the name") from error
    with file, tempfile.SpooledTemporaryFile(IN_MEMORY) as content:
        with Damage(path):
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            if packed:
                with gzip.open(file) as unpacked:
                    shutil.copyfileobj(unpacked, content, 1 << 20)
                content.seek(0)
        yield content if packed else file


def _check_begin(path: Path, file: IO[bytes]) -> None:
    """Tell what never was FITS from what was cut, be it before the end of its first word."""
    with Damage(path):
        begin = file.read(len(MAGIC))
        file.seek(0)
    if not MAGIC.startswith(begin):
        raise InputError(f"{path} is not a FITS file; give the one that the survey distributes")
