"""Absorption by gas near quasars: broad troughs, and narrow lines not to be taken for them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.profiles import Array, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

DETECTABLE = (1.55, 5.0)
"""Redshifts at which a C IV trough is on the grid (the search window of DR12Q and later)."""

# Ion -> depth relative to C IV: median and scatter (natural log).
HIGH_IONS = {"CIV": (1.0, 0.0), "SiIV": (0.55, 0.5), "NV": (0.9, 0.35), "OVI": (1.0, 0.4),
             "Lya": (0.55, 0.5)}  # fmt: skip
LOW_IONS = {"AlIII": (0.6, 0.4), "MgII": (0.45, 0.5)}
IRON_IONS = {"FeII 2600": (0.35, 0.6), "FeII 2383": (0.45, 0.6), "FeII 2587": (0.25, 0.6),
             "FeII 2344": (0.3, 0.6), "FeII 2750": (0.15, 0.8)}  # fmt: skip
# Ion -> equivalent width relative to C IV, separation of the doublet in km/s.
ASSOCIATED = {"CIV": (1.0, 498.0), "NV": (0.7, 962.0), "SiIV": (0.3, 1931.0),
              "OVI": (0.6, 1650.0), "Lya": (1.0, 0.0)}  # fmt: skip
LOW_ION_FRACTION, IRON_FRACTION = 0.13, 0.2
"""Fraction of BAL quasars that show low ions too, and of those the fraction with Fe II."""

EXTREME_FRACTION, EXTREME = 0.03, 3.0
"""Fraction of BAL quasars with overlapping troughs of Fe II (Hall et al. 2002, ApJS 141, 267; cited
from memory), and the factor by which low ions are stronger in them.
"""

MINI_BAL_FRACTION = 0.05
"""Fraction of quasars without BAL that show a trough too narrow to count as one."""


class Trough(NamedTuple):
    """A trough of each quasar; every field is (n, 1), float32.

    It reaches from `slowest` to `slowest + width` km/s with edges `edge` km/s soft, has optical
    depth `depth` in C IV at its middle, and leans by `tilt`.
    """

    slowest: Array
    width: Array
    edge: Array
    depth: Array
    tilt: Array

    def optical_depth(self, outflow: Array) -> Array:
        """Return the optical depth at outflow speeds (n, bins), km/s; float32 (n, bins)."""
        start = np.tanh((outflow - self.slowest) / self.edge)
        stop = np.tanh((outflow - self.slowest - self.width) / self.edge)
        middle = (outflow - self.slowest - self.width / 2) / self.width
        lean = np.clip(1 + self.tilt * middle, 0.2, 2)
        return self.depth * lean * 0.5 * (start - stop)


def troughs(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> tuple[Array, Array]:
    """Transmitted fraction of BAL quasars at z (n,), (n, bins), and BI of C IV, km/s (n,).

    One to three troughs a quasar, at the same speeds in every ion; in a third of quasars the gas
    covers but 40 to 95% of the source, so that even a saturated trough has a floor.
    """
    n = len(z)
    low_ions = rng.random(n) < LOW_ION_FRACTION
    iron_ions = low_ions & (rng.random(n) < IRON_FRACTION)
    extreme = rng.random(n) < EXTREME_FRACTION
    low_ions, iron_ions = low_ions | extreme, iron_ions | extreme
    shown = dict.fromkeys(HIGH_IONS, np.ones(n, np.bool_))
    shown |= dict.fromkeys(LOW_IONS, low_ions) | dict.fromkeys(IRON_IONS, iron_ions)
    strengths = {
        ion: log_normal(rng, n, median, scatter) * shown[ion]
        for ion, (median, scatter) in (HIGH_IONS | LOW_IONS | IRON_IONS).items()
    }
    for ion in LOW_IONS | IRON_IONS:
        strengths[ion] *= np.where(extreme, EXTREME, 1)
    covered = np.where(rng.random(n) < 0.33, rng.uniform(0.4, 0.95, n), 1.0)
    covered = covered[:, None].astype(np.float32)
    depth = np.zeros((n, grid.size), np.float32)
    speed = np.linspace(3000, 25000, 221, dtype=np.float32)  # where BI is counted
    profile = np.zeros((n, len(speed)), np.float32)
    for i, fraction in enumerate((1.0, 0.45, 0.2)):
        trough = drawn_trough(rng, n, fraction, narrow_fraction=0.25 if i == 0 else 0.0)
        for ion, strength in strengths.items():
            rows = np.flatnonzero(strength * trough.depth[:, 0])
            part = Trough(*(field[rows] for field in trough))
            seen = part.optical_depth(outflow_speed(ion, z[rows], grid))
            depth[rows] += strength[rows, None] * seen
        profile += trough.optical_depth(np.broadcast_to(speed, profile.shape))
    through = 1 - covered * (1 - np.exp(-profile))
    return 1 - covered * (1 - np.exp(-depth)), balnicity_index(through, 100.0)


def mini_bals(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Return the transmitted fraction of quasars at z (n,) without BAL, float32 (n, bins).

    Troughs of C IV, Si IV and N V, 400 to 1,400 km/s wide, before some: broader than a galaxy's
    halo makes them, and without balnicity, which wants 2,000 km/s.
    """
    n = len(z)
    rows = np.flatnonzero(rng.random(n) < MINI_BAL_FRACTION)
    m = len(rows)
    width = rng.uniform(400, 1400, m)
    fields = (rng.uniform(0, 20000, m), width, 0.2 * width, -np.log1p(-rng.uniform(0.2, 0.85, m)),
              rng.normal(0, 0.5, m))  # fmt: skip
    trough = Trough(*(field[:, None].astype(np.float32) for field in fields))
    passed = np.ones((n, grid.size), np.float32)
    for ion in ("CIV", "SiIV", "NV"):
        strength = log_normal(rng, m, *HIGH_IONS[ion])[:, None]
        depth = strength * trough.optical_depth(outflow_speed(ion, z[rows], grid))
        passed[rows] *= np.exp(-depth)
    return passed


def outflow_speed(ion: str, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Return the outflow speed that each bin has in the line of an ion, km/s, (n, bins)."""
    ratio = grid.centers / (REST[ion] * (1 + z[:, None]))
    return ((1 - ratio) * SPEED_OF_LIGHT).astype(np.float32)


def drawn_trough(
    rng: np.random.Generator, n: int, fraction: float, narrow_fraction: float
) -> Trough:
    """Draw a trough for a `fraction` of quasars, of depth 0 for the others.

    Balnicity is log-uniform over 200 to 10,000 km/s ("roughly equal numbers per logarithmic
    interval"), speeds reach 25,000 km/s, and depths 0.35 to 1: what an inspector would notice. The
    `narrow_fraction` is 1,400 to 2,600 km/s wide, deep and slow: inspectors call those BAL although
    BI, which starts at 2,000 km/s of width, is 0 or small.
    """
    present = rng.random(n) < fraction
    absorbed = rng.beta(2.2, 1.2, n) * 0.65 + 0.35  # fraction taken at the deepest
    balnicity = 10 ** rng.uniform(2.3, 4.0, n)
    width = np.clip(1.3 * balnicity / absorbed, 1800, 14000) * np.exp(rng.normal(0, 0.2, n))
    narrow = rng.random(n) < narrow_fraction
    width = np.where(narrow, rng.uniform(1400, 2600, n), width)
    absorbed = np.where(narrow, np.maximum(absorbed, 0.6), absorbed)
    slowest = rng.exponential(np.where(narrow, 2500, 4500), n)
    slowest = np.clip(slowest, 0, np.maximum(24000 - width, 0))
    edge = width * rng.uniform(0.06, 0.25, n) + 150
    depth = -np.log1p(-np.minimum(absorbed, 0.985)) * present
    fields = (slowest, width, edge, depth, rng.normal(0, 0.5, n))
    return Trough(*(field[:, None].astype(np.float32) for field in fields))


def balnicity_index(transmitted: Array, step: float, width: float = 2000.0) -> Array:
    """Return BI of Weymann et al. (1991), km/s, float32 (n,).

    Args:
        transmitted: (n, speeds), flux over continuum at outflow speeds rising from 3,000 km/s.
        step: between the speeds, km/s.
        width: of continuous absorption below 0.9 after which a trough begins to count, km/s.
    """
    absorbed = 1 - transmitted / 0.9
    below = absorbed > 0
    index = np.arange(below.shape[1])
    last_above = np.maximum.accumulate(np.where(below, -1, index), axis=1)
    counts = below & ((index - last_above) * step > width)
    return (np.where(counts, absorbed, 0).sum(axis=1) * step).astype(np.float32)


def narrow_absorbers(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> Array:
    """Transmitted fraction of narrow metal lines of quasars at z (n,), float32 (n, bins)."""
    depth = np.zeros((len(z), grid.size), np.float32)
    _add_associated(rng, depth, z, grid)
    _add_intervening(rng, depth, z, grid)
    return np.exp(-depth)


def _add_associated(
    rng: np.random.Generator, depth: Array, z: NDArray[np.float64], grid: LogGrid
) -> None:
    """Add C IV, N V, Si IV, O VI and Lyman-alpha within 4,000 km/s of a quarter of quasars.

    Some are strong (rest equivalent width 0.3 to 9 Angstrom) or come in pairs: the hard negatives
    of a BAL classifier.
    """
    rows = np.flatnonzero(rng.random(len(z)) < 0.28)
    for _ in range(2):
        m = len(rows)
        outflow = rng.normal(500, 1500, m) / SPEED_OF_LIGHT
        width, strength = rng.uniform(80, 330, m), log_uniform(rng, m, 0.3, 9)
        part = depth[rows]
        for ion, (ratio, splitting) in ASSOCIATED.items():
            member = strength * log_normal(rng, m, ratio / 2, 0.4)
            for side in (-splitting, splitting):
                shift = (1 - outflow) * (1 + side / 2 / SPEED_OF_LIGHT)
                add_line(part, grid, REST[ion], member, width, z=(1 + z[rows]) * shift - 1)
        depth[rows] = part
        rows = rows[rng.random(m) < 0.25]


def _add_intervening(
    rng: np.random.Generator, depth: Array, z: NDArray[np.float64], grid: LogGrid
) -> None:
    """Add C IV, and Mg II with Fe II, of intervening galaxies: 0.5 and 0.35 per quasar."""
    systems = (({"CIV": 1.0}, 0.5), ({"MgII": 1.0, "FeII 2600": 0.5, "FeII 2383": 0.5}, 0.35))
    for ions, rate in systems:
        for _ in range(2):
            at = (1 + z) * rng.uniform(0.72, 0.985, len(z)) - 1
            is_present = (rng.random(len(z)) < rate / 2) & (at > 0.05)
            strength = np.where(is_present, np.minimum(rng.exponential(0.8, len(z)) + 0.2, 4), 0)
            width = rng.uniform(60, 250, len(z))
            for ion, ratio in ions.items():
                add_line(depth, grid, REST[ion], ratio * strength, width, z=at)
