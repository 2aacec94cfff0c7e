"""The wavelength grid that every spectrum is rebinned to, and the rule of the rebinning."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra import wavelengths
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.lines import kms

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

    def __str__(self) -> str:
        return f"log10 {self.start} + {self.dloglam} x {self.size}, vacuum"

    @property
    def bin_kms(self) -> float:
        """Width of a bin as a velocity, km/s, to first order: c ln(10) dloglam."""
        return kms(self.dloglam)

    @property
    def bytes_per_spectrum(self) -> int:
        """Memory of a spectrum's flux and ivar in float32, bytes."""
        return 2 * self.size * np.dtype(np.float32).itemsize

    def bins(self, kms: float) -> int:
        """Return the number of whole bins, at least one, nearest to a velocity in km/s."""
        return max(1, round(kms / self.bin_kms))

    @cached_property
    def edges(self) -> Float64Array:
        """Bin edges, float64 (size + 1,), vacuum Angstrom."""
        return self.start * np.float64(10) ** (self.dloglam * np.arange(self.size + 1))

    @cached_property
    def centers(self) -> Float64Array:
        """Bin centers, float64 (size,), vacuum Angstrom: half a bin right of the left edges."""
        return self.start * np.float64(10) ** (self.dloglam * (np.arange(self.size) + 0.5))

    def bin_of(self, loglam: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the index of the bin that holds each log10(wavelength); outside [0, size) is off
        the grid.

        Computed in float64: stored loglam is float32 and would jitter across edges.
        """
        offset = np.asarray(loglam, np.float64) - np.log10(self.start)
        limit = 2.0**53  # to fit into int64
        return np.clip(np.floor(offset / self.dloglam), -limit, limit).astype(np.int64)


QUASARNET_GRID = LogGrid(start=3600.0, dloglam=1e-3, size=443)
"""QuasarNET's grid, 690.3 km/s per bin: py/quasarnet/io.py of Busca & Balland (2018)."""


def rebin(
    loglam: NDArray[np.floating],
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    grid: LogGrid,
) -> tuple[Float64Array, Float64Array]:
    """Average pixels into the bins of `grid`, weighted by inverse variance.

    In a bin, ivar is the sum of the pixels' ivar and flux their ivar-weighted mean, 0 where ivar is
    0 (the rule of QuasarNET's io.py). A pixel whose flux, ivar or wavelength is masked or not
    finite, or whose ivar is not positive, is ignored. Pixels may come in any order, so the arms of
    a spectrograph are simply concatenated.

    Args:
        loglam: (pixels,), log10 of the vacuum wavelength in Angstrom, shared by all spectra.
        flux: (..., pixels), 1e-17 erg/s/cm^2/Angstrom.
        ivar: (..., pixels), inverse variance of flux.
        grid: the bins.

    Returns:
        flux and ivar, both float64 (..., grid.size).

    Raises:
        InputError: if the shapes do not belong together, or the wavelengths are not those of an
            optical spectrum: see `wavelengths.check`.
    """
    return Binning.of(loglam, grid)(flux, ivar)


@dataclass(frozen=True)
class Binning:
    """Map from pixels to bins: `rebin` for many spectra with the same wavelengths.

    Pixels are summed over runs of equal bin. Where the runs are not the bins in their order, as
    arms overlap or pixels come from red to blue, the runs are brought to that order and summed
    again: so the pixels themselves are never moved.

    Attributes:
        shape: (pixels,), of the wavelengths that it is for.
        size: bins of the grid.
        pixels: from the first on the grid to the last.
        runs: where each run begins among these pixels.
        ascending: whether the runs are bins in ascending order, each one run.
        order: the runs on the grid, by bin.
        groups: where each bin's runs begin in that order.
        filled: the bin of each group.
    """

    shape: tuple[int, ...]
    size: int
    pixels: slice
    runs: NDArray[np.int64]
    ascending: bool
    order: NDArray[np.int64]
    groups: NDArray[np.int64]
    filled: NDArray[np.int64]

    @classmethod
    def of(cls, loglam: NDArray[np.floating], grid: LogGrid, source: str = "") -> "Binning":
        """Return the binning of these wavelengths: see `rebin`; errors name the file `source`."""
        loglam = np.ma.filled(np.ma.asarray(loglam, np.float64), np.nan)
        is_finite = np.isfinite(loglam)
        wavelengths.check(loglam[is_finite], grid.edges[0], grid.edges[-1], source)
        index = grid.bin_of(np.where(is_finite, loglam, 0)).ravel()
        index = np.where(is_finite.ravel() & (index >= 0) & (index < grid.size), index, -1)
        on_grid = np.flatnonzero(index >= 0)
        pixels = slice(on_grid[0], on_grid[-1] + 1) if len(on_grid) else slice(0)
        index = index[pixels]
        runs = np.flatnonzero(np.diff(index, prepend=-2))
        ascending = bool((np.diff(index[runs], prepend=-1) > 0).all())
        order = np.argsort(index[runs], kind="stable")
        order = order[index[runs][order] >= 0]
        bins = index[runs][order]
        groups = np.flatnonzero(np.diff(bins, prepend=-1))
        return cls(loglam.shape, grid.size, pixels, runs, ascending, order, groups, bins[groups])

    def __call__(
        self, flux: NDArray[np.floating], ivar: NDArray[np.floating]
    ) -> tuple[Float64Array, Float64Array]:
        """Return flux and ivar, both (..., pixels), rebinned: see `rebin`."""
        mask_of_flux, mask_of_ivar = np.ma.getmask(flux), np.ma.getmask(ivar)
        flux, ivar = _floats(flux), _floats(ivar)
        if flux.shape != ivar.shape or flux.shape[-1:] != self.shape:
            raise InputError(
                f"loglam {self.shape}, flux {flux.shape} and ivar {ivar.shape} do not belong"
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
        # An ignored pixel shows in the sums of its bin, unless its ivar is negative.
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
        """Return the sums of flux * ivar and of ivar over the pixels of each bin."""
        # The product keeps the dtype of the pixels, as QuasarNP's does; the sums are float64.
        sums = [
            np.add.reduceat(pixels, self.runs, axis=-1, dtype=np.float64)
            for pixels in (flux * ivar, ivar)
        ]
        if not self.ascending:
            sums = [np.add.reduceat(part[..., self.order], self.groups, axis=-1) for part in sums]
        return sums[0], sums[1]


def _floats(values: NDArray[np.number]) -> NDArray[np.floating]:
    """Return the numbers in a dtype whose products do not overflow where the numbers do not."""
    values = np.asarray(values)
    return values.astype(np.result_type(values, np.float32), copy=False)
