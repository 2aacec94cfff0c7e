"""Rare white dwarfs: helium with hydrogen, cool ones with metals, hot ones with ionized helium."""

import numpy as np

from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.photospheres import planck
from data_prep.mock.profiles import Array, add_line
from data_prep.mock.white_dwarfs import DA_RATIOS, HELIUM_LINES
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

# Type -> fraction, and range of temperature, K (Sion et al. 1983 for the types; cited from memory).
TYPES = {
    "DBA": (0.30, (11500, 32000)),
    "DZ": (0.30, (4500, 10000)),
    "DAZ": (0.08, (5500, 20000)),
    "DO": (0.17, (45000, 120000)),
    "PG1159": (0.08, (75000, 160000)),
    "DQ hot": (0.07, (16000, 24000)),
}

# Line -> vacuum wavelength, Angstrom, and strength relative to the first line. Lines of He II
# between level 4 and even levels are 2 Angstrom from Balmer lines.
IONIZED_HELIUM = {"HeII 4686": (REST["HeII 4686"], 1.0), "HeII 6562": (6561.9, 0.6),
                  "HeII 5413": (REST["HeII 5413"], 0.5), "HeII 4861": (4860.7, 0.5),
                  "HeII 4543": (4542.9, 0.4), "HeII 4340": (4339.9, 0.35),
                  "HeII 4201": (4201.0, 0.25)}  # fmt: skip
METALS = {"CaII K": 1.0, "CaII H": 0.85, "MgI 3835": 0.5, "FeI 3736": 0.6, "CaI 4228": 0.25,
          "FeI 4385": 0.3, "Mgb": 0.4, "NaD": 0.35, "FeI 5272": 0.2, "CaII 8500": 0.1,
          "CaII 8544": 0.3, "CaII 8665": 0.25}  # fmt: skip
CARBON = {"CIV 4659": (4660.0, 1.0), "CIV 5804": (5804.0, -0.35), "OVI 3822": (3823.0, -0.25)}
"""Lines of PG 1159 stars; a negative strength means emission."""
CARBON_ION = {"CII 4268": (4268.4, 1.0), "CII 5145": (5145.0, 0.5), "CII 5891": (5891.4, 0.35),
              "CII 6580": (6580.0, 0.5), "CII 7234": (7234.0, 0.5),
              "CII 4075": (4075.5, 0.5)}  # fmt: skip


def rare_white_dwarfs(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw DBA, DZ, DAZ, DO, PG 1159 stars and hot DQ, float32 (n, bins)."""
    fractions = [fraction for fraction, _ in TYPES.values()]
    kind = np.array(list(TYPES))[rng.choice(len(TYPES), n, p=fractions)]
    low, high = (np.array([TYPES[name][1][i] for name in kind]) for i in (0, 1))
    temperature = (low * (high / low) ** rng.random(n)).astype(np.float32)
    z = rng.normal(40, 60, n) / SPEED_OF_LIGHT
    depth = np.zeros((n, grid.size), np.float32)

    def paint(lines: dict[str, tuple[float, float]], strength: Array, width: Array) -> None:
        for at, ratio in lines.values():
            add_line(depth, grid, at, strength * log_normal(rng, n, ratio, 0.25)
                     if ratio > 0 else strength * ratio, width, z=z)  # fmt: skip

    helium = (kind == "DBA") * log_uniform(rng, n, 3, 16)
    paint(named(HELIUM_LINES), helium, 900 + 40 * helium)
    hydrogen = (kind == "DBA") * log_uniform(rng, n, 2, 14)
    hydrogen += (kind == "DAZ") * log_uniform(rng, n, 3, 25)
    paint(named(DA_RATIOS), hydrogen, 700 + 60 * hydrogen)
    metals = (kind == "DZ") * log_uniform(rng, n, 8, 120)
    metals += (kind == "DAZ") * log_uniform(rng, n, 0.7, 6)
    paint(named(METALS), metals, 300 + 40 * metals)
    ion = np.isin(kind, ["DO", "PG1159"]) * log_uniform(rng, n, 4, 25)
    paint(IONIZED_HELIUM, ion, 900 + 40 * ion)
    paint(CARBON, (kind == "PG1159") * log_uniform(rng, n, 4, 20), log_uniform(rng, n, 700, 1500))
    paint(CARBON_ION, (kind == "DQ hot") * log_uniform(rng, n, 3, 15), np.full(n, 900.0))
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), (n, grid.size))
    return planck(wavelength, temperature) * np.exp(-depth)


def named(ratios: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Return the lines of `lines.REST` with their wavelengths and strengths."""
    return {name: (REST[name], ratio) for name, ratio in ratios.items()}
