"""The native grid, on which redshifts are refined, and the resampling of spectra to it.

4,750 pixels of 1e-4 in log10 of the vacuum wavelength (69.03 km/s) from 10^3.55 Angstrom on: those
of SDSS and BOSS, which are copied. Pixels of any other scale, in one arm or more, are shared among
the native pixels that they overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.spectrum import Spectrum

FIRST = 3.55
"""log10 of the wavelength at the center of the first native pixel, Angstrom."""

STEP = 1e-4

NATIVE_GRID = LogGrid(start=10 ** (FIRST - STEP / 2), dloglam=STEP, size=4750)
"""Ends at 10,589 Angstrom; native pixel i is centered at 10^(3.55 + 1e-4 i)."""

ALIGNED = 0.05
"""Pixels no further than this from the center of a native pixel, in pixels, are copied: 3.5 km/s.
Those of SDSS and BOSS are within 0.0024, since their log10 wavelengths are stored as float32.
"""

Float64Array = NDArray[np.float64]
Pixels = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Sharing:
    """The fraction of each pixel that goes to each native pixel.

    Attributes:
        pixel: (pairs,), index of a pixel of the spectrum.
        native: (pairs,), index of a native pixel that it overlaps.
        fraction: (pairs,), of its width that lies there, 0 to 1.
    """

    pixel: NDArray[np.int64]
    native: NDArray[np.int64]
    fraction: Float64Array

    @classmethod
    def of(cls, loglam: Float64Array) -> "Sharing":
        """Return the sharing of pixels at these wavelengths.

        Args:
            loglam: (pixels,), log10 of the vacuum wavelength in Angstrom, in any order, so that the
                arms of a spectrograph are simply concatenated; one that is not finite is left out.
        """
        place = np.where(np.isfinite(loglam), (loglam - FIRST) / STEP, -np.inf)
        near = (place > -1) & (place < NATIVE_GRID.size)
        index = np.rint(np.where(near, place, 0)).astype(np.int64)
        if (np.abs(place - index)[near] <= ALIGNED).all():
            pixel, native, fraction = np.flatnonzero(near), index[near], np.ones(near.sum())
        else:
            pixel, native, fraction = _overlaps(loglam)
        inside = (native >= 0) & (native < NATIVE_GRID.size)
        return cls(pixel[inside], native[inside], fraction[inside])

    def __call__(self, flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> Pixels:
        """Return flux and ivar of one spectrum on the native grid, float32 (4750,) each.

        The ivar of a native pixel is the sum of its parts' ivar, each the pixel's times the
        fraction, and its flux their mean weighted by it; both are 0 where nothing was measured. So
        sums of ivar, and of flux times ivar, stay what they were, and chi2 of a model that is
        smooth from pixel to pixel does too. The noise of native pixels that share one pixel is
        correlated: the variance of a single native pixel is smaller than 1 / ivar, by up to a half
        of it, that of a mean over many of them is right.

        Args:
            flux: (pixels,).
            ivar: (pixels,); a pixel whose ivar is not positive, or whose flux or ivar is not
                finite, does not count.
        """
        flux, ivar = np.asarray(flux, np.float64), np.asarray(ivar, np.float64)
        good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
        weight = np.where(good, ivar, 0)
        value = weight * np.where(good, flux, 0)
        weights, values = (
            np.bincount(self.native, values[self.pixel] * self.fraction, NATIVE_GRID.size)
            for values in (weight, value)
        )
        mean = np.divide(values, weights, out=np.zeros_like(values), where=weights > 0)
        with np.errstate(over="ignore"):
            shared = mean.astype(np.float32), weights.astype(np.float32)
        finite = np.isfinite(shared[0]) & np.isfinite(shared[1])
        return np.where(finite, shared[0], np.float32(0)), np.where(
            finite, shared[1], np.float32(0)
        )


def native_pixels(spectra: Sequence[Spectrum]) -> Pixels:
    """Return flux and ivar of spectra on the native grid, float32 (n, 4750) each: see `Sharing`.

    DESI's pixels of 0.8 Angstrom are 0.36 to 0.97 of a native one wide. A native pixel adds a box
    of 20 km/s rms to the line spread of 25 to 65 km/s rms that DESI's spectrograph has.
    """
    flux, ivar = np.zeros((2, len(spectra), NATIVE_GRID.size), np.float32)
    loglam = None
    for row, spectrum in enumerate(spectra):
        if spectrum.loglam is not loglam:  # rows of a plate or petal share one array
            loglam = spectrum.loglam
            sharing = Sharing.of(loglam)
        flux[row], ivar[row] = sharing(spectrum.flux, spectrum.ivar)
    return flux, ivar


def _overlaps(
    loglam: Float64Array,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float64Array]:
    """Pixel, native pixel and fraction of every overlapping pair, also off the native grid."""
    pixel = np.flatnonzero(np.isfinite(loglam) & (np.abs(loglam) < 10))
    wavelength = 10 ** loglam[pixel]
    # The closer neighbor is in the same arm, and no gap lies between the two.
    spacing = np.abs(np.diff(wavelength, prepend=np.inf, append=np.inf))
    half = np.minimum(np.minimum(spacing[:-1], spacing[1:]) / 2, 0.1 * wavelength)
    half = np.maximum(half, 1e-9 * wavelength)
    low, high = ((np.log10(wavelength + side * half) - FIRST) / STEP + 0.5 for side in (-1, 1))
    first = np.floor(low).astype(np.int64)
    counts = np.floor(high).astype(np.int64) - first + 1
    pair = np.repeat(np.arange(len(pixel)), counts)
    native = first[pair] + np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    edges = 10 ** (FIRST + STEP * (np.stack([native, native + 1]) - 0.5))
    ends = (wavelength - half)[pair], (wavelength + half)[pair]
    overlap = np.minimum(edges[1], ends[1]) - np.maximum(edges[0], ends[0])
    return pixel[pair], native, np.maximum(overlap, 0) / (2 * half[pair])
