"""Reading of catalogs from their files."""

from pathlib import Path

from astropy.table import Table

from spectranet_jax.catalog.catalog_file import FORMATS
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.spectra.errors import InputError

NEEDED = ("CLASS", "Z", "FLAGS")
"""Columns that identify a catalog of this package."""


def read_catalog(path: Path) -> Table:
    """Read a catalog, masked where it has no value; texts are str.

    Raises:
        InputError: if the file is missing, damaged, or is not a catalog of this package.
    """
    if path.suffix not in FORMATS:
        raise InputError(f"{path} does not end in {', '.join(FORMATS)}; give a catalog of predict")
    if FORMATS[path.suffix] == "fits":
        with open_fits(path):  # a missing or damaged file is one sentence there
            pass
    elif not path.is_file():
        raise InputError(f"{path} does not exist; check the name")
    try:
        table = Table(Table.read(path, format=FORMATS[path.suffix]), masked=True)
        table.convert_bytestring_to_unicode()
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{path} is not a catalog of spectranet predict ({error}); give a catalog"
        ) from error
    absent = [name for name in NEEDED if name not in table.colnames]
    if absent:
        raise InputError(
            f"{path} is not a catalog of spectranet predict: it has no column"
            f" {', '.join(absent)}; give a catalog"
        )
    return table
