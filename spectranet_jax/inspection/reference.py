"""Redshifts of another catalog, for the same spectra: what the model is compared with."""

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
"""Columns that hold a redshift, the surest first."""


READ_AS = {
    **dict.fromkeys((".fits", ".fit", ".fits.gz", ".fit.gz"), "fits"),
    **{".ecsv": "ascii.ecsv", ".csv": "ascii.csv", ".parquet": "parquet"},
}
"""Suffix of a catalog -> astropy's name of its format. Others are refused: a VOTable or an HDF5
file may name further files, and addresses, that astropy would read."""


def read_table(path: Path) -> Table:
    """A catalog from a file.

    Raises:
        InputError: if it cannot be read as a table.
    """
    kind = next((kind for end, kind in READ_AS.items() if path.name.lower().endswith(end)), None)
    if kind is None:
        raise InputError(f"{path} is not named as a catalog is: {', '.join(READ_AS)}; convert it")
    check_regular(path)
    if kind == "fits":
        with open_fits(path, large=True) as hdus:  # whose headers promise no more than there is
            hdus.at(1)
    try:
        with warnings.catch_warnings(action="ignore"):
            return Table.read(path, format=kind)
    except Exception as error:  # astropy fails in many ways on what is no table
        raise InputError(
            f"{path} cannot be read as a table ({str(error).splitlines()[0][:100]}); give a"
            " catalog, as .fits, .ecsv or .parquet"
        ) from error


def redshifts_of(
    path: Path, table: Table, spectra: Sequence[Spectrum | None]
) -> NDArray[np.float64]:
    """Redshift in another catalog of each row, (rows,), NaN where it has none.

    A row is found by what names its observation, or else its object.

    Args:
        path: the other catalog.
        table: rows of ours.
        spectra: of these rows; their files name them where the table does not.

    Raises:
        InputError: if it cannot be read, or has no redshift or nothing that names its rows.
    """
    other = read_table(path)
    other.rename_columns(other.colnames, [name.upper() for name in other.colnames])
    column = next((name for name in REDSHIFTS if name in other.colnames), None)
    theirs = _keys({name: texts(other, name) for name in IDENTITY if name in other.colnames})
    if column is None or not theirs:
        lacking = "a redshift (Z)" if column is None else "PLATE, MJD, FIBERID or TARGETID"
        raise InputError(f"{path} has no column for {lacking}; pass another --reference")
    named = names(table, spectra)
    ours = _keys({name: [row.get(name, "") for row in named] for name in IDENTITY})
    z = numbers(other, column)
    found = np.full(len(table), np.nan)
    for fields, keys in ours.items():
        if fields in theirs:
            row_of = {int(key): row for row, key in enumerate(theirs[fields]) if key >= 0}
            rows = np.array([row_of.get(int(key), -1) for key in keys], np.intp)
            found = np.where(np.isnan(found) & (rows >= 0), z[rows], found)
    return np.where(found > -0.5, found, np.nan)


def _keys(columns: dict[str, list[str]]) -> dict[tuple[str, ...], NDArray[np.int64]]:
    arrays = {name: np.array(values, np.str_) for name, values in columns.items()}
    return observation_keys(arrays) | {(name,): ids for name, ids in object_ids(arrays).items()}
