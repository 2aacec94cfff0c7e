"""Quality flags of a catalog row: a bit mask with a reason for each bit."""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.normalize import is_structured, moments


class Flag(IntFlag):
    """A reason why a catalog row deserves a second look; 0 is a clean row."""

    UNREADABLE = 1  # the file could not be read: no spectrum, no prediction
    NO_DATA = 2  # every ivar is 0, or the flux is constant except for rounding: no prediction
    PARTIAL = 4  # more than a tenth of the grid's bins are empty
    BAD_PIXELS = 8  # some pixels were NaN, infinite or had negative ivar; they were masked
    LOW_SN = 16  # median S/N per 690 km/s bin is below 2
    NOISE_MISMATCH = 32  # ivar contradicts the scatter of pixels; is it sigma or variance?
    CHECKSUM = 64  # the data do not match the file's DATASUM; it was edited or damaged
    LITTLE_COVERAGE = 128  # more than a quarter of the grid's bins are empty, like a missing arm
    NOT_REFINED = 256  # the redshift should be refined at native pixels, but this failed
    FIT_AT_EDGE = 512  # the best fit at native pixels is at the end of the range of redshifts


SN_WIDTH = 1e-3
"""Width in log10(wavelength) of the bins that S/N is given for: 690 km/s."""

LOW_SN_LIMIT = 2.0
"""Median S/N per 690 km/s bin below which LOW_SN is set: about 0.75 per native BOSS pixel."""

PARTIAL_LIMIT, COVERAGE_LIMIT = 0.1, 0.25
"""Fractions of empty bins above which PARTIAL and LITTLE_COVERAGE are set. A complete SDSS-I/II
spectrum leaves 0.14 of the 443 bins from 3600 to 9984 Angstrom empty, one arm of BOSS about 0.5.
"""


def median_sn(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], grid: LogGrid
) -> NDArray[np.float32]:
    """Return the median S/N of the bins with data, float32 (...,); 0 where there are none.

    It is that of bins of `SN_WIDTH`, whatever the grid: S/N grows as the root of the width.

    Args:
        flux: (..., bins).
        ivar: (..., bins), 0 where there is no measurement.
        grid: the bins.
    """
    sn = np.where(ivar > 0, flux * np.sqrt(np.maximum(ivar, 0)), np.nan)
    dead = ~np.any(ivar > 0, axis=-1)
    sn = np.where(dead[..., None], 0.0, sn)  # nanmedian warns of an all-NaN row
    wider = (SN_WIDTH / grid.dloglam) ** 0.5
    return (wider * np.nanmedian(sn, axis=-1)).astype(np.float32)


def pixel_flags(flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return the flags that need native pixels, (..., pixels): BAD_PIXELS or 0, int32 (...)."""
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar >= 0)
    return np.where(good.all(axis=-1), 0, Flag.BAD_PIXELS).astype(np.int32)


def noise_flags(mismatch: NDArray[np.bool_]) -> NDArray[np.int32]:
    """NOISE_MISMATCH where `scatter.too_large` or `scatter.too_small` says so, int32 (...)."""
    return np.where(mismatch, Flag.NOISE_MISMATCH, 0).astype(np.int32)


def quality_flags(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], grid: LogGrid
) -> NDArray[np.int32]:
    """Return the flags of rebinned spectra that the arrays alone determine, int32 (n,).

    Args:
        flux: (n, bins).
        ivar: (n, bins), 0 where there is no measurement.
        grid: the bins.
    """
    bad = (~np.isfinite(flux) | ~np.isfinite(ivar) | (ivar < 0)).any(axis=-1)
    ivar = np.where(np.isfinite(flux) & np.isfinite(ivar), np.maximum(ivar, 0), 0)
    flux = np.where(ivar > 0, flux, 0)
    empty = ivar <= 0
    no_data = ~_has_structure(flux, ivar)
    flags = np.zeros(flux.shape[:-1], np.int32)
    flags |= np.where(no_data, Flag.NO_DATA, 0).astype(np.int32)
    flags |= np.where(bad, Flag.BAD_PIXELS, 0).astype(np.int32)
    flags |= np.where(empty.mean(axis=-1) > PARTIAL_LIMIT, Flag.PARTIAL, 0).astype(np.int32)
    little = (empty.mean(axis=-1) > COVERAGE_LIMIT) & ~no_data
    flags |= np.where(little, Flag.LITTLE_COVERAGE, 0).astype(np.int32)
    flags |= np.where(median_sn(flux, ivar, grid) < LOW_SN_LIMIT, Flag.LOW_SN, 0).astype(np.int32)
    return flags


def _has_structure(flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return whether `normalize` gives a spectrum anything but zeros, bool (n,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return is_structured(*moments(flux, ivar))[..., 0]
