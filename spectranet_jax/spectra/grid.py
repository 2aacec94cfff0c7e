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
    return Binning.of(loglam, grid)(flux, ivar)


@dataclass(frozen=True)
class Binning:
    """Which pixel goes into which bin: `rebin` for many spectra of the same wavelengths.

    Pixels are summed over runs of equal bin, and where a bin has several runs, as arms overlap,
    these are summed too: so pixels in nearly any order are never copied.

    Attributes:
        loglam: (pixels,), the wavelengths that it is for.
        size: bins of the grid.
        pixels: from the first on the grid to the last.
        runs: where each run begins among these pixels.
        order: the runs on the grid, by bin.
        groups: where each bin's runs begin in that order.
        filled: the bin of each group.
    """

    loglam: NDArray[np.floating]
    size: int
    pixels: slice
    runs: NDArray[np.int64]
    order: NDArray[np.int64]
    groups: NDArray[np.int64]
    filled: NDArray[np.int64]

    @classmethod
    def of(cls, loglam: NDArray[np.floating], grid: LogGrid = BOSS_GRID) -> "Binning":
        """The binning of these wavelengths: see `rebin`."""
        loglam = np.asarray(loglam)
        known = loglam[np.isfinite(loglam)]
        if known.size and known.min() > 100:
            raise InputError(
                f"loglam begins at {known[0]:g}, which looks like Angstrom;"
                " give log10 of the wavelengths"
            )
        index = grid.bin_of(np.where(np.isfinite(loglam), loglam, 0.0)).ravel()
        index = np.where((index >= 0) & (index < grid.size), index, -1)
        on_grid = np.flatnonzero(index >= 0)
        pixels = slice(on_grid[0], on_grid[-1] + 1) if len(on_grid) else slice(0)
        index = index[pixels]
        runs = np.flatnonzero(np.diff(index, prepend=-2))
        order = np.argsort(index[runs], kind="stable")
        order = order[index[runs][order] >= 0]
        bins = index[runs][order]
        groups = np.flatnonzero(np.diff(bins, prepend=-1))
        return cls(loglam, grid.size, pixels, runs, order, groups, bins[groups])

    def __call__(
        self, flux: NDArray[np.floating], ivar: NDArray[np.floating]
    ) -> tuple[Float64Array, Float64Array]:
        """Flux and ivar, both (..., pixels), in the bins: see `rebin`."""
        mask_of_flux, mask_of_ivar = np.ma.getmask(flux), np.ma.getmask(ivar)
        flux, ivar = np.asarray(flux), np.asarray(ivar)
        if flux.shape != ivar.shape or flux.shape[-1:] != self.loglam.shape:
            raise InputError(
                f"loglam {self.loglam.shape}, flux {flux.shape} and ivar {ivar.shape} do not belong"
                " together; give (pixels,), (..., pixels) and (..., pixels)"
            )
        if np.any(mask_of_flux) or np.any(mask_of_ivar):
            ivar = np.where(mask_of_flux | mask_of_ivar, 0, ivar)
        mean, total_weight = np.zeros((2, *flux.shape[:-1], self.size))
        if not len(self.filled):
            return mean, total_weight
        flux, ivar = flux[..., self.pixels], ivar[..., self.pixels]
        with np.errstate(over="ignore", invalid="ignore"):
            flux_sums, sums = self._sums(flux, ivar)
        # A pixel that does not count shows in the sums of its bin, unless its ivar is negative.
        if not (np.isfinite(flux_sums).all() and np.isfinite(sums).all() and (ivar >= 0).all()):
            good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
            flux_sums, sums = self._sums(np.where(good, flux, 0), np.where(good, ivar, 0))
        total_weight[..., self.filled] = sums
        mean[..., self.filled] = np.divide(
            flux_sums, sums, out=np.zeros_like(flux_sums), where=sums > 0
        )
        return mean, total_weight

    def _sums(
        self, flux: NDArray[np.floating], ivar: NDArray[np.floating]
    ) -> tuple[Float64Array, Float64Array]:
        """Sums of flux * ivar and of ivar over the pixels of each bin."""
        # The product keeps the dtype of the pixels, as QuasarNP's does; the sums are float64.
        sums = [
            np.add.reduceat(pixels, self.runs, axis=-1, dtype=np.float64)
            for pixels in (flux * ivar, ivar)
        ]
        if len(self.groups) < len(self.runs):
            sums = [np.add.reduceat(part[..., self.order], self.groups, axis=-1) for part in sums]
        return sums[0], sums[1]
