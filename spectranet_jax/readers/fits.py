"""FITS files, with every defect reported in one sentence.

A damaged file makes astropy fail in many ways, at the first touch of an HDU, a header or a column.
So all calls of astropy stand here and in `hdu`, guarded by `damage`. An error of our own, or a lack
of memory, passes as it is.
"""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from spectranet_jax.readers.damage import Damage
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.readers.header_limits import check_header
from spectranet_jax.readers.opening import opened
from spectranet_jax.spectra import InputError


@contextmanager
def open_fits(path: Path, large: bool = False) -> Iterator["Fits"]:
    """Open a file, gzip or not, and yield its HDUs, which are valid inside the block.

    Args:
        path: the file.
        large: map its data instead of reading them, where it is not packed; then only copies of
            them may leave the block.

    Raises:
        InputError: if the file is missing, is no FITS file, or is truncated, also where that
            shows only when the data are read.
    """
    with opened(path) as file, warnings.catch_warnings(), np.errstate(all="ignore"):
        check_header(path, file, 0)  # before astropy reads it
        warnings.filterwarnings("ignore", module="astropy")
        warnings.filterwarnings("error", message="(?s).*(been truncated|Error validating header)")
        with Damage(path):
            from astropy.io import fits

            # We open the file ourselves: astropy would leave it open after an error.
            hdus = fits.open(file, memmap=large)  # a map would point into this file
        try:
            yield Fits(path, hdus, file)
        finally:
            with Damage(path):
                hdus.close()


class Fits:
    """An open file: a sequence of its HDUs, each read when it is accessed."""

    def __init__(self, path: Path, hdus: Any, file: IO[bytes] | None = None) -> None:
        self.path = path
        self._hdus = hdus
        self._file = file
        self._next = 0
        self._seen: list[Hdu] = []

    def __iter__(self) -> Iterator[Hdu]:
        number = 0
        while (hdu := self.at(number)) is not None:
            yield hdu
            number += 1

    def __getitem__(self, number: int) -> Hdu:
        """Return HDU `number`; InputError if the file ends before."""
        hdu = self.at(number)
        if hdu is None:
            raise InputError(f"{self.path} ends after {len(self._seen)} HDUs; fetch it again")
        return hdu

    def at(self, number: int) -> Hdu | None:
        """Return HDU `number`, or None if there are fewer."""
        while len(self._seen) <= number:
            if self._file is not None:
                self._next = check_header(self.path, self._file, self._next)
            with Damage(self.path):
                try:
                    hdu = self._hdus[len(self._seen)]
                except IndexError:
                    return None
            self._seen.append(Hdu(self.path, hdu))
        return self._seen[number]

    def table(self, wanted: Iterable[str]) -> Hdu | None:
        """Return the first table that has all these columns (upper case), or None."""
        wanted = set(wanted)
        return next((hdu for hdu in self if wanted <= hdu.columns), None)

    def named(self) -> dict[str, Hdu]:
        """Return the HDUs by upper-case name; the first of those with the same name."""
        named: dict[str, Hdu] = {}
        for hdu in self:
            named.setdefault(hdu.name, hdu)
        return named
