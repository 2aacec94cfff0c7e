"""The zero point of binned redshifts: the offset of a spectrum's pixels within their bins.

A pixel goes whole into the bin that holds its center (`spectra.rebin`), so the pixels of a bin need
not have their mean at the bin's center. Those of SDSS and BOSS stand at multiples of 1e-4 in
log10(wavelength), those bins of the 443-bin grid begin at log10(3600) + 1e-3 i: the mean of a bin's
ten pixels is 0.0475e-3 redward of its center, and a redshift read off the bins is 33 km/s too low.
DESI's pixels, equal in wavelength, have no such phase.
"""

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid


def phase(
    loglam: Float[np.ndarray, " pixels"], ivar: Float[np.ndarray, "*spectra pixels"], grid: LogGrid
) -> Float64[np.ndarray, "*spectra"]:
    """Return the mean offset of the pixels from the centers of their bins, float64 (...), in dex.

    The mean over bins of (mean log10 wavelength of the bin's pixels - the bin's center), every
    pixel and every bin weighted by its ivar, as flux is. 0 where nothing was measured.

    Args:
        loglam: (pixels,), log10 of the vacuum wavelength in Angstrom.
        ivar: (..., pixels), of the spectra; values that are not finite or not positive are ignored.
        grid: the bins.
    """
    loglam = np.asarray(loglam, np.float64)
    index = grid.bin_of(np.where(np.isfinite(loglam), loglam, 0))
    inside = np.isfinite(loglam) & (index >= 0) & (index < grid.size)
    center = np.log10(grid.start) + grid.dloglam * (index + 0.5)
    offset = np.where(inside, loglam - center, 0)
    ivar = np.asarray(ivar, np.float64)
    weight = np.where(np.isfinite(ivar) & (ivar > 0) & inside, ivar, 0)
    total = weight.sum(axis=-1)
    return (weight * offset).sum(axis=-1) / np.where(total > 0, total, 1)


def corrected(z: NDArray[np.floating], dex: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return binned redshifts corrected for the phase: (1 + z) 10^dex - 1."""
    return (1 + np.asarray(z, np.float64)) * 10 ** np.asarray(dex, np.float64) - 1
