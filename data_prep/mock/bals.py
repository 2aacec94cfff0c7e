"""Absorption by gas near quasars: broad troughs, and narrow lines not to be taken for them."""

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.profiles import Array, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

DETECTABLE = (1.55, 5.0)
"""Redshifts at which a trough of C IV stands on the grid (the search window of DR12Q and later)."""

# Ion -> depth relative to C IV: median and scatter (natural log).
HIGH_IONS = {"CIV": (1.0, 0.0), "SiIV": (0.55, 0.5), "NV": (0.9, 0.35), "OVI": (1.0, 0.4),
             "Lya": (0.55, 0.5)}  # fmt: skip
LOW_IONS = {"AlIII": (0.6, 0.4), "MgII": (0.45, 0.5)}
# Ion -> equivalent width relative to C IV, separation of the doublet in km/s.
ASSOCIATED = {"CIV": (1.0, 498.0), "NV": (0.7, 962.0), "SiIV": (0.3, 1931.0),
              "OVI": (0.6, 1650.0), "Lya": (1.0, 0.0)}  # fmt: skip
LOW_SHARE = 0.13
"""Of BAL quasars that show low ions too."""


def troughs(rng: np.random.Generator, z: NDArray[np.float64], grid: LogGrid) -> tuple[Array, Array]:
    """Transmitted fraction of BAL quasars at z (n,), (n, bins), and BI of C IV, km/s (n,).

    One to three troughs a quasar. The balnicity of the strongest is log-uniform over 100 to 10,000
    km/s ("roughly equal numbers per logarithmic interval"), outflow speeds reach 25,000 km/s, and
    depths 0.25 to 1. A quarter are narrow (1,400 to 2,600 km/s), deep and slow: inspectors call
    them BAL although BI, which starts at 2,000 km/s of width, is 0.
    """
    n = len(z)
    depth = np.zeros((n, grid.size), np.float32)
    low_ions = rng.random(n) < LOW_SHARE
    strengths = {
        ion: median * np.exp(rng.normal(0, scatter, n)) * (low_ions if ion in LOW_IONS else 1)
        for ion, (median, scatter) in (HIGH_IONS | LOW_IONS).items()
    }
    speed = np.linspace(3000, 25000, 221, dtype=np.float32)  # where BI is counted
    profile = np.zeros((n, len(speed)), np.float32)
    for i, share in enumerate((1.0, 0.45, 0.2)):
        present = rng.random(n) < share
        absorbed = rng.beta(2.2, 1.2, n) * 0.75 + 0.25  # fraction taken at the deepest
        balnicity = 10 ** rng.uniform(2.0, 4.0, n)
        width = np.clip(1.3 * balnicity / absorbed, 1800, 14000) * np.exp(rng.normal(0, 0.2, n))
        narrow = (rng.random(n) < 0.25) & (i == 0)
        width = np.where(narrow, rng.uniform(1400, 2600, n), width)
        absorbed = np.where(narrow, np.maximum(absorbed, 0.6), absorbed)
        slowest = rng.exponential(np.where(narrow, 2500, 4500), n)
        slowest = np.clip(slowest, 0, np.maximum(24000 - width, 0))
        edges = width * rng.uniform(0.06, 0.25, n) + 150
        shape = (slowest, width, edges, -np.log1p(-np.minimum(absorbed, 0.985)) * present)
        tilt = rng.normal(0, 0.5, n)
        for ion, strength in strengths.items():
            outflow = (1 - grid.centers / (REST[ion] * (1 + z[:, None]))) * SPEED_OF_LIGHT
            depth += _trough(outflow.astype(np.float32), *shape, tilt, strength)
        profile += _trough(np.broadcast_to(speed, profile.shape), *shape, tilt, strengths["CIV"])
    return np.exp(-depth), balnicity_index(np.exp(-profile), 100.0)


def _trough(
    outflow: Array,
    slowest: NDArray[np.float64],
    width: NDArray[np.float64],
    edge: NDArray[np.float64],
    depth: NDArray[np.float64],
    tilt: NDArray[np.float64],
    strength: NDArray[np.float64],
) -> Array:
    """Optical depth of a trough from `slowest` to `slowest + width` km/s, with soft edges."""
    column = lambda x: x[:, None].astype(np.float32)  # noqa: E731
    x = (outflow - column(slowest)) / column(edge)
    y = (outflow - column(slowest + width)) / column(edge)
    middle = (outflow - column(slowest + width / 2)) / column(width)
    slope = np.clip(1 + column(tilt) * middle, 0.2, 2)
    return column(depth * strength) * slope * (0.5 * (np.tanh(x) - np.tanh(y)))


def balnicity_index(transmitted: Array, step: float, width: float = 2000.0) -> Array:
    """BI of Weymann et al. (1991), km/s, float32 (n,).

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
    """Transmitted fraction of narrow metal lines of quasars at z (n,), float32 (n, bins).

    Associated C IV with its Si IV, N V and Lyman-alpha within 4,000 km/s of a quarter of quasars,
    some strong: the hard negatives of a BAL classifier. And intervening C IV and Mg II systems.
    """
    n = len(z)
    depth = np.zeros((n, grid.size), np.float32)
    associated = np.flatnonzero(rng.random(n) < 0.28)
    for _ in range(2):
        m = len(associated)
        outflow = rng.normal(500, 1500, m) / SPEED_OF_LIGHT
        at = (1 + z[associated]) * (1 - outflow) - 1
        width = rng.uniform(80, 330, m)
        strength = np.exp(rng.uniform(np.log(0.3), np.log(9), m))  # rest equivalent width of C IV
        part = depth[associated]
        for ion, (ratio, splitting) in ASSOCIATED.items():
            member = strength * np.exp(rng.normal(0, 0.4, m)) * ratio / 2
            for side in (-splitting, splitting):
                at_member = (1 + at) * (1 + side / 2 / SPEED_OF_LIGHT) - 1
                add_line(part, grid, REST[ion], member, width, z=at_member)
        depth[associated] = part
        associated = associated[rng.random(m) < 0.25]
    for ion, rate in {"CIV": 0.5, "MgII": 0.35}.items():
        for _ in range(2):
            at = (1 + z) * rng.uniform(0.72, 0.985, n) - 1
            present = (rng.random(n) < rate / 2) & (at > 0.05)
            strength = present * np.minimum(rng.exponential(0.8, n) + 0.2, 4)
            add_line(depth, grid, REST[ion], strength, rng.uniform(60, 250, n), z=at)
            if ion == "MgII":
                add_line(depth, grid, 2600.17, 0.5 * strength, 150, z=at)
                add_line(depth, grid, 2382.77, 0.5 * strength, 150, z=at)
    return np.exp(-depth)
