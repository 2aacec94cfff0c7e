"""What a damaged FITS file makes astropy raise, turned into a sentence."""

import struct
import zlib
from functools import cache
from pathlib import Path
from types import TracebackType

from spectranet_jax.spectra import InputError


class Damage:
    """A context for calls of astropy: what they raise for a damaged file becomes a sentence."""

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
    """What astropy, or the unpacking, raises for a damaged file."""
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
