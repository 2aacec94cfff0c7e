"""Absorption by hydrogen between a quasar and us: forest, damped systems, Lyman limit."""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST

LYA, LYB, LIMIT = REST["Lya"], REST["Lyb"], REST["Lyman limit"]

KNOTS = 690.0
"""Distance between the knots of the forest's field, km/s."""

BEYOND = 0.08
"""Reach of the forest beyond the red end, in log10(wavelength): its Lyman-beta is on the grid."""


def transmission(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Return the transmitted fraction of quasars at z (n,), float32 (n, bins)."""
    depth = forest(rng, z, grid) + damped(rng, z, grid) + lyman_limit(rng, z, grid)
    return np.exp(-depth).astype(np.float32)


def effective_depth(absorber: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the mean optical depth in Lyman-alpha at an absorber's redshift.

    After Kamble et al. (2020) up to z = 4.4. Above, after Fan et al. (2006, AJ 132, 117), whose
    depth is larger there and rises steeply beyond z = 5.5, to complete absorption (both cited from
    memory).
    """
    late = 5.54e-3 * (1 + absorber) ** 3.182
    rise = np.maximum((1 + absorber) / 6.5, 1) ** 6.6
    return np.maximum(late, 0.85 * ((1 + absorber) / 5) ** 4.3 * rise)


def forest(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Optical depth of the forest in Lyman-alpha and Lyman-beta, float32 (n, bins).

    The mean follows `effective_depth` with a scatter of 15% per sight line; a log-normal field,
    correlated over about 1400 km/s, fluctuates about it, which gives an rms of the transmitted
    fraction of 0.1 to 0.2 at z 2.5.
    """
    n, bins = len(z), grid.size + round(BEYOND / grid.dloglam)
    centers = grid.start * 10 ** (grid.dloglam * (np.arange(bins) + 0.5))
    knots = np.arange(bins) // grid.bins(KNOTS)
    white = rng.standard_normal((n, knots[-1] + 3), np.float32)
    field = (0.5 * white[:, :-2] + 0.75 * white[:, 1:-1] + 0.43 * white[:, 2:])[:, knots]
    spread = np.float32(0.68)
    mean = effective_depth(centers / LYA - 1).astype(np.float32)
    sight_line = np.exp(rng.normal(0, 0.15, (n, 1))).astype(np.float32)
    alpha = sight_line * mean * np.exp(spread * field - 0.2 * spread**2)
    rest = centers / (1 + z[:, None])
    # The quasar ionizes its own neighborhood, over up to 2,000 km/s.
    alpha *= _below(rest, LYA * (1 - rng.uniform(0, 0.007, (n, 1))), 3.0)
    shift = round(np.log10(LYA / LYB) / grid.dloglam)
    beta = 0.25 * alpha[:, shift : shift + grid.size] * _below(rest[:, : grid.size], LYB, 3.0)
    return alpha[:, : grid.size] + beta


def _below(rest: NDArray[np.floating], edge: NDArray[np.floating] | float, width: float) -> Array:
    """Return 1 blueward of `edge`, 0 redward, float32."""
    return (0.5 - 0.5 * np.tanh((rest - edge) / width)).astype(np.float32)


def damped(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Optical depth of (sub-)damped systems, log N(HI) 19.7 to 22, float32 (n, bins).

    0.2 damped systems per unit redshift at z 2.5 and as many sub-damped ones.
    """
    depth = np.zeros((len(z), grid.size), np.float32)
    low = np.maximum(grid.start / LYA - 1, (1 + z) * LYB / LYA - 1)
    rate = np.maximum(z - low, 0) * 0.044 * (1 + z) ** 1.27 * 2
    for _ in range(2):
        rows = np.flatnonzero(rng.random(len(z)) < rate / 2)
        absorber = low[rows] + (z[rows] - low[rows]) * rng.random(len(rows))
        column = 10 ** (19.7 + np.minimum(rng.exponential(0.5, len(rows)), 2.3))
        offset = grid.centers / (1 + absorber[:, None]) - LYA
        depth[rows] += damping_depth(offset, column[:, None]).astype(np.float32)
    return depth


def damping_depth(
    offset: NDArray[np.floating], column: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return the optical depth of a damped Lyman-alpha line, at most 30.

    tau = column / 1e20 (2.06 / offset)^2, whose equivalent width is the well-known W = 7.3 Angstrom
    (column / 1e20)^0.5.

    Args:
        offset: from the line, Angstrom in the absorber's frame.
        column: of neutral hydrogen, cm^-2.
    """
    return np.minimum(2.06**2 * column / 1e20 / (offset**2 + 0.02), 30)


def lyman_limit(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Optical depth below 912 Angstrom of one Lyman-limit system per sight line, float32.

    Its distance in redshift is exponential, 1.2 at z 2.5 and falling to 0.3 at z 4.5: 1.5 times the
    mean free path of Worseck et al. (2014, MNRAS 445, 1745; cited from memory), which is 0.77 and
    0.20 there. Its depth is log-normal about 5, so that most of them cut.
    """
    scale = 1.2 * ((1 + z) / 3.5) ** -3.2
    absorber = np.maximum(z - rng.exponential(scale), 0)
    depth = np.exp(rng.normal(np.log(5), 0.8, len(z)))
    ratio = grid.centers / (LIMIT * (1 + absorber[:, None]))
    return (depth[:, None] * np.where(ratio < 1, ratio**3, 0)).astype(np.float32)
