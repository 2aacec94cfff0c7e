"""Seyfert 2 galaxies and LINERs: their gas shines by an active nucleus without broad lines.

Surveys call them galaxies. Their narrow lines are wider than those of star-forming galaxies, and
[N II] may outshine H-alpha, so that a coarse grid blends both to a line as broad as a quasar's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.emission_galaxies import COMPANIONS, RECOMBINATION, beside, lines
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid

WIDTHS = 90.0, 350.0
"""Widths (sigma) of the narrow lines, km/s."""

DECREMENT = 2.9, 6.0
"""H-alpha over H-beta, from no dust to much."""


class Nucleus(NamedTuple):
    """Gas of one kind of nucleus.

    Attributes:
        halpha: range of the equivalent width of H-alpha, Angstrom.
        to_halpha: line -> typical flux relative to H-alpha.
        to_hbeta: line -> typical flux relative to H-beta.
    """

    halpha: tuple[float, float]
    to_halpha: dict[str, float]
    to_hbeta: dict[str, float]


SCATTER = 0.4
"""Scatter of a ratio of lines, natural log."""

# Typical places in the diagrams of Kewley et al. (2006, MNRAS 372, 961) and of Ho (2008, ARA&A 46,
# 475); cited from memory.
SEYFERT = Nucleus(
    (3.0, 150.0),
    {"[NII]": 0.9, "[SII] 6718": 0.28, "[OI]": 0.13, "[OII]": 0.5},
    {"[OIII]": 6.5, "[NeIII]": 0.6, "HeII 4686": 0.2, "[OIII] 4364": 0.1, "[NeV]": 0.4},
)
LINER = Nucleus(
    (0.8, 30.0),
    {"[NII]": 1.2, "[SII] 6718": 0.5, "[OI]": 0.25, "[OII]": 1.0},
    {"[OIII]": 1.8, "[NeIII]": 0.3},
)


def seyferts(
    rng: np.random.Generator, starlight: Array, z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Add the gas of Seyfert 2 galaxies at z (n,) to `starlight`, float32 (n, bins)."""
    return starlight + gas(rng, SEYFERT, starlight, z, grid)


def liners(
    rng: np.random.Generator, starlight: Array, z: NDArray[np.float64], grid: LogGrid
) -> Array:
    """Add the gas of LINERs at z (n,) to `starlight`, float32 (n, bins)."""
    return starlight + gas(rng, LINER, starlight, z, grid)


def gas(
    rng: np.random.Generator,
    nucleus: Nucleus,
    starlight: Array,
    z: NDArray[np.float64],
    grid: LogGrid,
) -> Array:
    """Draw emission lines, float32 (n, bins), in the unit of `starlight`.

    None where H-alpha is beyond the grid.
    """
    n = len(z)
    hbeta = 1 / rng.uniform(*DECREMENT, n)
    ratios: dict[str, Array] = {"Halpha": np.ones(n)}
    for name in ("Hbeta", "Hgamma", "Hdelta"):
        ratios[name] = hbeta * RECOMBINATION[name]
    for reference, table in ((1.0, nucleus.to_halpha), (hbeta, nucleus.to_hbeta)):
        for name, ratio in table.items():
            ratios[name] = reference * log_normal(rng, n, ratio, SCATTER)
    for name, (leader, ratio) in COMPANIONS.items():
        if leader in ratios:
            ratios[name] = ratio * ratios[leader]
    rest = grid.centers / (1 + z[:, None])
    level = beside(starlight, rest, 6450, 6520) * log_uniform(rng, n, *nucleus.halpha)
    return level[:, None] * lines(rng, ratios, z, grid, log_uniform(rng, n, *WIDTHS))
