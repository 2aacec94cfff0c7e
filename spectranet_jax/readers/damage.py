"""Errors of astropy on a damaged FITS file, turned into one sentence."""

import struct
import zlib
from functools import cache
from pathlib import Path
from types import TracebackType

from spectranet_jax.spectra import InputError


class Damage:
    """Context for calls of astropy that turns the errors of a damaged file into an InputError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if isinstance(error, _ways_to_fail()):
            raise InputError(
                f"{self.path} cannot be read as FITS: it is truncated or damaged; fetch it again"
            ) from error


@cache
def _ways_to_fail() -> tuple[type[BaseException], ...]:
    """Return the exceptions that astropy or the decompression raises for a damaged file."""
    from astropy.io import fits

    return (
        OSError,
        EOFError,
        zlib.error,
        struct.error,
        fits.VerifyError,
        Warning,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        NotImplementedError,
        TypeError,
        ValueError,
    )
