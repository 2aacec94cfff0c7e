"""Stars: the main sequence and giants from O to L, subdwarfs, white dwarfs, carbon stars, binaries
with a white dwarf, and cataclysmic variables.

The proportions are those of objects that quasar surveys target by mistake (hot, metal-poor A and F
stars, white dwarfs, M dwarfs), widened to include a general survey's stars.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import dust
from data_prep.mock.draws import NumpyDraws, log_normal, log_uniform
from data_prep.mock.empirical import Bank, bent
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.photospheres import SWAN, absorption, continuum, planck
from data_prep.mock.profiles import Array, add_band, add_line
from data_prep.mock.white_dwarfs import HELIUM_LINES, white_dwarfs
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.instrument import smooth_field
from spectranet_jax.spectra.lines import BALMER, REST, SPEED_OF_LIGHT

RED_CYANOGEN = ((5730, 60, 0.2), (6332, 80, 0.2), (6926, 90, 0.35), (7088, 70, 0.25),
                (7876, 110, 0.5), (8067, 90, 0.3), (9141, 130, 0.5))  # fmt: skip
BLUE_CYANOGEN = ((3884, -90, 1.2), (4217, -80, 0.9))


EMPIRICAL = 0.65
"""Fraction of stars of kinds with templates that are drawn from these: half of all stars."""

FEWEST = 5
"""Templates that a kind must have, so that no single one stands for many stars."""


def stars(
    rng: np.random.Generator, n: int, grid: LogGrid, ingredients: Ingredients = EVERYTHING
) -> Array:
    """Draw noise-free spectra of stars, float32 (n, bins), per unit wavelength, arbitrary scale."""
    fractions = np.array([kind.fraction for kind in KINDS.values()])
    kinds = rng.choice(len(KINDS), n, p=fractions)
    flux = np.zeros((n, grid.size), np.float32)
    for i, kind in enumerate(KINDS.values()):
        rows = np.flatnonzero(kinds == i)
        if len(rows):
            flux[rows] = kind.draw(rng, len(rows), grid)
    if (bank := ingredients.bank("STAR")) is not None:
        for i, kind in enumerate(KINDS.values()):
            held = np.flatnonzero([name.startswith(kind.types) for name in bank.subtype])
            rows = np.flatnonzero((kinds == i) & (rng.random(n) < EMPIRICAL))
            if len(held) >= FEWEST:
                flux[rows] = template_flux(rng, bank, rng.choice(held, len(rows)), grid)
    reddening = rng.exponential(0.05, n) + (rng.random(n) < 0.08) * rng.exponential(0.35, n)
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), flux.shape)
    return flux * dust.dimming(dust.milky_way(wavelength), reddening.astype(np.float32))


def template_flux(
    rng: np.random.Generator, bank: Bank, rows: NDArray[np.int64], grid: LogGrid
) -> Array:
    """Templates `rows` (n,) of `bank`, moving, and bent by a few percent, float32 (n, bins)."""
    return bent(rng, bank.seen(rows, _velocity(rng, len(rows)) / SPEED_OF_LIGHT, grid), grid, 0.04)


def _velocity(rng: np.random.Generator, n: int) -> Array:
    """Draw radial velocities of halo and disk stars, km/s, float32 (n,)."""
    return (rng.normal(0, 120, n)).astype(np.float32)


def _rest(grid: LogGrid, velocity: Array) -> Array:
    """Return wavelengths in the star's frame, float32 (n, bins)."""
    beta = 1 + velocity[:, None] / SPEED_OF_LIGHT
    return (grid.centers / beta).astype(np.float32)


def _normal_stars(
    rng: np.random.Generator,
    grid: LogGrid,
    temperature: Array,
    metals: Array,
    hydrogen: float = 1.0,
    gravity: Array | float = 1.0,
) -> Array:
    """Draw photospheres with scatter in each family of lines, float32 (n, bins)."""
    n = len(temperature)
    temperature, metals = temperature.astype(np.float32), metals.astype(np.float32)
    velocity = _velocity(rng, n)
    wavelength = _rest(grid, velocity)
    depth = absorption(
        grid,
        wavelength,
        temperature,
        metals,
        log_normal(rng, n, 1, 0.2) * np.float32(hydrogen),
        log_normal(rng, n, 1, 0.2) * metals**0.5,
        (log_normal(rng, n, 1, 0.15) * gravity).astype(np.float32),
        velocity,
    )
    # Lines and bands of real stars differ by more than one factor.
    depth *= np.exp(0.2 * smooth_field(NumpyDraws(rng), n, grid))
    color = temperature * log_normal(rng, n, 1, 0.05)  # colors and lines never agree better
    return continuum(wavelength, color, metals) * np.exp(-depth)


def _halo(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = np.clip(rng.normal(7300, 1100, n), 5700, 11500)
    return _normal_stars(rng, grid, temperature, 10 ** rng.uniform(-1.2, 0.05, n))


def _hot(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    gravity = rng.choice([1.0, 1.6], n)
    temperature = log_uniform(rng, n, 10000, 45000)
    return _normal_stars(rng, grid, temperature, np.ones(n), 1.2, gravity)


def _warm(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = log_uniform(rng, n, 4200, 6200)
    return _normal_stars(rng, grid, temperature, 10 ** rng.uniform(-1.0, 0.4, n))


def _cool(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = np.where(
        rng.random(n) < 0.1, rng.uniform(1700, 2300, n), rng.triangular(2300, 3300, 4400, n)
    )
    flux = _normal_stars(rng, grid, temperature, 10 ** rng.uniform(-0.4, 0.2, n))
    emission = np.zeros_like(flux)
    active = (rng.random(n) < 0.3) * log_uniform(rng, n, 0.7, 10)
    for name, ratio in zip(BALMER[:3], (1.0, 0.5, 0.3), strict=True):
        add_line(emission, grid, REST[name], active * ratio, 130)
    return flux * (1 + emission)


def _carbon(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = rng.uniform(3500, 5500, n).astype(np.float32)
    velocity = _velocity(rng, n)
    wavelength = _rest(grid, velocity)
    flux = _normal_stars(rng, grid, np.maximum(temperature, 4300), 0.5 * log_normal(rng, n, 1, 0.5))
    flux *= planck(wavelength, temperature) / planck(wavelength, np.maximum(temperature, 4300))
    depth = np.zeros_like(flux)
    swan, red, blue = (log_uniform(rng, n, 0.15, top) for top in (1.6, 1.2, 2.5))
    for strength, bands in ((swan, SWAN), (red, RED_CYANOGEN), (blue, BLUE_CYANOGEN)):
        for head, tail, full in bands:
            add_band(depth, wavelength, head, full * strength, tail)
    return flux * np.exp(-depth)


def _binary(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    hot, cool = white_dwarfs(rng, n, grid), _cool(rng, n, grid)
    where = np.argmin(np.abs(grid.centers - 7500))
    ratio = log_uniform(rng, n, 0.2, 4) * hot[:, where] / np.maximum(cool[:, where], 1e-9)
    return hot + ratio[:, None] * cool


def _cataclysmic(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw disks with emission of hydrogen and helium, often double, over the donor star."""
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), (n, grid.size))
    slope = rng.uniform(-3, 0.2, (n, 1)).astype(np.float32)
    disk = (wavelength / 5500) ** slope
    z, width = _velocity(rng, n) / np.float32(SPEED_OF_LIGHT), log_uniform(rng, n, 250, 1100)
    separation = (rng.random(n) < 0.4) * 0.9 * width / np.float32(SPEED_OF_LIGHT)
    hydrogen, decline = log_uniform(rng, n, 4, 130), rng.uniform(0.5, 1, n)
    helium, ion = log_uniform(rng, n, 0.05, 0.4), log_uniform(rng, n, 0.02, 0.6)
    lines = dict(zip(BALMER[:7], hydrogen * decline ** np.arange(7)[:, None], strict=True))
    lines |= {name: hydrogen * helium * HELIUM_LINES[name] / 1.5
              for name in ("HeI 4473", "HeI 5017", "HeI 5877", "HeI 6680", "HeI 7067")}  # fmt: skip
    lines |= {"HeII 4686": hydrogen * ion, "CaII 8544": hydrogen * helium * 0.4}
    emission = np.zeros_like(disk)
    for name, strength in lines.items():
        for side in (-1, 1):
            add_line(emission, grid, REST[name], strength / 2, width, z=z + side * separation)
    companion = _cool(rng, n, grid)
    where = np.argmin(np.abs(grid.centers - 8000))
    companion *= (1 / np.maximum(companion[:, where], 1e-9))[:, None]
    amount = (rng.random((n, 1)) < 0.4) * rng.uniform(0.05, 1.5, (n, 1))
    return disk * (1 + emission) + disk[:, [where]] * amount.astype(np.float32) * companion


class Kind(NamedTuple):
    """A kind of star: its fraction of all, the function that draws n noise-free spectra of it, and
    the beginnings of the template subtypes of such stars.
    """

    fraction: float
    draw: Callable[[np.random.Generator, int, LogGrid], Array]
    types: tuple[str, ...] = ()


KINDS = {
    "halo": Kind(0.26, _halo, ("A", "F")),  # A and F, metal-poor
    "hot": Kind(0.06, _hot, ("O", "B")),  # O and B, blue horizontal branch, sdB and sdO
    "warm": Kind(0.20, _warm, ("G", "K")),  # G and K
    "cool": Kind(0.16, _cool, ("M", "L")),  # late K, M and L
    "white dwarf": Kind(0.18, white_dwarfs, ("WD",)),
    "carbon": Kind(0.04, _carbon, ("Carbon",)),
    "binary": Kind(0.05, _binary),  # white dwarf and M dwarf
    "cataclysmic": Kind(0.05, _cataclysmic, ("CV",)),
}
