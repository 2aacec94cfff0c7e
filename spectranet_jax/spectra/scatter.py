"""Test whether the scatter between neighboring pixels agrees with their inverse variance.

The scatter is measured by fourth differences of flux, in which the continuum and all but the
sharpest parts of lines cancel; their median leaves narrow lines and cosmic rays out. Noise that is
correlated, as that of resampled pixels, makes it smaller from pixel to pixel; and structure, as the
lines of a bright star, makes it larger from bin to bin. So too large a scatter is looked for among
native pixels, and too small a one among bins of the grid, several pixels wide.

On 427 real spectra of SDSS, BOSS, SDSS-V and DESI, of S/N up to 93 a pixel, the scatter of pixels
is 0.4 to 1.2 times what ivar tells, and that of bins 0.8 to 6.1 times. Of M dwarfs made as bright
as S/N 500 a pixel, that of pixels is up to 4.7 times; of mock spectra of every class, that of bins
is no less than 0.86 times. With sigma in place of ivar, none of these spectra goes untold where the
two differ by three orders of magnitude or more, and one in nine where by two to three.
"""

from math import comb

import numpy as np
from numpy.typing import NDArray

TOO_LARGE, TOO_SMALL = 5.0, 0.25
"""Scatter, as a factor of that expected from ivar, beyond which the two contradict each other."""

ORDER = 4
COEFFICIENTS = [(-1) ** k * comb(ORDER, k) for k in range(ORDER + 1)]

MIN_DIFFERENCES = 50
"""Differences needed for a verdict."""

SAMPLED_DIFFERENCES = 500
"""Differences that are sampled: of native pixels about every ninth, for speed."""

NEIGHBORS = 1e-3
"""Pixels further apart than this in log10 of the wavelength, a bin, are not neighbors."""

MEDIAN_OF_NORMAL = 0.6745
"""Median absolute value of a standard normal variable."""

ROUNDING = 1e-5
"""Fraction of the flux: a smaller difference may be float32 rounding, and is not scatter."""

Bools = NDArray[np.bool_]
Float64Array = NDArray[np.float64]


def too_large(
    loglam: NDArray[np.floating], flux: NDArray[np.floating], ivar: NDArray[np.floating]
) -> Bools:
    """Return whether native pixels scatter far more than ivar implies, bool (...).

    Args:
        loglam: (pixels,), log10 of the wavelength, in any order: only pixels are compared that are
            beside each other in both.
        flux: (..., pixels).
        ivar: (..., pixels); a pixel where it is 0 does not count.
    """
    step = max(1, len(loglam) // SAMPLED_DIFFERENCES)
    places = np.stack(_neighbors(loglam, step))
    with np.errstate(invalid="ignore"):  # infinite minus infinite: such pixels are not neighbors
        near = (np.abs(np.diff(places, axis=0)) < NEIGHBORS).all(axis=0)
    difference, expected = _differences(flux, ivar, step)
    counts = near & np.isfinite(difference)
    larger = counts & (np.abs(difference) > TOO_LARGE * MEDIAN_OF_NORMAL * expected)
    return _majority(larger, counts) & (counts.sum(axis=-1) >= MIN_DIFFERENCES)


def too_small(flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> Bools:
    """Return whether bins of the grid, (..., bins), scatter far less than ivar implies, bool (...).

    A smooth model without noise has no scatter to compare and is not reported: in noise, most
    successive differences differ in sign, in a smooth curve almost none.
    """
    difference, expected = _differences(flux, ivar)
    counts = np.isfinite(difference)
    smaller = np.abs(difference) < TOO_SMALL * MEDIAN_OF_NORMAL * expected
    is_noise = np.abs(difference) > ROUNDING * np.abs(_neighbors(flux)[ORDER // 2])
    is_noise[..., 1:] &= np.sign(difference[..., 1:]) != np.sign(difference[..., :-1])
    return (
        _majority(smaller, counts)
        & _majority(is_noise, counts)
        & (counts.sum(axis=-1) >= MIN_DIFFERENCES)
    )


def _differences(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], step: int = 1
) -> tuple[Float64Array, Float64Array]:
    """Return the differences of flux, NaN where a pixel is ignored, and the sigma that ivar
    implies.
    """
    difference, variance = 0.0, 0.0
    with np.errstate(all="ignore"):  # from ignored pixels
        terms = zip(COEFFICIENTS, _neighbors(flux, step), _neighbors(ivar, step), strict=True)
        for coefficient, value, weight in terms:
            difference = difference + coefficient * value
            variance = variance + coefficient**2 / np.where(weight > 0, weight, np.nan)
        is_finite = np.isfinite(difference + variance)
        return np.where(is_finite, difference, np.nan), np.sqrt(variance)


def _majority(which: Bools, among: Bools) -> Bools:
    """Return whether `which` holds for more than half of `among`."""
    return 2 * which.sum(axis=-1) > among.sum(axis=-1)


def _neighbors(pixels: NDArray[np.floating], step: int = 1) -> list[Float64Array]:
    """Every `step`-th pixel of (..., n), and the 1st to `ORDER`-th right of each, float64."""
    first = max(pixels.shape[-1] - ORDER, 0)
    return [np.asarray(pixels[..., k : first + k : step], np.float64) for k in range(ORDER + 1)]
