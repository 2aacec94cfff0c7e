"""Spectra cleaned for networks: float32, in a unit near 1, bad pixels empty; and their flags."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectranet_jax.spectra import scatter
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.flags import Flag, noise_flags, quality_flags
from spectranet_jax.spectra.grid import LogGrid

FLUX_LIMIT, IVAR_LIMIT = 1e18, 1e35
"""Limits beyond which float32 cannot hold the squares and sums of normalization: bad pixels."""


def clean(
    flux: ArrayLike, ivar: ArrayLike, grid: LogGrid, flags: NDArray[np.integer] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Clean spectra for a network, and flag what is wrong with them.

    Args:
        flux: (n, bins), any unit.
        ivar: (n, bins), inverse variance of flux in that unit, 0 where there is no measurement.
        grid: the bins.
        flags: (n,) quality bits known beforehand; those of the arrays are added.

    Returns:
        flux and ivar, float32 (n, bins), in a unit near the median and 0 in bad pixels; quality
        bits of `spectra.flags`, (n,).

    Raises:
        InputError: if the arrays have another shape.
    """
    # A masked pixel has no value; quality_flags flags it.
    exact, weight = (
        np.atleast_2d(np.ma.asarray(array, np.float64).filled(np.nan)) for array in (flux, ivar)
    )
    if exact.shape != weight.shape or exact.ndim != 2 or exact.shape[1] != grid.size:
        raise InputError(
            f"flux {exact.shape} and ivar {weight.shape} must both be (n, {grid.size});"
            " make spectra of arrays on other wavelengths with spectranet_jax.from_arrays"
        )
    exact, weight = _scaled_near_one(exact, weight)
    mismatch = noise_flags(scatter.too_small(exact, weight))  # float32 may not hold such an ivar
    near = np.where(np.abs(exact) < FLUX_LIMIT, exact, np.nan).astype(np.float32)
    weight = np.where(np.abs(weight) < IVAR_LIMIT, weight, np.nan).astype(np.float32)
    bits = quality_flags(near, weight, grid) | mismatch
    if flags is not None:
        # A file that could not be read has no other flags.
        bits = np.where(flags & Flag.UNREADABLE, flags, bits | flags)
    good = np.isfinite(near) & np.isfinite(weight) & (weight > 0)
    return np.where(good, near, 0), np.where(good, weight, 0), bits


def _scaled_near_one(
    flux: NDArray[np.float64], ivar: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale spectra (n, bins) by a power of two near their median, which changes no digit.

    So float32 holds any unit: in erg/s/cm^2/Angstrom, ivar alone would be beyond it.
    """
    usable = np.isfinite(flux) & (flux != 0) & (ivar > 0)
    size = np.where(usable, np.abs(flux), np.nan)
    size[~usable.any(axis=-1)] = 1.0  # nanmedian warns of an all-NaN row
    exponent = np.frexp(np.nanmedian(size, axis=-1, keepdims=True))[1]
    with np.errstate(over="ignore", under="ignore"):  # bad pixels, which are flagged below
        return np.ldexp(flux, -exponent), np.ldexp(ivar, 2 * exponent)
