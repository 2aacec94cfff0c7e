"""Emission-line galaxies: metal-poor H II galaxies and distant [O II] emitters.

Fluxes of lines are relative to one reference line. The equivalent width of the reference line is
drawn relative to the continuum next to it.
"""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.doublets import add_named_line
from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST

ABUNDANCE = (7.0, 7.5, 8.0, 8.4)
"""12 + log(O/H) at which `BY_ABUNDANCE` is given; I Zw 18 has 7.2, the Sun 8.7."""

# log10 of the flux relative to H-beta at these abundances, typical of H II galaxies (cited from
# memory: Izotov & Thuan 1999, ApJ 511, 639; Izotov et al. 2006, A&A 448, 955).
BY_ABUNDANCE = {
    "[OIII]": (0.15, 0.55, 0.75, 0.60),
    "[OII]": (-0.70, -0.25, 0.10, 0.35),
    "[NeIII]": (-0.95, -0.50, -0.30, -0.55),
    "[OIII] 4364": (-1.25, -1.00, -0.95, -1.70),
    "[NII]": (-2.20, -1.75, -1.25, -0.65),
    "[SII] 6718": (-2.00, -1.25, -0.95, -0.65),
    "[ArIII]": (-2.00, -1.60, -1.20, -1.00),
    "[SIII] 9533": (-1.40, -1.00, -0.60, -0.40),
}

# Case B at 15,000 K, relative to H-beta (Osterbrock & Ferland 2006; cited from memory).
RECOMBINATION = {
    "Halpha": 2.79, "Hbeta": 1.0, "Hgamma": 0.473, "Hdelta": 0.262, "Hepsilon": 0.159,
    "H8": 0.106, "H9": 0.074, "H10": 0.053, "H11": 0.040, "H12": 0.031, "HeI 4473": 0.037,
    "HeI 5877": 0.100, "HeI 6680": 0.028, "HeI 7067": 0.024,
}  # fmt: skip

# Line -> (the line that it follows, ratio of the two).
COMPANIONS = {
    "[OIII] 4960": ("[OIII]", 1 / 2.98),
    "[NeIII] 3968": ("[NeIII]", 0.31),
    "[NII] 6549": ("[NII]", 1 / 3.05),
    "[SII] 6732": ("[SII] 6718", 0.75),
    "[SIII] 9071": ("[SIII] 9533", 0.41),
}

NEVER_SEEN = 1e-4
"""Lines with a smaller flux, relative to the reference line, are left out."""


def hii_galaxies(
    rng: np.random.Generator, starlight: Array, z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Draw metal-poor H II galaxies at z (n,), float32 (n, bins), any scale.

    H-beta has an equivalent width of 8 to 400 Angstrom. Young stars without metal lines and the
    gas itself add a blue continuum, which is brighter than the `starlight` (n, bins) of older
    stars.
    """
    n = len(z)
    rest = (grid.centers / (1 + z[:, None])).astype(np.float32)
    young = (rest / 5500) ** rng.uniform(-3.0, -1.2, (n, 1)).astype(np.float32)
    older = (rng.random((n, 1)) * (rng.random((n, 1)) < 0.6)).astype(np.float32)
    flux = (1 - older) * young + older * starlight
    # The Balmer continuum of the gas.
    flux *= 1 + rng.uniform(0, 0.35, (n, 1)).astype(np.float32) * (rest < 3650)
    ratios = hii_ratios(rng, rng.uniform(ABUNDANCE[0], ABUNDANCE[-1], n))
    # A fiber sees different parts of a nebula in the blue and the red, and bright lines saturate.
    tilt = rng.normal(0, 1.2, n) * (rng.random(n) < 0.5)
    ratios = {name: ratio * (REST[name] / REST["Hbeta"]) ** tilt for name, ratio in ratios.items()}
    level = beside(flux, rest, 4800, 4920) * log_uniform(rng, n, 8, 400)
    return flux + level[:, None] * lines(rng, ratios, z, grid, log_uniform(rng, n, 25, 110))


def hii_ratios(rng: np.random.Generator, abundance: NDArray[np.float64]) -> dict[str, Array]:
    """Draw fluxes of lines relative to H-beta at 12 + log(O/H) (n,), each (n,).

    They scatter from galaxy to galaxy, and dust reddens them by an E(B-V) of 0 to 0.3.
    """
    n = len(abundance)
    ratios: dict[str, Array] = {name: np.full(n, ratio) for name, ratio in RECOMBINATION.items()}
    for name, knots in BY_ABUNDANCE.items():
        ratios[name] = 10 ** np.interp(abundance, ABUNDANCE, knots) * log_normal(rng, n, 1, 0.25)
    for name, (leader, ratio) in COMPANIONS.items():
        ratios[name] = ratio * ratios[leader]
    ratios["HeII 4686"] = (rng.random(n) < 0.4) * rng.uniform(0.005, 0.05, n)
    reddening = np.minimum(rng.exponential(0.07, n), 0.3)
    for name in ratios:
        curve = 3.1 * ((REST[name] / 5500) ** -1.3 - (REST["Hbeta"] / 5500) ** -1.3)
        ratios[name] = ratios[name] * 10 ** (-0.4 * curve * reddening)
    return ratios


def oxygen_emitters(
    rng: np.random.Generator, starlight: Array, z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Draw star-forming galaxies at z (n,), up to 1.65, float32 (n, bins), any scale.

    The equivalent width of [O II], relative to the `starlight` (n, bins), is log-normal with a
    median of 50 Angstrom, limited to 5 to 400. Its scatter and the other lines are about those of
    DESI's emission-line galaxies (Raichoor et al. 2023, AJ 165, 126; cited from memory).
    """
    n = len(z)
    rest = grid.centers / (1 + z[:, None])
    width = np.clip(log_normal(rng, n, 50, 0.8), 5, 400)
    hbeta, oiii = log_normal(rng, n, 0.33, 0.3), log_normal(rng, n, 1.6, 0.6)
    ratios = {name: hbeta * RECOMBINATION[name] for name in ("Hbeta", "Hgamma", "Hdelta", "H8")}
    ratios["Hepsilon"] = hbeta * RECOMBINATION["Hepsilon"]
    ratios |= {"[OII]": np.ones(n), "[OIII]": hbeta * oiii, "[OIII] 4960": hbeta * oiii / 2.98,
               "[NeIII]": 0.08 * hbeta * oiii}  # fmt: skip
    ratios["Halpha"] = hbeta * RECOMBINATION["Halpha"] * 1.2
    level = beside(starlight, rest, 3650, 3800) * width
    return starlight + level[:, None] * lines(rng, ratios, z, grid, log_uniform(rng, n, 35, 160))


def beside(flux: Array, rest: Array, low: float, high: float) -> Array:
    """Return the mean flux between two rest wavelengths, float32 (n,)."""
    inside = (rest > low) & (rest < high)
    total = np.where(inside, flux, 0).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return total.astype(np.float32)


def lines(
    rng: np.random.Generator,
    ratios: dict[str, Array],
    z: NDArray[np.float64],
    grid: LogGrid,
    width: Array,
) -> Array:
    """Return lines of relative fluxes `ratios`, each (n,), and a width (n,) in km/s, (n, bins)."""
    painted = np.zeros((len(z), grid.size), np.float32)
    for name, ratio in ratios.items():
        strength = np.where(ratio > NEVER_SEEN, ratio, 0)
        add_named_line(rng, painted, grid, name, strength, width, z)
    return painted
