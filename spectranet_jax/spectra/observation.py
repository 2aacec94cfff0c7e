"""A model of telescope, spectrograph and pipeline: from noise-free spectra to observed ones.

Works on NumPy and JAX arrays alike, as `spectra.noise` does: the same code writes a mock survey to
disk and gives every compiled training step fresh noise on the same noise-free spectra. Lengths are
velocities, so that a spectrum has the same errors on any grid.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from spectranet_jax.spectra import noise
from spectranet_jax.spectra.defects import defects, glitches, one_arm
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.instruments import KNOT_WIDTH
from spectranet_jax.spectra.random_fields import (
    ROUGH,
    Draws,
    exponential,
    rough_field,
    smooth_field,
)
from spectranet_jax.spectra.spectrographs import Spectrographs, Tables

UNLIT_FRACTION = 0.03
"""Fraction of spectra whose fiber gets no light of its object."""

EFFECTS = (
    "unlit", "resolution", "calibration", "sky", "noise", "glitches", "defects", "masks",
)  # fmt: skip
"""The effects that `observe` applies, in this order, unless they are left out."""

LOST_FRACTION = 0.006
"""Fraction of spectra in which one of the arms is missing."""

SCORED = tuple(name for name in EFFECTS if name != "unlit")
"""Effects on spectra that are scored. An unlit fiber contains no information on its object; a
network that is trained on a few of them learns to answer with its prior.
"""


def observe(
    draws: Draws,
    noise_free: Float[Any, "n bins"],
    spectrographs: Spectrographs,
    which: Int[Any, " n"],
    effects: tuple[str, ...] = EFFECTS,
) -> tuple[Float[Any, "n bins"], Float[Any, "n bins"]]:
    """Observe noise-free spectra as surveys would.

    Args:
        draws: of everything that differs from one observation to the next.
        noise_free: (n, bins) float32, 1e-17 erg/s/cm^2/Angstrom, as bright as targets of BOSS.
        spectrographs: the instruments of the survey.
        which: (n,), index of each spectrum's instrument.
        effects: those of `EFFECTS` to apply. Without "noise", white noise with the same sigma in
            all bins is added instead, because a spectrum without noise has no ivar.

    Returns:
        flux and ivar, both (n, bins) float32, 0 where there is no measurement.
    """
    xp, n, grid = noise_free.__array_namespace__(), len(noise_free), spectrographs.grid
    tables = spectrographs.rows(which)
    flux = noise_free * tables.brightness
    if "unlit" in effects:
        flux = flux * (draws.uniform(n, 1) >= UNLIT_FRACTION)
    if "resolution" in effects:
        flux = blur(flux, tables)
    if "calibration" in effects:
        flux = miscalibrate(draws, flux, tables, grid)
    level = noise_level(draws, n, tables, grid)
    if "sky" in effects:
        flux = sky_residual(draws, flux, level, tables, grid)
    normals = draws.normal(n, grid.size)
    if "noise" in effects:
        flux, ivar = noise.observe(flux, level, normals, tables)
    else:
        middle = xp.ones_like(flux) * tables.white * level[:, grid.size // 2, None]
        flux, ivar = flux + middle * normals, 1 / middle**2
    sigma = 1 / xp.sqrt(ivar)
    if "glitches" in effects:
        flux = glitches(draws, flux, sigma, grid)
    if "defects" in effects:
        flux = defects(draws, flux, sigma, tables, grid)
    if "masks" in effects:
        empty = masks(draws, n, tables, grid)
        flux, ivar = xp.where(empty, 0, flux), xp.where(empty, 0, ivar)
    return flux.astype(np.float32), ivar.astype(np.float32)


def blur(flux: Float[Any, "n bins"], tables: Tables) -> Float[Any, "n bins"]:
    """Return flux spread over neighboring bins by each instrument's resolution, (n, bins)."""
    taps = tables.spread.shape[-1] // 2
    if taps == 0:
        return flux
    xp = flux.__array_namespace__()
    padded = xp.concatenate([flux[:, :1]] * taps + [flux] + [flux[:, -1:]] * taps, axis=1)
    bins = flux.shape[1]
    total = xp.zeros_like(flux)
    for k in range(2 * taps + 1):
        total = total + tables.spread[:, :, k] * padded[:, k : k + bins]
    return total


def miscalibrate(
    draws: Draws, flux: Float[Any, "n bins"], tables: Tables, grid: LogGrid
) -> Float[Any, "n bins"]:
    """Return flux with calibration errors, float32 (n, bins).

    The errors are a tilt and a curvature over the whole range, bends at the blue and the red end, a
    step where arms meet, and a mottle of 1% that limits the S/N. If an instrument centers fibers
    for light of 4000 Angstrom, but not those of standard stars, atmospheric dispersion makes a part
    of the spectra too blue (Margala et al. 2016, ApJ 831, 157).
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
        ]
    ).astype(np.float32)
    scatter = np.array([[0.12, 0.07, 0.025, 0.18, 0.24]], np.float32)
    # A wide tail: the scatter of the errors itself varies from spectrum to spectrum.
    amount = draws.normal(n, len(shapes)) * scatter * xp.exp(0.35 * draws.normal(n, len(shapes)))
    too_blue = draws.uniform(n, 1) < tables.too_blue
    too_blue = too_blue * 0.07 * exponential(draws, n, 4).sum(1, keepdims=True)
    smooth = amount @ xp.asarray(shapes) - too_blue * shapes[:1]
    for seam in range(tables.steps.shape[1]):
        smooth = smooth + 0.03 * draws.normal(n, 1) * tables.steps[:, seam]
    mottle = 0.01 * rough_field(draws.normal, n, grid) + 0.012 * smooth_field(draws, n, grid)
    return flux * xp.exp(xp.clip(smooth, -1.5, 1.5)) * (1 + mottle)


def sky_residual(
    draws: Draws,
    flux: Float[Any, "n bins"],
    level: Float[Any, "n #bins"],
    tables: Tables,
    grid: LogGrid,
) -> Float[Any, "n bins"]:
    """Return flux with residuals of sky subtraction, float32 (n, bins), smooth over `SMOOTH`."""
    xp = flux.__array_namespace__()
    sigma = xp.sqrt(noise.variance(xp.zeros_like(flux), level, tables))
    amount = 0.25 * xp.exp(0.7 * draws.normal(len(flux), 1))
    # The residual of a bin of `KNOT_WIDTH`: unlike noise, it does not average out in wider bins.
    sigma *= np.float32((grid.dloglam / KNOT_WIDTH) ** 0.5)
    return flux + amount * sigma * smooth_field(draws, len(flux), grid)


def noise_level(draws: Draws, n: int, tables: Tables, grid: LogGrid) -> Float[Any, "n bins"]:
    """Return the sigma of each bin relative to the median spectrum's, float32 (n, bins).

    It is the product of a factor per spectrum, factors at the blue and the red end that differ from
    plate to plate, and a scatter of a few percent over `ROUGH`, where pixels were rejected.
    """
    x = np.linspace(0, 1, grid.size)
    ends = np.stack([np.exp(-x / 0.1), np.exp((x - 1) / 0.1)]).astype(np.float32)
    whole = draws.normal(n, 1)
    xp = whole.__array_namespace__()
    whole = whole * xp.where(whole < 0, tables.scatter[:, :1], tables.scatter[:, 1:])
    amount = tables.ends[:, :, 0] + tables.ends[:, :, 1] * draws.normal(n, 2)
    jitter = 0.03 * rough_field(draws.normal, n, grid) + 0.05 * smooth_field(draws, n, grid)
    return xp.exp(whole + amount @ xp.asarray(ends) + jitter)


def masks(draws: Draws, n: int, tables: Tables, grid: LogGrid) -> Shaped[Any, "n bins"]:
    """Return the mask of bins without measurement, bool (n, bins).

    Bins are masked where the instrument does not cover them, in stretches of `ROUGH` (0.1%), often
    in the first stretch, sometimes in a gap of up to 28,000 km/s, and rarely in a whole arm.
    """
    rough = grid.bins(ROUGH)
    column = np.arange(grid.size)[None]
    empty = rough_field(draws.uniform, n, grid) < 0.001
    empty = empty | ((draws.uniform(n, 1) < 0.3) & (column < rough))
    jitter = (tables.jitter * (2 * draws.uniform(n, 2) - 1)).round().astype(np.int32)
    ends = tables.coverage + jitter
    empty = empty | (column < ends[:, :1]) | (column > ends[:, 1:])
    start, length = grid.size * draws.uniform(n, 1), rough * (5 + 36 * draws.uniform(n, 1))
    in_gap = (column >= start) & (column < start + length)
    empty = empty | ((draws.uniform(n, 1) < 0.03) & in_gap)
    arm, lost = one_arm(draws, tables), draws.uniform(n, 1) < LOST_FRACTION
    return empty | (lost & arm)
