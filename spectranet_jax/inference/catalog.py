"""The catalog: one row per spectrum, and the files it is written to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from spectranet_jax.datasets.atomic import atomic, check_writable
from spectranet_jax.inference.columns import COLUMNS, KNOWN_NONETHELESS, TEXTS, WITHOUT_PREDICTION
from spectranet_jax.spectra.column import Column
from spectranet_jax.spectra.errors import InputError

EXTENSION = "CATALOG"
"""Name of the HDU of a FITS catalog."""

FORMATS = {".fits": "fits", ".fit": "fits", ".ecsv": "ascii.ecsv", ".parquet": "parquet"}
"""File name suffix -> astropy's name of the format."""


def build(
    predictions: Mapping[str, NDArray[Any]],
    flags: NDArray[np.integer],
    provenance: Mapping[str, Any],
    extra: Mapping[str, Column] | None = None,
) -> Table:
    """A catalog of n rows.

    Args:
        predictions: column name -> (n,), plain or masked; columns that are absent are masked whole,
            and where there is no spectrum to predict from; ID and SN only if there is none at all.
        flags: (n,) quality bits of `spectra.flags`.
        provenance: keywords of the header; what is not a number or a string becomes JSON.
        extra: columns that follow those of `COLUMNS`, described as they are there.
    """
    count = len(flags)
    columns = {**predictions, "FLAGS": flags}
    table = Table(masked=True)
    for name, column in (COLUMNS | dict(extra or {})).items():
        values = columns.get(name, np.ma.masked_all(count, column.dtype))
        if name not in TEXTS:
            values = values.astype(column.dtype)
        reasons = KNOWN_NONETHELESS.get(name, WITHOUT_PREDICTION)
        mask = np.ma.getmaskarray(values) | ((flags & reasons) != 0)
        # What is masked is also emptied, so that equal catalogs are equal bytes.
        values = np.where(mask, np.zeros((), values.dtype), np.ma.getdata(values))
        table[name] = MaskedColumn(
            values, mask=mask, description=column.description, unit=column.unit or None
        )
        if values.dtype.kind == "i":  # what FITS calls null must not be a value that occurs
            table[name].fill_value = np.iinfo(values.dtype).min
    table.meta = {
        key: value if isinstance(value, str | int | float) else json.dumps(value)
        for key, value in provenance.items()
    }
    return table


def check_replace(path: Path, overwrite: bool, read: Iterable[str]) -> None:
    """Refuse before any work to write a catalog there.

    Args:
        path: where the catalog is to be.
        overwrite: whether a file may be replaced.
        read: names of the files that it is made from, which are never written over.

    Raises:
        InputError: if there is a file already, and it is not to be replaced, or is read.
    """
    if not path.exists():
        return
    if not overwrite:
        raise InputError(f"{path} exists; choose another --out, or pass --overwrite")
    if any(Path(name).exists() and path.samefile(name) for name in read):
        raise InputError(f"{path} is among the files to be read; choose another --out")


def check_path(path: Path) -> None:
    """Refuse before any work a path that no catalog can be written to.

    Raises:
        InputError: if the suffix is none of `FORMATS`, what it needs is not installed, or the
            folder cannot be written to.
    """
    if path.is_dir():
        raise InputError(
            f"cannot write {path}: it is a folder; name a file, as in {path / 'catalog.fits'}"
        )
    if path.suffix not in FORMATS:
        raise InputError(
            f"cannot tell the format of {path} by its name; end it in {', '.join(FORMATS)}"
        )
    if path.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise InputError(
                f"{path}: Parquet needs the package pyarrow; write .fits or .ecsv, or run"
                ' pip install "spectranet-jax[parquet]"'
            ) from error
    check_writable(path)


def write(table: Table, path: Path) -> None:
    """Write a catalog as FITS, ECSV or Parquet, by the file name's suffix, replacing a former one.

    Raises:
        InputError: if the format is unknown or the file cannot be written.
    """
    check_path(path)
    if FORMATS[path.suffix] == "fits":
        table = _for_fits(table)
    with atomic(path) as temporary:
        table.write(temporary, format=FORMATS[path.suffix])


def _for_fits(table: Table) -> Table:
    """FITS knows bytes: columns of text become UTF-8, header values ASCII with escapes.

    What a column holds stands in TCOMMn, which astropy does not write by itself.
    """
    table = table.copy()
    table.convert_unicode_to_bytestring()
    comments = {
        f"TCOMM{number}": table[name].description or ""
        for number, name in enumerate(table.colnames, start=1)
    }
    table.meta = (
        {"EXTNAME": EXTENSION}
        | comments
        | {
            key: value.encode("ascii", "backslashreplace").decode()
            if isinstance(value, str)
            else value
            for key, value in table.meta.items()
            if not key.startswith("TCOMM")  # of a catalog that was read, perhaps with other columns
        }
    )
    return table


def counts(table: Table, classes: Sequence[str]) -> dict[str, int]:
    """Class name -> rows, and rows without a class under "no class"."""
    mask = np.ma.getmaskarray(table["CLASS"])
    names = np.asarray(np.ma.getdata(table["CLASS"]))[~mask]
    return {name: int((names == name).sum()) for name in classes} | {"no class": int(mask.sum())}
