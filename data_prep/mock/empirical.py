"""Observed spectra to draw from, seen at any redshift: templates on a fine grid."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import NumpyDraws
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.random_fields import smooth_field

FINE = 2e-4
"""Bins of the templates in log10(wavelength): 138 km/s."""


@dataclass(frozen=True, eq=False)
class Bank:
    """Spectra of one kind on a fine grid of rest wavelengths.

    Attributes:
        grid: the fine bins.
        flux: (n, grid.size) float32, a unit wavelength, 0 or above, of median 1.
        subtype: (n,), as the templates name it, "" where they do not.
    """

    grid: LogGrid
    flux: Array
    subtype: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.flux)

    @cached_property
    def cumulative(self) -> NDArray[np.float64]:
        """Return the sums of flux up to each edge, float64 (n, grid.size + 1)."""
        return np.pad(np.cumsum(self.flux, axis=1, dtype=np.float64), ((0, 0), (1, 0)))

    def seen(self, rows: NDArray[np.int64], z: NDArray[np.floating], grid: LogGrid) -> Array:
        """Spectra `rows` (m,) at redshifts z (m,), averaged over the bins of `grid`, (m, bins).

        Within a fine bin the flux is level, or for bins narrower than these a parabola that meets
        its neighbors and keeps the mean. Beyond its ends a spectrum goes on as its last hundredth
        does.
        """
        where = np.log10(grid.edges / (1 + np.asarray(z)[:, None])) - np.log10(self.grid.start)
        where /= self.grid.dloglam  # (m, bins + 1), in fine bins
        margin = max(2, self.grid.size // 100)
        left = np.clip(np.floor(where), 0, self.grid.size - 1).astype(np.int64)
        fraction = np.clip(where - left, 0, 1)
        sums = self.cumulative[rows]
        below = np.take_along_axis(sums, left, axis=1)
        above = np.take_along_axis(sums, left + 1, axis=1)
        total = below + fraction * (above - below)
        if grid.dloglam < self.grid.dloglam:
            total += self._curved(rows, left, fraction)
        blue = sums[:, [margin]] / margin
        red = (sums[:, [-1]] - sums[:, [-1 - margin]]) / margin
        total += np.minimum(where, 0) * blue + np.maximum(where - self.grid.size, 0) * red
        return (np.diff(total, axis=1) / np.diff(where, axis=1)).astype(np.float32)

    def _curved(
        self, rows: NDArray[np.int64], left: NDArray[np.int64], fraction: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What parabolas add to sums of level flux up to a fraction of fine bin `left`, (m, bins).

        At its edges the parabola has the means of adjacent bins.
        """
        before, middle, after = (
            self.flux[rows[:, None], np.clip(left + k, 0, self.grid.size - 1)] for k in (-1, 0, 1)
        )
        rise, fall = (before - middle) / 2, (after - middle) / 2
        return fraction * (1 - fraction) * (rise * (1 - fraction) - fall * fraction)


BEND = 41_400.0
"""Length over which `bent` varies, km/s."""


def bent(rng: np.random.Generator, flux: Array, grid: LogGrid, amount: float) -> Array:
    """Return spectra (n, bins) with a smooth error of `amount`, each a different one, float32."""
    return flux * np.exp(np.float32(amount) * smooth_field(NumpyDraws(rng), len(flux), grid, BEND))
