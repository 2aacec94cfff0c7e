"""Starlight of galaxies: mixtures of photospheres, by age, with lines by metallicity.

A population is a mixture of photospheres of seven temperatures: cool stars have measured lines
(`population_lines`), and hot stars have the lines of `photospheres`. Spectra are tabulated on a
fine rest-frame grid, once for bins and once for native pixels, together with their derivatives by
the strengths of metal lines and of lines of Mg and Na. They are then looked up at any redshift.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import population_lines as table
from data_prep.mock.draws import log_normal
from data_prep.mock.photospheres import absorption, continuum, falling, planck
from data_prep.mock.profiles import Array, add_band, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

REST_GRID = LogGrid(start=1000.0, dloglam=2.5e-4, size=4110)
"""Grid of tabulated starlight for the survey's bins: to 10,654 Angstrom, 173 km/s."""

FINE_REST_GRID = LogGrid(start=1000.0, dloglam=1e-5, size=102_750)
"""The same for bins narrower than those of `REST_GRID`: 7 km/s, so that no feature moves."""

STARS, BIN = 180.0, 200.0
"""Widths (sigma) by which starlight is smoothed, km/s: the motions of stars, and a bin of the
survey. For narrower pixels, the instrument's resolution takes the place of the bin.
"""

COOL = len(table.TEMPERATURES)
"""Number of temperatures with measured lines."""

TEMPERATURES = (*table.TEMPERATURES, 9000.0, 20000.0)
"""Temperatures of the stars of a population: cool giants, giants, turn-off, F, A and B stars."""

# Fraction of the flux at 5500 Angstrom by temperature; a Dirichlet draw around it.
MIXTURES = {
    "old": (0.07, 0.38, 0.37, 0.10, 0.055, 0.02, 0.005),
    "intermediate": (0.07, 0.20, 0.25, 0.22, 0.13, 0.10, 0.03),
    "post-starburst": (0.05, 0.14, 0.18, 0.14, 0.10, 0.36, 0.03),
    "star-forming": (0.05, 0.12, 0.16, 0.14, 0.16, 0.22, 0.15),
    "compact blue": (0.02, 0.04, 0.07, 0.08, 0.10, 0.25, 0.44),
}

CONCENTRATION = 20.0
"""Concentration of the Dirichlet draw: a larger value makes galaxies of a kind more alike."""

METALS = {"old": 1.25, "intermediate": 1.1, "post-starburst": 1.0, "star-forming": 0.9,
          "compact blue": 0.7}  # fmt: skip
"""Strength of the lines of metals, 1 for solar metallicity: it grows with mass and age."""

METAL_SCATTER, LIGHT_SCATTER = 0.2, 0.25
"""Scatter of the strengths of metal lines, and the additional scatter of Mg and Na, natural log."""

GIANTS = 0.65
"""Strength of Mg and Na lines in populations relative to dwarfs: giants give most of the light."""

WIDTH, CALCIUM_WIDTH, WING_WIDTH = 110.0, 330.0, 1200.0
"""Widths (sigma) of tabulated lines, of Ca II H and K, and of the wings of these, km/s."""

AIR = 1.000277
"""Wavelength in vacuum over that in air, in the optical."""


def stellar_flux(
    rng: np.random.Generator, kind: NDArray[np.str_], z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Draw starlight alone, float32 (n, bins), about 1 at rest-frame 5500 Angstrom.

    Args:
        rng: of the scatter in mixture and line strengths.
        kind: (n,), keys of `MIXTURES`.
        z: (n,), redshift.
        grid: the bins.
    """
    narrow = grid.dloglam < REST_GRID.dloglam
    rest = FINE_REST_GRID if narrow else REST_GRID
    fractions = dirichlet(rng, CONCENTRATION * np.array([MIXTURES[name] for name in kind]))
    metals = np.array([METALS[name] for name in kind]) * log_normal(rng, len(z), 1, METAL_SCATTER)
    light = metals * log_normal(rng, len(z), GIANTS, LIGHT_SCATTER)
    metals, light = metals[:, None], light[:, None]
    cool = fractions[:, :COOL]
    amounts = np.hstack([fractions, cool * (metals - 1), cool * (light - 1)])
    fine = rest_bins(rest, z, grid)
    spectra = _populations(rest, 0.0 if narrow else BIN)
    flux = np.zeros(fine.shape, np.float32)
    if narrow:
        for amount, spectrum in zip(amounts.T.astype(np.float32), spectra, strict=True):
            flux += amount[:, None] * spectrum[fine]
    else:
        mixed: Array = amounts.astype(np.float32) @ spectra
        flux = np.take_along_axis(mixed, fine, axis=1)
    return np.maximum(flux, 0)


@cache
def _populations(rest: LogGrid, instrument: float) -> Array:
    """Return spectra of each temperature, and their derivatives by the strengths of lines.

    They are smoothed by the motions of stars and by the width of an instrument, km/s.

    Returns:
        float32 (7 + 2 * `COOL`, rest.size): the flux of each temperature; then, for the cool ones,
        its change if metal lines are 100% stronger, and its change if Mg and Na lines are.
    """
    metals, light, other = _depths(rest)
    flux = _continua(rest) * np.exp(-(metals + light + other))
    rows = np.concatenate([flux, -(metals * flux)[:COOL], -(light * flux)[:COOL]])
    return smoothed(rows, rest, float(np.hypot(STARS, instrument))).astype(np.float32)


def dirichlet(rng: np.random.Generator, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw fractions about positive or zero weights (n, parts), which add up to 1 in each row."""
    fractions = rng.gamma(weights + 1e-3)
    return fractions / fractions.sum(axis=1, keepdims=True)


def rest_bins(rest: LogGrid, z: NDArray[np.float64], grid: LogGrid) -> NDArray[np.int64]:
    """Return the bin of a rest-frame grid that each bin of `grid` shows at z (n,), (n, bins)."""
    return np.clip(rest.bin_of(np.log10(grid.centers / (1 + z[:, None]))), 0, rest.size - 1)


def smoothed(rows: Array, rest: LogGrid, width: float) -> NDArray[np.float64]:
    """Return `rows` (n, rest.size) convolved with a Gaussian of a width (sigma) in km/s."""
    reach = rest.bins(8 * REST_GRID.bin_kms)
    offsets = np.arange(-reach, reach + 1) * rest.dloglam * np.log(10) * SPEED_OF_LIGHT
    kernel = np.exp(-0.5 * (offsets / width) ** 2)
    kernel /= kernel.sum()
    return np.array([np.convolve(np.pad(row, reach, "edge"), kernel, "valid") for row in rows])


def _continua(rest: LogGrid) -> Array:
    """Return spectra without lines, 1 at 5500 Angstrom, float32 (temperatures, rest.size)."""
    temperature, wavelength = _photospheres(rest)
    flux = continuum(wavelength, temperature, np.ones_like(temperature))
    color, break_4000, break_4300 = np.array(table.CONTINUA, np.float32).T[:, :, None]
    wavelength = wavelength[:COOL]
    depth = break_4000 * falling(wavelength, 3985, 25) + break_4300 * falling(wavelength, 4300, 60)
    flux[:COOL] = planck(wavelength, color[:, 0]) * np.exp(-depth)
    return flux


def _depths(rest: LogGrid) -> tuple[Array, Array, Array]:
    """Return optical depths of metal lines, of Mg and Na lines, and of everything that is fixed.

    Each float32 (temperatures, rest.size).
    """
    temperature, wavelength = _photospheres(rest)
    ones = np.ones_like(temperature)
    is_hot = (np.arange(len(ones)) >= COOL).astype(np.float32)
    fixed = absorption(rest, wavelength, temperature, is_hot, ones, ones, ones, 0 * ones)
    metals, light = np.zeros_like(fixed), np.zeros_like(fixed)
    rows, at_rest = slice(COOL), np.zeros(COOL, np.float32)
    for air, widths in table.LINES.items():
        depth = light if air in table.LIGHT_ELEMENTS else metals
        strength = np.array(widths, np.float32)
        add_line(depth[rows], rest, air * AIR, strength, WIDTH, z=at_rest)
    k, h, wing = np.array(table.CALCIUM, np.float32).T
    for name, strength in (("CaII K", k), ("CaII H", h)):
        add_line(metals[rows], rest, REST[name], strength, CALCIUM_WIDTH, z=at_rest)
        add_line(metals[rows], rest, REST[name], wing, WING_WIDTH, z=at_rest)
    for depth, (head, tail, depths) in zip((metals, light), table.HYDRIDE_BANDS, strict=True):
        add_band(depth[rows], wavelength[rows], head, np.array(depths, np.float32), tail)
    return metals, light, fixed


def _photospheres(rest: LogGrid) -> tuple[Array, Array]:
    """Return temperatures (t,) and, for each, the wavelengths of the grid (t, rest.size)."""
    temperature = np.array(TEMPERATURES, np.float32)
    return temperature, np.broadcast_to(
        rest.centers.astype(np.float32), (len(temperature), rest.size)
    )
