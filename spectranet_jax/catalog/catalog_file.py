"""The file of a catalog: its path, its format, and its bytes."""

from collections.abc import Iterable
from pathlib import Path

from astropy.table import Table

from spectranet_jax.datasets.atomic import atomic, check_writable
from spectranet_jax.spectra.errors import InputError

EXTENSION = "CATALOG"
"""Name of the HDU of a FITS catalog."""

FORMATS = {".fits": "fits", ".fit": "fits", ".ecsv": "ascii.ecsv", ".parquet": "parquet"}
"""File name suffix -> astropy's name of the format."""


def check_replace(path: Path, overwrite: bool, read: Iterable[str]) -> None:
    """Raise an error before any work if a catalog must not be written there.

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
    if any(_is_same_file(path, name) for name in read):
        raise InputError(f"{path} is among the files to be read; choose another --out")


def _is_same_file(path: Path, name: str) -> bool:
    try:
        return path.samefile(name)
    except (OSError, ValueError):  # it does not exist, or its name is invalid
        return False


def check_path(path: Path) -> None:
    """Raise an error before any work if no catalog can be written to a path.

    Raises:
        InputError: if the suffix is none of `FORMATS`, what it needs is not installed, or the
            folder cannot be written to.
    """
    if path.is_dir():
        raise InputError(
            f"cannot write {path}: it is a folder; name a file, as in {path / 'catalog.fits'}"
        )
    if path.suffix not in FORMATS:
        raise InputError(f"{path} has no known format in its name; end it in {', '.join(FORMATS)}")
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
    """Write a catalog as FITS, ECSV or Parquet by its suffix, replacing an earlier file.

    Raises:
        InputError: if the format is unknown or the file cannot be written.
    """
    check_path(path)
    if FORMATS[path.suffix] == "fits":
        table = _for_fits(table)
    with atomic(path) as temporary:
        table.write(temporary, format=FORMATS[path.suffix])


def _for_fits(table: Table) -> Table:
    """Convert texts to bytes for FITS: columns to UTF-8, header values to ASCII with escapes.

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
            if not key.startswith(
                "TCOMM"
            )  # the header of a catalog that was read, perhaps with other columns
        }
    )
    return table
