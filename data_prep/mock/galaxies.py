"""Galaxies: sums of stellar populations or observed spectra, with gas, dust and redshift."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import dust
from data_prep.mock.doublets import add_named_line
from data_prep.mock.draws import log_uniform
from data_prep.mock.empirical import Bank, bent
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.populations import stellar_flux
from data_prep.mock.profiles import Array
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


def galaxies(
    rng: np.random.Generator, n: int, grid: LogGrid, ingredients: Ingredients = EVERYTHING
) -> tuple[Array, NDArray[np.float64]]:
    """Draw noise-free spectra (n, bins) per unit wavelength, any scale, and redshifts (n,)."""
    names = np.array(list(FRACTIONS))
    kind = names[rng.choice(len(names), n, p=list(FRACTIONS.values()))]
    z = np.select(
        [kind == "old", kind == "compact blue"],
        [rng.triangular(0.01, 0.5, 0.9, n), rng.power(0.6, n) * 1.4],
        rng.power(0.8, n) * 1.2,
    )
    near = rng.random(n) < np.where(kind == "old", NEARBY_OLD, NEARBY)
    z = np.where(near, log_uniform(rng, n, 0.004, 0.2), np.maximum(z, 0.004))
    ionized = np.isin(kind, IONIZED)
    flux = stellar_flux(rng, kind, z, grid)
    flux += gas(rng, ionized, flux, z, grid)
    if (bank := ingredients.bank("GALAXY")) is not None:
        rows = np.flatnonzero(rng.random(n) < EMPIRICAL)
        flux[rows] = template_flux(rng, bank, ionized[rows], z[rows], grid)
    rest = (grid.centers / (1 + z[:, None])).astype(np.float32)
    reddening = rng.exponential(0.12, n).astype(np.float32) * (kind != "old")
    return flux * dust.dimming(dust.milky_way(rest), reddening), z


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
    width = log_uniform(rng, n, 70, 220)
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
