"""Quality bits of a catalog row in words that an inspector understands at once."""

from collections.abc import Mapping

from spectranet_jax.spectra.flags import Flag

OF_FLAGS = {
    "UNREADABLE": "the file could not be read",
    "NO_DATA": "no pixel holds data",
    "PARTIAL": "more than a tenth of the wavelength range has no data",
    "LITTLE_COVERAGE": "more than a quarter of the wavelength range has no data",
    "BAD_PIXELS": "invalid pixels in the file (masked)",
    "LOW_SN": "low S/N",
    "NOISE_MISMATCH": "the scatter of pixels contradicts ivar",
    "CHECKSUM": "the file differs from its checksum",
}
"""Name in `spectra.flags.Flag` -> what it means."""

OF_ZWARN = {
    1 << 1: "little coverage",
    1 << 2: "low probability of the redshift",
    1 << 9: "no data",
    1 << 11: "the errors do not fit the data",
    1 << 16: "low probability of the class",
    1 << 17: "class or redshift not assessed",
}
"""Bit of the column ZWARN -> what it means."""


def flag_words(bits: int) -> list[str]:
    """What the bits of FLAGS mean, a phrase per bit."""
    names = {flag.value: OF_FLAGS.get(flag.name or "", str(flag.name)) for flag in Flag}
    return _words(bits, names, "FLAGS")


def zwarn_words(bits: int) -> list[str]:
    """What the bits of ZWARN mean, a phrase per bit."""
    return _words(bits, OF_ZWARN, "ZWARN")


def _words(bits: int, names: Mapping[int, str], column: str) -> list[str]:
    single = (1 << place for place in range(max(bits, 0).bit_length()))
    return [names.get(bit, f"{column} bit {bit}") for bit in single if bits & bit]
