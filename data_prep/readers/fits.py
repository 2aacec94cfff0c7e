"""FITS files opened so that whatever is wrong with one is told in a sentence."""

import gzip
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spectranet_jax.spectra import InputError


@contextmanager
def open_fits(path: Path) -> Iterator[Any]:
    """Give the HDU list of a file; take what is needed out of it before the block ends.

    Raises:
        InputError: if the file is missing, is no FITS file, or is truncated, also where that
            shows only when the data are read.
    """
    from astropy.io import fits

    if path.is_dir():
        raise InputError(f"{path} is a folder where a FITS file is expected; name the file")
    try:
        # We open the file: where astropy fails it would leave it open.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="astropy")
            warnings.filterwarnings(
                "error", message="(?s).*(been truncated|Error validating header)"
            )
            with fits.open(file, memmap=False) as hdus:  # a map would hold what is read
                yield hdus
    except InputError as error:
        if _ends_early(path):  # astropy takes a cut gzip file for one with fewer HDUs
            raise _damaged(path) from error
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the name") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions") from error
    except (
        OSError,
        EOFError,
        zlib.error,
        fits.VerifyError,
        Warning,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # A damaged file makes astropy fail in any of these ways.
        raise _damaged(path) from error


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} cannot be read as FITS: it is truncated or damaged; fetch it again")


def _ends_early(path: Path) -> bool:
    """Whether a file is a gzip file that breaks off."""
    try:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass
    except (EOFError, zlib.error):
        return True
    except OSError:  # not gzip at all
        return False
    return False


def columns(hdu: Any) -> set[str]:
    """Upper-case names of a table's columns; none if the HDU is an image."""
    return {name.upper() for name in hdu.columns.names} if hasattr(hdu, "columns") else set()


def find_table(hdus: Iterable[Any], wanted: Iterable[str]) -> Any | None:
    """The first table that has all these columns (upper case), or None."""
    wanted = set(wanted)
    return next((hdu for hdu in hdus if wanted <= columns(hdu)), None)
