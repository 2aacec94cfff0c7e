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
from data_prep.mock.carbon_stars import carbon_giants, carbon_stars
from data_prep.mock.cataclysmic import cataclysmic, dwarf_novae, polars
from data_prep.mock.cool_stars import cool, flaring, l_dwarfs, m_subdwarfs
from data_prep.mock.draws import log_uniform
from data_prep.mock.empirical import Bank, bent
from data_prep.mock.giants import giants, low_gravity
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.normal_stars import normal_stars, velocities
from data_prep.mock.profiles import Array, add_line
from data_prep.mock.rare_white_dwarfs import rare_white_dwarfs
from data_prep.mock.white_dwarfs import white_dwarfs
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import BALMER, REST, SPEED_OF_LIGHT

EMPIRICAL = 0.65
"""Fraction of stars of kinds with templates that are drawn from these: some 42% of all stars."""

FEWEST = 5
"""Least number of templates of a kind, so that no template is used for too many stars."""


def stars(
    rng: np.random.Generator, n: int, grid: LogGrid, ingredients: Ingredients = EVERYTHING
) -> tuple[Array, Array]:
    """Draw noise-free spectra of stars, float32 (n, bins), per unit wavelength, arbitrary scale.

    Returns:
        the spectra, and magnitudes (n,), NaN where those of the whole survey apply.
    """
    kinds = list(all_kinds(ingredients).values())
    kind_of = rng.choice(len(kinds), n, p=[kind.fraction for kind in kinds])
    flux, magnitude = np.zeros((n, grid.size), np.float32), np.full(n, np.nan)
    bank = ingredients.bank("STAR")
    for i, kind in enumerate(kinds):
        rows = np.flatnonzero(kind_of == i)
        if len(rows) == 0:
            continue
        flux[rows] = kind.draw(rng, len(rows), grid)
        if kind.bright is not None:
            magnitude[rows] = rng.uniform(*kind.bright, len(rows))
        if bank is not None:
            held = np.flatnonzero([name.startswith(kind.types) for name in bank.subtype])
            observed = rows[rng.random(len(rows)) < EMPIRICAL]
            if len(held) >= FEWEST:
                chosen = rng.choice(held, len(observed))
                flux[observed] = template_flux(rng, bank, chosen, grid)
        if kind.veil is not None:
            flux[rows] = kind.veil(rng, flux[rows], grid)
    reddening = rng.exponential(0.05, n) + (rng.random(n) < 0.08) * rng.exponential(0.35, n)
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), flux.shape)
    passed = dust.dimming(dust.milky_way(wavelength), reddening.astype(np.float32))
    return flux * passed, magnitude


def template_flux(
    rng: np.random.Generator, bank: Bank, rows: NDArray[np.int64], grid: LogGrid
) -> Array:
    """Templates `rows` (n,) of `bank`, moving, and bent by a few percent, float32 (n, bins)."""
    return bent(rng, bank.seen(rows, velocities(rng, len(rows)) / SPEED_OF_LIGHT, grid), grid, 0.04)


def _halo(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = np.clip(rng.normal(7300, 1100, n), 5700, 11500)
    return normal_stars(rng, grid, temperature, 10 ** rng.uniform(-1.2, 0.05, n))


def _hot(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    gravity = rng.choice([1.0, 1.6], n)
    temperature = log_uniform(rng, n, 10000, 45000)
    return normal_stars(rng, grid, temperature, np.ones(n), 1.2, gravity)


def _emission(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw B and A stars with a disk: Balmer emission, steep decrement, no forbidden lines."""
    temperature, velocity = log_uniform(rng, n, 8500, 30000), velocities(rng, n)
    z = velocity / SPEED_OF_LIGHT
    flux = normal_stars(rng, grid, temperature, np.ones(n), velocity=velocity)
    halpha, decline = log_uniform(rng, n, 4, 60), rng.uniform(0.12, 0.35, n)
    emission, width = np.zeros_like(flux), log_uniform(rng, n, 90, 300)
    for i, name in enumerate(BALMER[:4]):
        add_line(emission, grid, REST[name], halpha * decline**i, width, z=z)
    return flux * (1 + emission)


def _warm(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = log_uniform(rng, n, 4200, 6200)
    return normal_stars(rng, grid, temperature, 10 ** rng.uniform(-1.0, 0.4, n))


def _binary(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    hot, companion = white_dwarfs(rng, n, grid), cool(rng, n, grid)
    where = np.argmin(np.abs(grid.centers - 7500))
    ratio = log_uniform(rng, n, 0.2, 4) * hot[:, where] / np.maximum(companion[:, where], 1e-9)
    return hot + ratio[:, None] * companion


Draw = Callable[[np.random.Generator, int, LogGrid], Array]
Veil = Callable[[np.random.Generator, Array, LogGrid], Array]


class Kind(NamedTuple):
    """A kind of star.

    Attributes:
        fraction: of all stars.
        draw: draws n noise-free spectra of this kind.
        types: beginnings of the template subtypes of such stars.
        veil: turns spectra (n, bins) of normal stars of these types into this kind; None if they
            are of this kind already.
        bright: range of i magnitudes; None for those of the whole survey.
    """

    fraction: float
    draw: Draw
    types: tuple[str, ...] = ()
    veil: Veil | None = None
    bright: tuple[float, float] | None = None


KINDS = {
    "halo": Kind(0.26, _halo, ("A", "F")),  # A and F, metal-poor
    "hot": Kind(0.06, _hot, ("O", "B")),  # O and B, blue horizontal branch, sdB and sdO
    "warm": Kind(0.20, _warm, ("G", "K")),  # G and K
    "cool": Kind(0.16, cool, ("M", "L")),  # late K, M and L
    "white dwarf": Kind(0.18, white_dwarfs, ("WD",)),
    "carbon": Kind(0.04, carbon_stars, ("Carbon",)),
    "binary": Kind(0.05, _binary),  # white dwarf and M dwarf
    "cataclysmic": Kind(0.05, cataclysmic, ("CV",)),
}

RARE = {
    "giant": Kind(0.12, giants, ("G", "K"), low_gravity, (13.5, 20.0)),
    "carbon giant": Kind(0.02, carbon_giants),
    "emission-line": Kind(0.005, _emission),
    "L dwarf": Kind(0.02, l_dwarfs, ("L",)),
    "M subdwarf": Kind(0.015, m_subdwarfs),
    "flaring": Kind(0.01, flaring),
    "rare white dwarf": Kind(0.03, rare_white_dwarfs),
    "polar": Kind(0.01, polars),
    "dwarf nova": Kind(0.01, dwarf_novae),
}
"""Kinds that "wide range" adds, with fractions of all stars; the remaining stars are of `KINDS`."""


def all_kinds(ingredients: Ingredients) -> dict[str, Kind]:
    """Return the kinds of a survey; their fractions add up to 1."""
    rare = RARE if ingredients.has("wide range") else {}
    rest = 1 - sum(kind.fraction for kind in rare.values())
    common = {name: k._replace(fraction=k.fraction * rest) for name, k in KINDS.items()}
    return common | rare
