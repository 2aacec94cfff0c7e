"""Tables of instruments as arrays on a grid, with one row per instrument or per spectrum."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.instruments import (
    INSTRUMENTS,
    KNOT_WIDTH,
    Instrument,
    Knots,
    fractions,
)
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

STEP_WIDTH = 60.0
"""Width of the step in calibration at a seam, Angstrom."""

SKY_LINE_WIDTH = 0.8
"""Standard deviation of a sky line's excess of variance, in bins of `KNOT_WIDTH`."""

UNRESOLVED = 0.35
"""Line spreads with a smaller standard deviation, in bins, are ignored."""

Array = Any
"""A NumPy or JAX array: any object with `__array_namespace__`."""


class Tables(NamedTuple):
    """Properties of instruments: arrays with one row per instrument, or per spectrum.

    Attributes:
        sky: (n, bins), variance without source photons.
        photons: (n, bins), variance per unit of flux.
        inflation: (n, bins), true sigma over that of ivar.
        white: (n, 1), sigma of noise that is the same in all bins.
        scatter: (n, 2), of sigma in the natural log: below the median and above.
        ends: (n, 2, 2), mean and standard deviation of the excess noise at the two ends.
        coverage: (n, 2), first and last bin with a measurement.
        jitter: (n, 1), bins by which these vary.
        arm: (n, bins), index of the arm.
        arms: (n, 1), how many there are.
        steps: (n, seams, bins), a unit step at each seam; 0 where there are fewer.
        too_blue: (n, 1), fraction of spectra that are too blue.
        brightness: (n, 1), flux of targets relative to that of BOSS targets.
        spread: (n, bins, taps), the line spread: weights of neighboring bins by distance.
    """

    sky: Array
    photons: Array
    inflation: Array
    white: Array
    scatter: Array
    ends: Array
    coverage: Array
    jitter: Array
    arm: Array
    arms: Array
    steps: Array
    too_blue: Array
    brightness: Array
    spread: Array


@dataclass(frozen=True)
class Spectrographs:
    """Instruments of a survey on a grid.

    Attributes:
        share: name of each instrument -> fraction of the spectra that it observes.
        grid: the bins.
        tables: one row per instrument, in the order of `share`.
    """

    share: Mapping[str, float]
    grid: LogGrid
    tables: Tables

    @classmethod
    def of(cls, names: tuple[str, ...], grid: LogGrid) -> "Spectrographs":
        """Return the spectrographs of these names: see `instruments.fractions`."""
        return cls(fractions(names), grid, _tables(names, grid))

    def choose(self, uniform: Float[Any, " n"]) -> Int[Any, " n"]:
        """Return the index of each spectrum's instrument, from draws in [0, 1), (n,)."""
        xp = uniform.__array_namespace__()
        shares = np.cumsum(list(self.share.values()), dtype=np.float32)[:-1]
        return (uniform[:, None] >= xp.asarray(shares)[None]).sum(axis=1)

    def rows(self, which: Int[Any, " n"]) -> Tables:
        """Return the tables of the instruments `which` (n,), as the same kind of array."""
        xp = which.__array_namespace__()
        return Tables(*(xp.asarray(table)[which] for table in self.tables))


@cache
def _tables(names: tuple[str, ...], grid: LogGrid) -> Tables:
    """Return the rows of these instruments."""
    instruments = [INSTRUMENTS[name] for name in names]
    narrower = KNOT_WIDTH / grid.dloglam
    seams = max(len(instrument.seams) for instrument in instruments)
    taps = max(_taps(instrument, grid) for instrument in instruments)

    def of_each(value: Any, dtype: Any = np.float32) -> NDArray[Any]:
        return np.array([value(instrument) for instrument in instruments], dtype)

    def ends_of_coverage(instrument: Instrument) -> NDArray[np.int64]:
        bins = grid.bin_of(np.log10(np.array(instrument.coverage)))
        return np.clip(bins, -grid.size, 2 * grid.size)

    return Tables(
        sky=of_each(lambda i: narrower * _sky(i, grid)),
        photons=of_each(lambda i: narrower * at(i.photons, grid)),
        inflation=of_each(lambda i: at(i.inflation, grid)),
        white=of_each(lambda i: [np.median(list(i.sigma.values())) * narrower**0.5]),
        scatter=of_each(lambda i: i.scatter),
        ends=of_each(lambda i: i.ends),
        coverage=of_each(ends_of_coverage, np.int32),
        jitter=of_each(lambda i: [i.jitter / grid.bin_kms], np.float32),
        arm=of_each(lambda i: np.searchsorted(i.seams, grid.centers), np.int32),
        arms=of_each(lambda i: [len(i.arms)], np.int32),
        steps=of_each(lambda i: _steps(i.seams, seams, grid)),
        too_blue=of_each(lambda i: [i.too_blue]),
        brightness=of_each(lambda i: [i.brightness]),
        spread=of_each(lambda i: _spread(i, taps, grid)),
    )


def at(knots: Knots, grid: LogGrid) -> NDArray[np.float64]:
    """Return the value of knots in each bin, (bins,)."""
    return np.interp(grid.centers, list(knots), list(knots.values()))


def _sky(instrument: Instrument, grid: LogGrid) -> NDArray[np.float64]:
    """Return the variance of a bin of `KNOT_WIDTH` without source photons, (bins,)."""
    sky = at(instrument.sigma, grid) ** 2
    for name, factor in instrument.sky_lines.items():
        distance = (np.log10(REST[name]) - np.log10(grid.centers)) / KNOT_WIDTH
        sky *= 1 + (factor - 1) * np.exp(-0.5 * (distance / SKY_LINE_WIDTH) ** 2)
    return sky


def _steps(seams: tuple[float, ...], count: int, grid: LogGrid) -> NDArray[np.float64]:
    """Return a step from -1/2 to 1/2 at each seam, 0 for missing ones, (count, bins)."""
    steps = np.zeros((count, grid.size))
    for step, seam in zip(steps, seams, strict=False):
        step[:] = np.tanh((grid.centers - seam) / STEP_WIDTH) / 2
    return steps


def _sigma_bins(instrument: Instrument, grid: LogGrid) -> NDArray[np.float64]:
    """Return the standard deviation of the line spread in each bin, in bins, (bins,)."""
    fwhm = SPEED_OF_LIGHT / at(instrument.resolution, grid)
    return fwhm / np.sqrt(8 * np.log(2)) / grid.bin_kms


def _taps(instrument: Instrument, grid: LogGrid) -> int:
    """Return over how many bins on either side a bin's flux is spread, 0 where unresolved."""
    widest = float(_sigma_bins(instrument, grid).max())
    return 0 if widest < UNRESOLVED else int(np.ceil(3 * widest))


def _spread(instrument: Instrument, taps: int, grid: LogGrid) -> NDArray[np.float64]:
    """Return normal weights of the bins about each bin, of sum 1, (bins, 2 taps + 1)."""
    distance = np.arange(-taps, taps + 1)
    sigma = _sigma_bins(instrument, grid)[:, None]
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)
