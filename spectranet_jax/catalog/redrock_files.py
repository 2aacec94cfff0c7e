"""Redrock's redshifts, read from its files."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.fits import open_fits
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.readers.whole_column import whole_column
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.identity import pair

EXTENSIONS = ("REDSHIFTS", "ZBEST")
"""HDUs with redrock's redshifts: the current name, and that of files before 2021."""

FROM_REDROCK: dict[str, tuple[str, str, str]] = {
    "SPECTYPE_RR": ("SPECTYPE", "U6", "redrock's class"),
    "SUBTYPE_RR": ("SUBTYPE", "U20", "redrock's subclass"),
    "Z_RR": ("Z", "f8", "redrock's redshift"),
    "ZERR_RR": ("ZERR", "f8", "redrock's redshift error"),
    "ZWARN_RR": ("ZWARN", "i8", "redrock's warning bits; 0: trust it"),
    "DELTACHI2_RR": ("DELTACHI2", "f8", "chi2 between redrock's best two redshifts"),
}
"""Column -> redrock's column, dtype, description."""


@dataclass(frozen=True)
class Redrock:
    """Rows of redrock files.

    Attributes:
        target: (n,) int64, TARGETID, -1 where there is none.
        pair: (n,), the part of the file's name that the spectra's file shares, "" if none.
        columns: column of the joined catalog -> (n,).
        files: name and sha256 of each file.
    """

    target: NDArray[np.int64]
    pair: NDArray[np.str_]
    columns: dict[str, NDArray[Any]]
    files: tuple[str, ...]


def read_redrock(paths: Sequence[str | Path]) -> Redrock:
    """Read the redshifts of redrock files, in order.

    Raises:
        InputError: if a file is none of redrock's, is damaged, or has a column of another kind, or
            a TARGETID that is not an exact whole number.
    """
    parts = [_read(Path(path)) for path in paths]
    return Redrock(
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.pair for part in parts]),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in FROM_REDROCK},
        tuple(file for part in parts for file in part.files),
    )


def _read(path: Path) -> Redrock:
    with open_fits(path) as hdus:
        named = hdus.named()
        table = next((named[name] for name in EXTENSIONS if name in named), None)
        needed = {"TARGETID", *(source for source, _, _ in FROM_REDROCK.values())}
        if table is None or not needed <= table.columns:
            raise InputError(
                f"{path} is not a redrock file: it has no table REDSHIFTS with columns"
                f" {', '.join(sorted(needed))}; give redrock-*.fits"
            )
        target = whole_column(table, "TARGETID")
        columns = {
            name: _READ[dtype[0]](table, source).astype(dtype)
            for name, (source, dtype, _) in FROM_REDROCK.items()
        }
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Redrock(
        target, np.full(len(target), pair(path)), columns, (f"{path.name} sha256:{digest}",)
    )


def _texts(table: Hdu, column: str) -> NDArray[np.str_]:
    cells = table.cells(column)
    if cells.dtype.kind != "U" or cells.ndim != 1:
        raise InputError(f"{table.path} has no text in column {column}; fetch it again")
    return np.strings.strip(cells)


def _numbers(table: Hdu, column: str) -> NDArray[np.float64]:
    return table.numbers(np.float64, column)


_READ = {"U": _texts, "f": _numbers, "i": whole_column}
"""Kind of a dtype -> the function that reads a column of it, or raises InputError."""
