"""The catalog: one row a spectrum, and the files it is written to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from spectranet_jax.spectra.atomic import atomic
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.flags import Flag

COLUMNS: dict[str, tuple[str, str]] = {
    "FILE": ("U1", "file as given"),
    "ID": ("U1", "plate-mjd-fiber or TARGETID"),
    "CLASS": ("U7", "most probable class"),
    "P_STAR": ("f4", "probability of STAR"),
    "P_GALAXY": ("f4", "probability of GALAXY"),
    "P_QSO": ("f4", "probability of QSO without broad absorption"),
    "P_QSO_BAL": ("f4", "probability of QSO_BAL"),
    "Z": ("f8", "redshift"),
    "Z_ERR": ("f4", "standard error of Z"),
    "P_3000": ("f4", "probability that Z is right within 3000 km/s"),
    "P_BAL": ("f4", "probability of broad absorption, given a quasar"),
    "SN": ("f4", "median S/N a 690 km/s bin"),
    "FLAGS": ("i4", "quality bits: " + ", ".join(f"{f.value} {f.name}" for f in Flag)),
}
"""Column name -> dtype and description, in the catalog's order; absent values are masked."""

WITHOUT_PREDICTION = Flag.UNREADABLE | Flag.NO_DATA

FORMATS = {".fits": "fits", ".fit": "fits", ".ecsv": "ascii.ecsv", ".parquet": "parquet"}
"""File name suffix -> astropy's name of the format."""


def build(
    predictions: Mapping[str, NDArray[Any]],
    flags: NDArray[np.integer],
    provenance: Mapping[str, Any],
) -> Table:
    """A catalog of n rows.

    Args:
        predictions: column name -> (n,), plain or masked; columns that are absent are masked whole,
            and all but FILE, ID and SN are masked where there is no spectrum to predict from.
        flags: (n,) quality bits of `spectra.flags`.
        provenance: keywords of the header; what is not a number or a string becomes JSON.
    """
    count = len(flags)
    without = (flags & WITHOUT_PREDICTION) != 0
    table = Table(masked=True)
    for name, (dtype, description) in COLUMNS.items():
        if name == "FLAGS":
            values, mask = flags, np.zeros(count, bool)
        elif name in predictions:
            values = np.ma.getdata(predictions[name])
            mask = np.ma.getmaskarray(predictions[name])
            if name not in ("FILE", "ID", "SN"):
                mask = mask | without
        else:
            values, mask = np.zeros(count, dtype), np.ones(count, bool)
        values = values if np.dtype(dtype).kind == "U" else values.astype(dtype)
        table[name] = MaskedColumn(values, name=name, mask=mask, description=description)
    table.meta = {
        key: value if isinstance(value, str | int | float) else json.dumps(value)
        for key, value in provenance.items()
    }
    return table


def check_path(path: Path) -> None:
    """Tell before any work that a catalog cannot be written there.

    Raises:
        InputError: if the suffix is none of `FORMATS`, or what it needs is not installed.
    """
    if path.suffix not in FORMATS:
        raise InputError(
            f"cannot tell the format of {path} by its name; end it in {', '.join(FORMATS)}"
        )
    if path.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise InputError(
                f"{path}: Parquet needs the package pyarrow; install it, or write .fits or .ecsv"
            ) from error


def write(table: Table, path: Path) -> None:
    """Write a catalog as FITS, ECSV or Parquet, by the file name's suffix, replacing a former one.

    Raises:
        InputError: if the format is unknown or the file cannot be written.
    """
    check_path(path)
    with atomic(path) as temporary:
        table.write(temporary, format=FORMATS[path.suffix])


def counts(table: Table, classes: Sequence[str]) -> dict[str, int]:
    """Class name -> rows, and rows without prediction under "none"."""
    mask = np.ma.getmaskarray(table["CLASS"])
    names = np.asarray(np.ma.getdata(table["CLASS"]))[~mask]
    return {name: int((names == name).sum()) for name in classes} | {"none": int(mask.sum())}
