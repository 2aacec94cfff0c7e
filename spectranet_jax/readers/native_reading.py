"""Spectra at native pixels beside the rebinned ones: always their phase, pixels if requested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.native import NATIVE_GRID, native_pixels
from spectranet_jax.spectra.phase import phase
from spectranet_jax.spectra.spectrum import Spectrum


@dataclass(frozen=True)
class Native:
    """n spectra at native pixels.

    Attributes:
        flux: (n, 4750) float32, on the grid of `spectra.native`; (n, 0) where only the phase is
            wanted.
        ivar: of the same shape, 0 where there is no measurement.
        phase: grid of a model -> (n,) float64, dex: see `spectra.phase`.
    """

    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    phase: Mapping[LogGrid, NDArray[np.float64]]

    @property
    def nbytes(self) -> int:
        """Memory of the pixels."""
        return self.flux.nbytes + self.ivar.nbytes


def native_of(spectra: Sequence[Spectrum], grids: Sequence[LogGrid], pixels: bool) -> Native:
    """Phase of spectra in the bins of each grid, and their native pixels if requested."""
    flux, ivar = native_pixels(spectra) if pixels else _no_pixels(len(spectra), 0)
    offsets = {
        grid: np.array([phase(s.loglam, s.ivar, grid) for s in spectra], np.float64)
        for grid in grids
    }
    return Native(flux, ivar, offsets)


def native_of_block(columns: Columns, grid: LogGrid, count: int, pixels: bool) -> Native:
    """Return those of a dataset's spectra; blank if it was prepared without native pixels.

    Args:
        columns: `Block.native`: flux, ivar and phase, or nothing.
        grid: of the dataset.
        count: its spectra.
        pixels: whether pixels are kept beside the phase.
    """
    blank = blank_native(count, [grid], pixels)
    if not columns:
        return blank
    phases = {grid: np.asarray(columns["phase"], np.float64)}
    if not pixels:
        return Native(blank.flux, blank.ivar, phases)
    return Native(columns["flux"], columns["ivar"], phases)


def blank_native(count: int, grids: Sequence[LogGrid], pixels: bool) -> Native:
    """Return spectra without data, of as many pixels as those of `native_of`."""
    flux, ivar = _no_pixels(count, NATIVE_GRID.size if pixels else 0)
    return Native(flux, ivar, {grid: np.zeros(count) for grid in grids})


def _no_pixels(count: int, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    zeros = np.zeros((count, size), np.float32)
    return zeros, zeros


def joined_native(readings: Sequence[Native]) -> Native | None:
    """Concatenate them in order; None if there are none."""
    if not readings:
        return None
    return Native(
        np.concatenate([native.flux for native in readings]),
        np.concatenate([native.ivar for native in readings]),
        {
            grid: np.concatenate([native.phase[grid] for native in readings])
            for grid in readings[0].phase
        },
    )
