"""Galaxies: sums of stellar populations or observed spectra, with gas, dust and redshift.

Most are galaxies of a BOSS-like survey; `GROUPS` adds nearby, faint and metal-poor ones.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import dust
from data_prep.mock.active_galaxies import liners, seyferts
from data_prep.mock.doublets import add_named_line
from data_prep.mock.draws import log_uniform
from data_prep.mock.emission_galaxies import hii_galaxies, oxygen_emitters
from data_prep.mock.empirical import Bank, bent
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.profiles import Array
from data_prep.mock.starlight import starlight
from spectranet_jax.spectra.grid import LogGrid

FRACTIONS = {"old": 0.40, "intermediate": 0.15, "post-starburst": 0.04, "star-forming": 0.22,
          "compact blue": 0.19}  # fmt: skip
IONIZED = ("star-forming", "compact blue")
"""Kinds with emission lines."""

EMPIRICAL = 0.5
"""Fraction of galaxies drawn from templates."""

PASSIVE_BREAK = 1.5
"""D4000 above which a template stands for galaxies without young stars."""

NEARBY, NEARBY_OLD = 0.15, 0.35
"""Fraction of all galaxies, and of old ones, at redshifts up to 0.2."""


class Group(NamedTuple):
    """A group of galaxies with redshifts and magnitudes of its own.

    Attributes:
        fraction: of all galaxies.
        kinds: kind of galaxy -> its weight in the group.
        redshift: draws a redshift for each of n kinds.
        magnitude: draws n magnitudes, i band; None where those of the whole survey apply.
    """

    fraction: float
    kinds: Mapping[str, float]
    redshift: Callable[[np.random.Generator, NDArray[np.str_]], NDArray[np.float64]]
    magnitude: Callable[[np.random.Generator, int], Array] | None = None


def _common_redshifts(rng: np.random.Generator, kind: NDArray[np.str_]) -> NDArray[np.float64]:
    n = len(kind)
    z = np.select(
        [kind == "old", kind == "compact blue"],
        [rng.triangular(0.01, 0.5, 0.9, n), rng.power(0.6, n) * 1.4],
        rng.power(0.8, n) * 1.2,
    )
    near = rng.random(n) < np.where(kind == "old", NEARBY_OLD, NEARBY)
    return np.where(near, log_uniform(rng, n, 0.004, 0.2), np.maximum(z, 0.004))


def _hii_redshifts(rng: np.random.Generator, kind: NDArray[np.str_]) -> NDArray[np.float64]:
    n = len(kind)
    nearest, near = rng.uniform(NEAREST, 0.012, n), log_uniform(rng, n, 0.012, 0.15)
    part = rng.random(n)
    return np.select([part < 0.45, part < 0.8], [nearest, near], rng.uniform(0.15, 0.9, n))


NEAREST = -0.0012
"""Lowest redshift: some galaxies in the Local Group and Virgo approach us, by up to 360 km/s."""

COMMON = Group(1.0, FRACTIONS, _common_redshifts)

GROUPS = {
    "nearest": Group(
        0.03,
        {"old": 0.3, "intermediate": 0.15, "star-forming": 0.3, "compact blue": 0.25},
        lambda rng, kind: rng.uniform(NEAREST, 0.008, len(kind)),
        lambda rng, n: rng.uniform(13.5, 19, n),
    ),
    "bright": Group(
        0.03,
        FRACTIONS,
        lambda rng, kind: rng.triangular(0.01, 0.2, 0.6, len(kind)),
        lambda rng, n: rng.triangular(15.5, 19.2, 19.8, n),
    ),
    "luminous red": Group(
        0.05,
        {"old": 1.0},
        lambda rng, kind: rng.triangular(0.35, 0.85, 1.15, len(kind)),
        lambda rng, n: rng.triangular(19, 21.2, 22.3, n),
    ),
    "H II": Group(0.05, {"H II": 1.0}, _hii_redshifts, lambda rng, n: rng.uniform(15.5, 21.8, n)),
    "emission-line": Group(
        0.14,
        {"emission-line": 1.0},
        lambda rng, kind: rng.uniform(0.55, 1.65, len(kind)),
        lambda rng, n: rng.triangular(21, 23.2, 24.2, n),
    ),
    "active": Group(
        0.03,
        {"Seyfert 2": 0.5, "LINER": 0.5},
        lambda rng, kind: log_uniform(rng, len(kind), 0.005, 0.3).astype(np.float64),
        lambda rng, n: rng.uniform(14, 19.8, n),
    ),
}
"""What "wide range" adds to `COMMON`: DESI's bright, luminous red and emission-line galaxies (their
ranges after DESI Collaboration 2016, arXiv:1611.00036; cited from memory), and the nearest ones."""


class Emitter(NamedTuple):
    """A kind of galaxy known by its gas: the kind of its starlight, and what adds its lines."""

    stars: str
    draw: Callable[[np.random.Generator, Array, NDArray[np.float64], LogGrid], Array]


EMITTERS = {
    "H II": Emitter("compact blue", hii_galaxies),
    "emission-line": Emitter("compact blue", oxygen_emitters),
    "Seyfert 2": Emitter("intermediate", seyferts),
    "LINER": Emitter("old", liners),
}


def galaxies(
    rng: np.random.Generator, n: int, grid: LogGrid, ingredients: Ingredients = EVERYTHING
) -> tuple[Array, NDArray[np.float64], Array]:
    """Draw noise-free spectra (n, bins) per unit wavelength, any scale, redshifts and magnitudes.

    Magnitudes (n,) are NaN where those of the whole survey apply.
    """
    groups = GROUPS if ingredients.has("wide range") else {}
    fractions = [group.fraction for group in groups.values()]
    group_of = rng.choice(len(groups) + 1, n, p=[1 - sum(fractions), *fractions])
    kind, z, magnitude = np.full(n, "", "U16"), np.zeros(n), np.full(n, np.nan)
    for i, group in enumerate((COMMON, *groups.values())):
        rows = np.flatnonzero(group_of == i)
        names, weights = list(group.kinds), list(group.kinds.values())
        kind[rows] = np.array(names)[rng.choice(len(names), len(rows), p=weights)]
        z[rows] = group.redshift(rng, kind[rows])
        if group.magnitude is not None:
            magnitude[rows] = group.magnitude(rng, len(rows))
    return spectra(rng, kind, z, grid, ingredients), z, magnitude


def spectra(
    rng: np.random.Generator,
    kind: NDArray[np.str_],
    z: NDArray[np.float64],
    grid: LogGrid,
    ingredients: Ingredients = EVERYTHING,
) -> Array:
    """Draw spectra of galaxies of given kinds (n,) at z (n,), float32 (n, bins), any scale."""
    n, ionized = len(z), np.isin(kind, IONIZED)
    emitters = np.isin(kind, list(EMITTERS))
    stars = kind.copy()
    for name, emitter in EMITTERS.items():
        stars[kind == name] = emitter.stars
    flux = starlight(rng, stars, z, grid, ingredients)
    for name, emitter in EMITTERS.items():
        rows = np.flatnonzero(kind == name)
        flux[rows] = emitter.draw(rng, flux[rows], z[rows], grid)
    rows = np.flatnonzero(~emitters)
    flux[rows] += gas(rng, ionized[rows], flux[rows], z[rows], grid)
    if (bank := ingredients.bank("GALAXY")) is not None:
        rows = np.flatnonzero((rng.random(n) < EMPIRICAL) & ~emitters)
        template = template_flux(rng, bank, ionized[rows], z[rows], grid)
        flux[rows] = extended(template, flux[rows], bank, z[rows], grid)
    rest = (grid.centers / (1 + z[:, None])).astype(np.float32)
    reddening = rng.exponential(0.12, n) * (kind != "old") * (kind != "H II")
    return flux * dust.dimming(dust.milky_way(rest), reddening.astype(np.float32))


def extended(
    template: Array, flux: Array, bank: Bank, z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Return templates (n, bins), continued beyond their red end with scaled `flux` (n, bins)."""
    end = float(bank.grid.edges[-1]) * 0.999
    rest = grid.centers / (1 + z[:, None])
    beyond, before = rest > end, (rest > 0.98 * end) & (rest <= end)
    ratio = (template * before).sum(axis=1) / np.maximum((flux * before).sum(axis=1), 1e-9)
    return np.where(beyond, flux * ratio[:, None].astype(np.float32), template)


def template_flux(
    rng: np.random.Generator,
    bank: Bank,
    ionized: NDArray[np.bool_],
    z: NDArray[np.float64],
    grid: LogGrid,
) -> Array:
    """Draw templates of `bank` at redshifts z (n,), float32 (n, bins), each bent by a few percent.

    Where `ionized` (n,) is false, one with a strong break at 4000 Angstrom, if there are any.
    """
    passive = break_4000(bank) > PASSIVE_BREAK
    rows = rng.integers(0, len(bank), len(z))
    for chosen, wanted in ((passive, ~ionized), (~passive, ionized)):
        if chosen.any():
            rows[wanted] = rng.choice(np.flatnonzero(chosen), int(wanted.sum()))
    return bent(rng, bank.seen(rows, z, grid), grid, 0.04)


@cache
def break_4000(bank: Bank) -> Array:
    """Return D4000 of Balogh et al. (1999): mean f_nu of 4000-4100 over that of 3850-3950, (n,)."""
    rest = bank.grid.centers
    f_nu = bank.flux * rest**2
    red = f_nu[:, (rest > 4000) & (rest < 4100)].mean(axis=1)
    return red / np.maximum(f_nu[:, (rest > 3850) & (rest < 3950)].mean(axis=1), 1e-9)


def gas(
    rng: np.random.Generator,
    ionized: NDArray[np.bool_],
    flux: Array,
    z: NDArray[np.float64],
    grid: LogGrid,
) -> Array:
    """Draw emission lines, float32 (n, bins), in the unit of `flux`.

    Equivalent widths of H-alpha 5 to 600 Angstrom where `ionized`, below 8 elsewhere; line ratios
    along the sequence of metallicity of Baldwin, Phillips & Terlevich (1981).
    """
    n = len(z)
    halpha = np.where(ionized, log_uniform(rng, n, 5, 600), log_uniform(rng, n, 0.02, 8))
    excitation = rng.uniform(0, 1, n)  # 0 metal-rich, 1 metal-poor or AGN
    oiii = halpha * 0.33 * 10 ** (rng.normal(-0.7, 0.15, n) + 1.5 * excitation)
    nii = halpha * 10 ** (-0.35 - 1.1 * excitation * rng.uniform(0.2, 1, n))
    sii = halpha * 10 ** rng.normal(-0.7, 0.12, n)
    oii = halpha * 10 ** rng.normal(-0.15, 0.2, n)
    width = log_uniform(rng, n, 40, 220)  # of the gas; the instrument blurs what it observes
    lines = {
        "Halpha": halpha, "Hbeta": 0.33 * halpha, "Hgamma": 0.15 * halpha, "Hdelta": 0.08 * halpha,
        "Hepsilon": 0.05 * halpha, "H8": 0.03 * halpha,
        "[OIII]": oiii, "[OIII] 4960": oiii / 2.98, "[OII]": oii, "[NII]": nii,
        "[NII] 6549": nii / 3.05, "[SII] 6718": 0.57 * sii, "[SII] 6732": 0.43 * sii,
        "[NeIII]": 0.09 * oiii, "[OI]": 0.04 * halpha, "HeI 5877": 0.04 * halpha,
    }  # fmt: skip
    depth = np.zeros_like(flux)
    for name, width_angstrom in lines.items():
        add_named_line(rng, depth, grid, name, width_angstrom, width, z)
    # Lines follow the gas, not the stars in the same bins: one level for all.
    return np.median(flux, axis=1, keepdims=True) * depth
