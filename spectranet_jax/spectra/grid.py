"""The wavelength grid that every spectrum is brought to, and the rule that brings it there."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.errors import InputError

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class LogGrid:
    """Bins of equal width in log10 of the vacuum wavelength.

    Attributes:
        start: left edge of the first bin, Angstrom.
        dloglam: width of a bin in log10(wavelength).
        size: number of bins.
    """

    start: float
    dloglam: float
    size: int

    @cached_property
    def edges(self) -> Float64Array:
        """Bin edges, float64 (size + 1,), vacuum Angstrom."""
        return self.start * np.float64(10) ** (self.dloglam * np.arange(self.size + 1))

    @cached_property
    def centers(self) -> Float64Array:
        """Bin centers, float64 (size,), vacuum Angstrom: half a bin right of the left edges."""
        return self.start * np.float64(10) ** (self.dloglam * (np.arange(self.size) + 0.5))

    def bin_of(self, loglam: NDArray[np.floating]) -> NDArray[np.int64]:
        """Index of the bin that holds each log10(wavelength); outside [0, size) is off the grid.

        Computed in float64: stored loglam is float32 and would jitter across edges.
        """
        offset = np.asarray(loglam, np.float64) - np.log10(self.start)
        return np.floor(offset / self.dloglam).astype(np.int64)


BOSS_GRID = LogGrid(start=3600.0, dloglam=1e-3, size=443)
"""QuasarNET's grid, 690.3 km/s a bin: py/quasarnet/io.py of Busca & Balland (2018)."""


def rebin(
    loglam: NDArray[np.floating],
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    grid: LogGrid = BOSS_GRID,
) -> tuple[Float64Array, Float64Array]:
    """Average pixels into the bins of `grid`, weighted by inverse variance.

    In a bin, ivar is the sum of the pixels' ivar and flux their ivar-weighted mean, 0 where ivar
    is 0 (the rule of QuasarNET's io.py). A pixel that is masked, whose flux, ivar or wavelength is
    not finite, or whose ivar is not positive, does not count. Pixels may come in any order, so the
    arms of a spectrograph are simply concatenated.

    Args:
        loglam: (pixels,), log10 of the vacuum wavelength in Angstrom, shared by all spectra.
        flux: (..., pixels), 1e-17 erg/s/cm^2/Angstrom.
        ivar: (..., pixels), inverse variance of flux.
        grid: the bins.

    Returns:
        flux and ivar, both float64 (..., grid.size).

    Raises:
        InputError: if the shapes do not belong together, or loglam is no logarithm.
    """
    mask_of_flux, mask_of_ivar = np.ma.getmask(flux), np.ma.getmask(ivar)
    loglam, flux, ivar = np.asarray(loglam), np.asarray(flux), np.asarray(ivar)
    if flux.shape != ivar.shape or flux.shape[-1:] != loglam.shape:
        raise InputError(
            f"loglam {loglam.shape}, flux {flux.shape} and ivar {ivar.shape} do not belong"
            " together; give (pixels,), (..., pixels) and (..., pixels)"
        )
    known = loglam[np.isfinite(loglam)]
    if known.size and known.min() > 100:
        raise InputError(
            f"loglam begins at {known[0]:g}, which looks like Angstrom;"
            " give log10 of the wavelengths"
        )
    if np.any(mask_of_flux) or np.any(mask_of_ivar):
        ivar = np.where(mask_of_flux | mask_of_ivar, 0, ivar)
    usable = np.isfinite(loglam)
    index = np.where(usable, grid.bin_of(np.where(usable, loglam, 0.0)), -1)
    order = np.argsort(index, kind="stable")
    order = order[(index[order] >= 0) & (index[order] < grid.size)]
    mean, total_weight = np.zeros((2, *flux.shape[:-1], grid.size))
    if not len(order):
        return mean, total_weight
    index = index[order]
    in_order = (np.diff(order) == 1).all()  # as in nearly every survey: then nothing is copied
    pixels = slice(order[0], order[-1] + 1) if in_order else order

    flux, ivar = flux[..., pixels], ivar[..., pixels]
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    weight = np.where(good, ivar, 0)
    # The product keeps the dtype of the pixels, as QuasarNP's does; the sums are float64.
    weighted_flux = np.where(good, flux, 0) * weight

    # Sums over the runs of equal index.
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    filled = index[starts]
    sums = np.add.reduceat(weight, starts, axis=-1, dtype=np.float64)
    total_weight[..., filled] = sums
    flux_sums = np.add.reduceat(weighted_flux, starts, axis=-1, dtype=np.float64)
    mean[..., filled] = np.divide(flux_sums, sums, out=np.zeros_like(flux_sums), where=sums > 0)
    return mean, total_weight
