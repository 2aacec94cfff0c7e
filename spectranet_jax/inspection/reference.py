"""Redshifts and classes of the same spectra in another catalog, for comparison with the model."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inspection.cells import numbers, texts
from spectranet_jax.inspection.listed_rows import IDENTITY, names
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.readers.opening import check_regular
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.identity import object_ids, observation_keys
from spectranet_jax.spectra.spectrum import Spectrum

REDSHIFTS = ("VI_Z", "Z_VI", "Z_PIPE", "Z")
"""Columns of redshifts, the most reliable first; each row has the first that is known."""

LEAST = -0.5
"""Lower limit of redshifts; below it are codes for none."""

KINDS = ("VI_CLASS", "CLASS", "SPECTYPE")
"""Columns of classes, likewise."""


READ_AS = {
    **dict.fromkeys((".fits", ".fit", ".fits.gz", ".fit.gz"), "fits"),
    **{".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".parquet": "parquet"},
}
"""Suffix of a catalog -> astropy's name of its format. Others are refused: a VOTable or an HDF5
file may name other files, and addresses, that astropy would read.
"""


def read_table(path: Path) -> Table:
    """Read a catalog from a file.

    Raises:
        InputError: if it cannot be read as a table.
    """
    kind = next((kind for end, kind in READ_AS.items() if path.name.lower().endswith(end)), None)
    if kind is None:
        raise InputError(
            f"{path} does not end in {', '.join(READ_AS)}; convert it to one of these formats"
        )
    check_regular(path)
    if kind == "fits":
        with open_fits(path, large=True) as hdus:  # which promise no more than the file holds
            hdus.at(1)
    try:
        with warnings.catch_warnings(action="ignore"):
            return Table.read(path, format=kind)
    except Exception as error:  # astropy fails in many ways on other files
        raise InputError(
            f"{path} cannot be read as a table ({str(error).splitlines()[0][:100]}); give a"
            " catalog, as .fits, .ecsv or .parquet"
        ) from error


def reference_of(
    path: Path, table: Table, spectra: Sequence[Spectrum | None]
) -> tuple[NDArray[np.float64], list[str]]:
    """Return redshift and class of each row in another catalog, where a row is found.

    A row is found by what names its observation, or else its object.

    Args:
        path: the other catalog.
        table: rows of ours.
        spectra: of these rows; their files name them where the table does not.

    Returns:
        (rows,) redshifts, NaN where there is none, 0 of a star; (rows,) classes, "" where there is
        none.

    Raises:
        InputError: if it cannot be read, or has no redshift or nothing that names its rows.
    """
    other = read_table(path)
    other.rename_columns(other.colnames, [name.upper() for name in other.colnames])
    theirs = _keys({name: texts(other, name) for name in IDENTITY if name in other.colnames})
    no_z = not set(REDSHIFTS) & set(other.colnames)
    if no_z or not theirs:
        lacking = "a redshift (Z)" if no_z else "PLATE, MJD, FIBERID or TARGETID"
        raise InputError(f"{path} has no column for {lacking}; pass another --reference")
    named = names(table, spectra)
    ours = _keys({name: [row.get(name, "") for row in named] for name in IDENTITY})
    place = np.full(len(table), -1)
    for fields, keys in ours.items():
        if fields in theirs:
            row_of = {int(key): row for row, key in enumerate(theirs[fields]) if key >= 0}
            rows = np.array([row_of.get(int(key), -1) for key in keys], np.intp)
            place = np.where(place < 0, rows, place)
    z, kinds = _answers(other)
    return np.where(place < 0, np.nan, z[place]), [kinds[i] if i >= 0 else "" for i in place]


def _answers(other: Table) -> tuple[NDArray[np.float64], list[str]]:
    """Redshift and class of each row: of several columns the first valid one (-999 is not)."""
    kinds = [""] * len(other)
    for column in KINDS:
        kinds = [known or cell for known, cell in zip(kinds, texts(other, column), strict=True)]
    kinds = [kind.upper() for kind in kinds]
    z = np.full(len(other), np.nan)
    for column in REDSHIFTS:
        values = numbers(other, column)
        z = np.where(np.isnan(z) & (values > LEAST), values, z)
    return np.where(np.isnan(z) & (np.array(kinds) == "STAR"), 0, z), kinds


def _keys(columns: dict[str, list[str]]) -> dict[tuple[str, ...], NDArray[np.int64]]:
    arrays = {name: np.array(values, np.str_) for name, values in columns.items()}
    return observation_keys(arrays) | {(name,): ids for name, ids in object_ids(arrays).items()}
