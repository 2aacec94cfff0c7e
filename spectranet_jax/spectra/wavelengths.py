"""The wavelengths of an optical spectrum, by which other units are recognized.

A spectrum has a tenth of its pixels near the grid: between its ends, each widened by a quarter. For
the grid of BOSS that is 2,880 to 12,480 Angstrom, so that a spectrum that covers only a part, or
more, is not refused: the atmosphere ends at 3,000 Angstrom, and silicon detects nothing beyond
11,000 (SDSS: 3,800 to 9,220; BOSS: 3,560 to 10,400; DESI: 3,600 to 9,824). In nm, all that is
observed from the ground through to the K band lies below 2,500; in micron, below 3; natural
logarithms of such wavelengths lie at 8.0 to 9.4, which no log10 reaches. What goes on to 5 micron,
in nm, has pixels there too, but also below 912 Angstrom, where hydrogen of the Galaxy takes all
light.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.errors import InputError

MARGIN = 1.25
"""Wavelengths within this factor of the grid are near it."""

NEAR_FRACTION = 0.1
"""Fraction of the pixels that must be near the grid: more than a few stray ones."""

DARK = 2.0, float(np.log10(912))
"""log10 of Angstrom between which nothing is observed; smaller values only pad a file."""

MAX_LOGLAM = 6
"""log10 of Angstrom, 100 micron: larger numbers are reported without conversion."""

LN10 = float(np.log(10))

Float64Array = NDArray[np.float64]

UNITS: list[tuple[str, Callable[[Float64Array], Float64Array]]] = [
    ("nm; multiply them by 10", lambda loglam: loglam + 1),
    ("micron; multiply them by 10,000", lambda loglam: loglam + 4),
    ("meters; multiply them by 1e10", lambda loglam: loglam + 10),
    ("natural logarithms; divide them by ln(10)", lambda ln: ln / LN10),
    ("log10 of Angstrom; give Angstrom", lambda loglam: 10**loglam),
    ("natural logarithms; give Angstrom", lambda loglam: 10**loglam / LN10),
    ("Angstrom, not their log10; give log10 of them", np.log10),
    ("nm, not log10 of Angstrom; give log10 of 10 times them", lambda nm: np.log10(10 * nm)),
    ("micron, not log10 of Angstrom; give log10 of 10,000 times them", lambda x: np.log10(1e4 * x)),
]
"""Units that numbers read as log10 of Angstrom may be in, with the remedy and the conversion to
log10 of Angstrom.

"Give Angstrom" is for files that hold Angstrom, of which the reader took the log10. Where two fit,
the first is told: narrow bands of micron are rarer than log10 taken twice.
"""


def check(loglam: Float64Array, first: float, last: float, source: str = "") -> None:
    """Raise an error if too few wavelengths are near a grid.

    Args:
        loglam: (pixels,), finite, taken for log10 of the vacuum wavelength in Angstrom; none at
            all is no error.
        first: where the grid begins, Angstrom.
        last: where it ends.
        source: the file that they are from, if from one.

    Raises:
        InputError: with the range found, and the unit that it would fit, if there is one.
    """
    low, high = np.log10(first / MARGIN), np.log10(last * MARGIN)
    if not loglam.size or _are_optical(loglam, low, high):
        return
    ends = np.array([loglam.min(), loglam.max()])
    with np.errstate(all="ignore"):
        fits = [text for text, of in UNITS if _are_optical(of(loglam), low, high)]
        angstrom = " ({:.4g} to {:.4g} Angstrom)".format(*10**ends) if ends[1] < MAX_LOGLAM else ""
    raise InputError(
        f"{source + ': ' if source else ''}loglam runs from "
        f"{ends[0]:.5g} to {ends[1]:.5g}{angstrom}, "
        "but at least a tenth of the pixels of an optical spectrum are in "
        f"{first / MARGIN:,.0f} to {last * MARGIN:,.0f} Angstrom; "
        + (f"this looks like {fits[0]}" if fits else "give an optical spectrum, in vacuum Angstrom")
    )


def _are_optical(loglam: Float64Array, low: float, high: float) -> bool:
    near = np.mean((loglam >= low) & (loglam <= high))
    dark = np.mean((loglam > DARK[0]) & (loglam < min(low, DARK[1])))
    return bool(near >= NEAR_FRACTION > dark)
