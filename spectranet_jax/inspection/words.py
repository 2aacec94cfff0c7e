"""Words for the quality bits of a catalog row, as inspectors need them."""

from collections.abc import Mapping

from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.zwarn import ZWarn

OF_FLAGS = {
    "UNREADABLE": "the file could not be read",
    "NO_DATA": "no pixel holds data",
    "PARTIAL": "more than a tenth of the wavelength range has no data",
    "LITTLE_COVERAGE": "more than a quarter of the wavelength range has no data",
    "BAD_PIXELS": "invalid pixels in the file (masked)",
    "LOW_SN": "low S/N",
    "NOISE_MISMATCH": "the scatter of pixels contradicts ivar",
    "CHECKSUM": "the file differs from its checksum",
    "NOT_REFINED": "the redshift could not be refined at native pixels",
    "FIT_AT_EDGE": "the fit at native pixels is best at the end of its range",
}
"""Name in `spectra.flags.Flag` -> what it means."""

OF_ZWARN = {
    "SKY": "a sky fiber",
    "LITTLE_COVERAGE": "little coverage",
    "LOW_Z_PROBABILITY": "low probability of the redshift",
    "Z_FITLIMIT": "the fit at native pixels is best at the end of its range",
    "UNPLUGGED": "the fiber was not plugged",
    "BAD_TARGET": "the fiber was out of order",
    "NODATA": "no data",
    "POORDATA": "the errors do not fit the data",
    "LOW_CLASS_PROBABILITY": "low probability of the class",
    "NOT_ASSESSED": "class or redshift not assessed",
}
"""Name in `spectra.zwarn.ZWarn` -> what it means."""


def flag_words(bits: int) -> list[str]:
    """Return the meaning of the bits of FLAGS, a phrase per bit."""
    return _words(bits, {flag.value: OF_FLAGS[flag.name or ""] for flag in Flag}, "FLAGS")


def zwarn_words(bits: int) -> list[str]:
    """Return the meaning of the bits of ZWARN, a phrase per bit."""
    return _words(bits, {warn.value: OF_ZWARN[warn.name or ""] for warn in ZWarn}, "ZWARN")


def _words(bits: int, names: Mapping[int, str], column: str) -> list[str]:
    single = (1 << place for place in range(max(bits, 0).bit_length()))
    return [names.get(bit, f"{column} bit {bit}") for bit in single if bits & bit]
