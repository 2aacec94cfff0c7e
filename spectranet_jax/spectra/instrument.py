"""A model of telescope, spectrograph and pipeline: from noise-free spectra to observed ones.

Works on NumPy and JAX arrays alike, as `spectra.noise` does: the same code writes a mock survey to
disk and gives every compiled training step fresh noise on the same noise-free spectra. Lengths are
velocities, so that a spectrum has the same errors on any grid.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Shaped

from spectranet_jax.spectra import noise
from spectranet_jax.spectra.grid import LogGrid

Array = Any
"""A NumPy or JAX array: any object with `__array_namespace__`."""

SMOOTH, ROUGH = 6900.0, 690.0
"""Lengths over which smooth and pixel-to-pixel errors vary, km/s."""

DICHROIC = 6050.0
"""The wavelength at which the blue arm hands over to the red one, Angstrom."""

LEGACY_FRACTION, LEGACY_COVERAGE = 0.15, (3815.0, 9200.0)
"""Fraction of spectra with the coverage of SDSS-I/II, and that coverage, Angstrom."""

EFFECTS = ("calibration", "sky", "noise", "glitches", "masks")
"""The effects that `observe` applies, in this order, unless they are left out."""


@runtime_checkable
class Draws(Protocol):
    """A source of random numbers that never repeats itself."""

    def normal(self, *shape: int) -> Array:
        """Standard normal, float32."""

    def uniform(self, *shape: int) -> Array:
        """Uniform in [0, 1), float32."""


def observe(
    draws: Draws,
    noise_free: Float[Any, "n bins"],
    grid: LogGrid,
    effects: tuple[str, ...] = EFFECTS,
) -> tuple[Float[Any, "n bins"], Float[Any, "n bins"]]:
    """Observe noise-free spectra as a survey would.

    Args:
        draws: of everything that differs from one observation to the next.
        noise_free: (n, bins) float32, 1e-17 erg/s/cm^2/Angstrom.
        grid: the bins.
        effects: those of `EFFECTS` to apply; without "noise" white noise of one level in all bins
            takes its place, since a spectrum without any has no ivar.

    Returns:
        flux and ivar, both (n, bins) float32, 0 where there is no measurement.
    """
    xp = noise_free.__array_namespace__()
    n = len(noise_free)
    flux = miscalibrate(draws, noise_free, grid) if "calibration" in effects else noise_free
    level = noise_level(draws, n, grid)
    if "sky" in effects:
        flux = sky_residual(draws, flux, level, grid)
    normals = draws.normal(n, grid.size)
    if "noise" in effects:
        flux, ivar = noise.observe(flux, level, normals, grid)
    else:
        sigma = noise.MEDIAN_SIGMA * (noise.KNOT_WIDTH / grid.dloglam) ** 0.5
        middle = xp.full_like(flux, sigma) * level[:, grid.size // 2, None]
        flux, ivar = flux + middle * normals, 1 / middle**2
    if "glitches" in effects:
        flux = glitches(draws, flux, 1 / xp.sqrt(ivar), grid)
    if "masks" in effects:
        empty = masks(draws, n, grid)
        flux, ivar = xp.where(empty, 0, flux), xp.where(empty, 0, ivar)
    return flux.astype(np.float32), ivar.astype(np.float32)


def smooth_field(
    draws: Draws, n: int, grid: LogGrid, length: float = SMOOTH
) -> Shaped[Any, "n bins"]:
    """Return a normal field that varies over `length` km/s, float32 (n, bins): linear between
    knots.
    """
    scale = grid.bins(length)
    coarse = draws.normal(n, grid.size // scale + 3)
    position = np.arange(grid.size) / scale
    left = position.astype(np.int64)
    fraction = (position - left).astype(np.float32)[None]
    return coarse[:, left] * (1 - fraction) + coarse[:, left + 1] * fraction


def rough_field(draw: Callable[..., Array], n: int, grid: LogGrid) -> Shaped[Any, "n bins"]:
    """Return random numbers that are equal within `ROUGH` km/s, float32 (n, bins)."""
    scale = grid.bins(ROUGH)
    if scale == 1:
        return draw(n, grid.size)
    return draw(n, -(-grid.size // scale))[:, np.arange(grid.size) // scale]


def miscalibrate(draws: Draws, flux: Float[Any, "n bins"], grid: LogGrid) -> Float[Any, "n bins"]:
    """Return flux with calibration errors, float32 (n, bins).

    A tilt and a curvature over the whole range, more of both at the blue end, a step at the
    dichroic, a bend at the red end, and a mottle of 1% that bounds any S/N. Half of the fibers are
    centered for 4000 Angstrom, as those of BOSS quasar targets, while standard stars are not:
    atmospheric dispersion then makes spectra too blue (Margala et al. 2016, ApJ 831, 157).
    """
    xp = flux.__array_namespace__()
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
    ).astype(np.float32)
    scatter = np.array([[0.12, 0.07, 0.025, 0.18, 0.24, 0.03]], np.float32)
    # A wide tail: the size of the errors itself varies by a factor from spectrum to spectrum.
    amount = draws.normal(n, len(shapes)) * scatter * xp.exp(0.35 * draws.normal(n, len(shapes)))
    too_blue = (draws.uniform(n, 1) < 0.5) * 0.07 * _exponential(draws, n, 4).sum(1, keepdims=True)
    smooth = amount @ xp.asarray(shapes) - too_blue * shapes[:1]
    mottle = 0.01 * rough_field(draws.normal, n, grid) + 0.012 * smooth_field(draws, n, grid)
    return flux * xp.exp(xp.clip(smooth, -1.5, 1.5)) * (1 + mottle)


def sky_residual(
    draws: Draws, flux: Float[Any, "n bins"], level: Float[Any, "n #bins"], grid: LogGrid
) -> Float[Any, "n bins"]:
    """Return flux with residuals of sky subtraction, float32 (n, bins), smooth over `SMOOTH`."""
    xp = flux.__array_namespace__()
    sigma = xp.sqrt(noise.variance(xp.zeros_like(flux), level, grid))
    amount = 0.25 * xp.exp(0.7 * draws.normal(len(flux), 1))
    # The residual of a bin of `KNOT_WIDTH`: unlike noise, it does not average out in wider bins.
    sigma *= np.float32((grid.dloglam / noise.KNOT_WIDTH) ** 0.5)
    return flux + amount * sigma * smooth_field(draws, len(flux), grid)


def noise_level(draws: Draws, n: int, grid: LogGrid) -> Float[Any, "n bins"]:
    """Return the sigma of each bin relative to the median spectrum's, float32 (n, bins).

    It is a factor per spectrum; a blue and a red end that differ from plate to plate (0.6 to 1.1
    and 1 to 1.8 in five plates); a few percent over `ROUGH`, where pixels were rejected.
    """
    x = np.linspace(0, 1, grid.size)
    ends = np.stack([np.ones_like(x), np.exp(-x / 0.1), np.exp((x - 1) / 0.1)]).astype(np.float32)
    scatter = np.array([[noise.LEVEL_SCATTER, 0.2, 0.3]], np.float32)
    amount = draws.normal(n, 3) * scatter + np.array([[0, -0.15, 0.2]], np.float32)
    xp = amount.__array_namespace__()
    jitter = 0.03 * rough_field(draws.normal, n, grid) + 0.05 * smooth_field(draws, n, grid)
    return xp.exp(amount @ xp.asarray(ends) + jitter)


def masks(draws: Draws, n: int, grid: LogGrid) -> Shaped[Any, "n bins"]:
    """Return the mask of bins without measurement, bool (n, bins).

    Stretches of `ROUGH` (0.1%), the blank ends of SDSS-I/II, now and then a gap of up to 28,000
    km/s, and rarely a whole arm.
    """
    rough = grid.bins(ROUGH)
    column = np.arange(grid.size)[None]
    empty = rough_field(draws.uniform, n, grid) < 0.001
    empty = empty | ((draws.uniform(n, 1) < 0.3) & (column < rough))
    legacy = draws.uniform(n, 1) < LEGACY_FRACTION
    first, last = grid.bin_of(np.log10(np.array(LEGACY_COVERAGE)))
    jitter = rough * ((7 * draws.uniform(n, 2)).astype(np.int32) - 3)  # 2,070 km/s either way
    empty = empty | (legacy & ((column < first + jitter[:, :1]) | (column > last + jitter[:, 1:])))
    start, length = grid.size * draws.uniform(n, 1), rough * (5 + 36 * draws.uniform(n, 1))
    in_gap = (column >= start) & (column < start + length)
    empty = empty | ((draws.uniform(n, 1) < 0.03) & in_gap)
    blue, lost = draws.uniform(n, 1) < 0.5, draws.uniform(n, 1) < 0.003
    return empty | (lost & ((grid.centers < DICHROIC)[None] == blue))


def glitches(
    draws: Draws, flux: Float[Any, "n bins"], sigma: Float[Any, "n bins"], grid: LogGrid
) -> Float[Any, "n bins"]:
    """Return flux with cosmic rays that survived co-addition, one per 860,000 km/s, float32.

    They are narrower than a bin, so that in a narrower bin there are fewer of them, and each stands
    out of the noise by more.
    """
    narrower = noise.KNOT_WIDTH / grid.dloglam
    hit = draws.uniform(*flux.shape) < 0.0008 / narrower
    return flux + hit * sigma * np.float32(6 * narrower**0.5) * _exponential(draws, *flux.shape)


def _exponential(draws: Draws, *shape: int) -> Array:
    """Exponential with mean 1, float32."""
    uniform = draws.uniform(*shape)
    return -uniform.__array_namespace__().log1p(-uniform)
