"""Quasar outflows that C IV does not show as a BAL: too fast for BI, or with C IV off the grid."""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import dust
from data_prep.mock.bals import (
    DETECTABLE,
    HIGH_IONS,
    IRON_IONS,
    LOW_IONS,
    Trough,
    drawn_trough,
    outflow_speed,
)
from data_prep.mock.draws import log_normal
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid

FAST_FRACTION, FAST = 0.015, (28_000.0, 58_000.0)
"""Fraction of quasars with an extremely fast outflow, and the speeds of its slow edge, km/s: 0.1 to
0.2 of the speed of light (Rodriguez Hidalgo et al. 2020, ApJ 896, 151; cited from memory).
"""

FAST_REDSHIFTS = (1.8, 5.0)
"""Redshifts at which the C IV line of such an outflow is on the grid."""

LOW_FRACTION, LOW_REDSHIFTS = 0.02, (0.45, DETECTABLE[0])
"""Fraction of quasars with troughs of Mg II, and the redshifts at which Mg II is on the grid and
C IV is not."""


def fast(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Return the transmitted fraction of extremely fast outflows, float32 (n, bins).

    Their troughs of C IV, N V and Si IV are 1,500 to 8,000 km/s wide. Balnicity is 0, because it
    counts speeds up to 25,000 km/s only.
    """
    at_z = (z > FAST_REDSHIFTS[0]) & (z < FAST_REDSHIFTS[1])
    rows = np.flatnonzero(at_z & (rng.random(len(z)) < FAST_FRACTION))
    m = len(rows)
    width = rng.uniform(1500, 8000, m)
    depth = -np.log1p(-rng.uniform(0.3, 0.9, m))
    fields = (rng.uniform(*FAST, m), width, 0.1 * width + 150, depth, rng.normal(0, 0.5, m))
    trough = Trough(*(field[:, None].astype(np.float32) for field in fields))
    return _passed(
        rng, {ion: HIGH_IONS[ion] for ion in ("CIV", "NV", "SiIV")}, trough, rows, z, grid
    )


def low_ionization(
    rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid
) -> tuple[Array, NDArray[np.bool_]]:
    """Draw troughs of Mg II and Al III, half of them with Fe II, where C IV is not on the grid.

    Such quasars are redder than others, by an E(B-V) of 0.1 on average.

    Returns:
        the transmitted fraction, float32 (n, bins), and which quasars have such troughs, (n,).
    """
    at_z = (z > LOW_REDSHIFTS[0]) & (z < LOW_REDSHIFTS[1])
    shown = at_z & (rng.random(len(z)) < LOW_FRACTION)
    rows = np.flatnonzero(shown)
    trough = drawn_trough(rng, len(rows), 1.0, narrow_fraction=0.3)
    ions = {ion: (1.0, scatter) for ion, (_, scatter) in LOW_IONS.items()}
    passed = _passed(rng, ions, trough, rows, z, grid)
    with_iron = rows[: len(rows) // 2]
    half = Trough(*(field[: len(with_iron)] for field in trough))
    passed *= _passed(rng, IRON_IONS, half, with_iron, z, grid)
    rest = (grid.centers / (1 + z[rows, None])).astype(np.float32)
    reddening = rng.exponential(0.1, len(rows)).astype(np.float32)
    passed[rows] *= dust.dimming(dust.small_magellanic(rest), reddening)
    return passed, shown


def _passed(
    rng: np.random.Generator,
    ions: dict[str, tuple[float, float]],
    trough: Trough,
    rows: NDArray[np.int64],
    z: NDArray[np.float64],
    grid: LogGrid,
) -> Array:
    """Return the transmitted fraction, with a `trough` (m, 1) of these ions in `rows` (m,)."""
    passed = np.ones((len(z), grid.size), np.float32)
    depth = np.zeros((len(rows), grid.size), np.float32)
    for ion, (median, scatter) in ions.items():
        strength = log_normal(rng, len(rows), median, scatter)[:, None]
        depth += strength * trough.optical_depth(outflow_speed(ion, z[rows], grid))
    passed[rows] = np.exp(-depth)
    return passed
