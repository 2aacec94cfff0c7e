"""What telescope, spectrograph and pipeline do to a spectrum, the white noise apart."""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import smooth_field
from data_prep.mock.profiles import Array
from spectranet_jax.spectra import noise
from spectranet_jax.spectra.grid import LogGrid

DICHROIC = 6050.0
"""Where the blue arm hands over to the red one, Angstrom."""

LEGACY_SHARE, LEGACY_COVERAGE = 0.15, (3815.0, 9200.0)
"""Share of spectra with the coverage of SDSS-I/II, and that coverage, Angstrom."""


def miscalibrate(rng: np.random.Generator, flux: Array, grid: LogGrid) -> Array:
    """Flux with the errors of its calibration, float32 (n, bins).

    A tilt and a curvature over the whole range, more of both at the blue end, a step at the
    dichroic, a bend at the red end, and a mottle of 1% that bounds any S/N. Half of the fibers are
    centered for 4000 Angstrom, as those of BOSS quasar targets, while standard stars are not:
    atmospheric dispersion then makes spectra too blue (Margala et al. 2016, ApJ 831, 157).
    """
    n = len(flux)
    x = np.linspace(-1, 1, grid.size)
    shapes = np.stack(
        [
            x,
            x**2 - 1 / 3,
            np.sin(np.pi * 2 * x),
            np.exp(-(x + 1) / 0.12),
            np.exp((x - 1) / 0.06),
            np.tanh((grid.centers - DICHROIC) / 60) / 2,
        ]
    )
    scatter = np.array([0.10, 0.06, 0.02, 0.15, 0.20, 0.025])
    draws = rng.standard_t(5, (n, len(shapes))) * scatter
    draws[:, 0] -= (rng.random(n) < 0.5) * rng.gamma(4, 0.07, n)
    smooth = np.exp(np.clip(draws @ shapes, -1.5, 1.5)).astype(np.float32)
    mottle = 0.01 * rng.standard_normal(flux.shape, np.float32)
    mottle += 0.012 * smooth_field(rng, n, grid.size)
    return flux * smooth * (1 + mottle)


def sky_residual(rng: np.random.Generator, flux: Array, level: Array, grid: LogGrid) -> Array:
    """Flux with what a wrong sky level leaves, float32 (n, bins): smooth over some ten bins."""
    sigma = np.sqrt(noise.variance(np.zeros_like(flux), level, grid))
    amount = 0.25 * np.exp(rng.normal(0, 0.7, (len(flux), 1))).astype(np.float32)
    return flux + amount * sigma * smooth_field(rng, len(flux), grid.size)


def noise_level(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Sigma of each bin relative to the median spectrum's, float32 (n, bins).

    A factor a spectrum; a blue and a red end that differ from plate to plate (0.6 to 1.1 and 1 to
    1.8 in five plates); a few percent from bin to bin, where pixels were rejected.
    """
    x = np.linspace(0, 1, grid.size)
    ends = np.stack([np.ones_like(x), np.exp(-x / 0.1), np.exp((x - 1) / 0.1)])
    scatter = np.array([noise.LEVEL_SCATTER, 0.2, 0.3])
    draws = rng.normal(0, 1, (n, 3)) * scatter + np.array([0, -0.15, 0.2])
    jitter = 0.03 * rng.standard_normal((n, grid.size), np.float32)
    wave = 0.05 * smooth_field(rng, n, grid.size)
    return np.exp((draws @ ends).astype(np.float32) + jitter + wave)


def masks(rng: np.random.Generator, n: int, grid: LogGrid) -> NDArray[np.bool_]:
    """Bins without measurement, bool (n, bins).

    Single bins (0.1%), the blank ends of SDSS-I/II, now and then a gap of up to 40 bins, and rarely
    a whole arm.
    """
    column = np.arange(grid.size)
    empty = rng.random((n, grid.size), np.float32) < 0.001
    empty[:, 0] |= rng.random(n) < 0.3
    legacy = rng.random(n) < LEGACY_SHARE
    first, last = grid.bin_of(np.log10(np.array(LEGACY_COVERAGE)))
    start, stop = first + rng.integers(-3, 4, n), last + rng.integers(-3, 4, n)
    outside = (column < start[:, None]) | (column > stop[:, None])
    empty |= legacy[:, None] & outside
    gap, length = rng.integers(0, grid.size, n), rng.integers(5, 41, n)
    in_gap = (column >= gap[:, None]) & (column < (gap + length)[:, None])
    empty |= (rng.random(n) < 0.03)[:, None] & in_gap
    arm, lost = rng.random((n, 1)) < 0.5, rng.random((n, 1)) < 0.003
    return empty | (lost & ((grid.centers < DICHROIC) == arm))


def glitches(rng: np.random.Generator, flux: Array, sigma: Array) -> Array:
    """Flux with cosmic rays that survived the co-addition: a bin in a thousand, float32."""
    hit = rng.random(flux.shape, np.float32) < 0.0008
    return flux + hit * sigma * rng.exponential(6, flux.shape).astype(np.float32)
