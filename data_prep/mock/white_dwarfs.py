"""White dwarfs: black bodies with the broad lines of one element, or with none."""

import numpy as np

from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.photospheres import SWAN, Knots, at, planck
from data_prep.mock.profiles import Array, add_band, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import BALMER, REST, SPEED_OF_LIGHT

FRACTIONS = {"DA": 0.55, "DB": 0.13, "DC": 0.14, "DQ": 0.07, "DZ": 0.06, "DAH": 0.05}
DA_EW: Knots = {5200: 0, 6000: 3, 7000: 10, 8000: 19, 10000: 34, 12500: 44, 15000: 40, 20000: 30,
                30000: 19, 50000: 11, 80000: 5}  # fmt: skip
DA_RATIOS = dict(zip(BALMER[:7], (0.65, 1.0, 1.0, 0.85, 0.5, 0.22, 0.06), strict=True))
HELIUM_LINES = {"HeI 3820": 0.6, "HeI 4027": 1.0, "HeI 4145": 0.35, "HeI 4389": 0.5,
                "HeI 4473": 1.4, "HeI 4714": 0.3, "HeI 4923": 0.8, "HeI 5017": 0.6,
                "HeI 5877": 1.5, "HeI 6680": 0.7, "HeI 7067": 0.6}  # fmt: skip
DZ_LINES = {"CaII K": 1.0, "CaII H": 0.8, "Mgb": 0.35, "FeI 4385": 0.3, "FeI 5272": 0.25,
            "NaD": 0.3, "CaII 8544": 0.15}  # fmt: skip


def white_dwarfs(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw white dwarfs of types DA, DB, DC, DQ, DZ and magnetic DA, float32 (n, bins)."""
    names = list(FRACTIONS)
    kind = np.array(names)[rng.choice(len(names), n, p=list(FRACTIONS.values()))]
    temperature: Array = log_uniform(rng, n, 5500, 60000)
    cooler = np.isin(kind, ["DC", "DQ", "DZ"])
    temperature = np.where(cooler, log_uniform(rng, n, 5000, 12000), temperature)
    temperature = np.where(kind == "DB", log_uniform(rng, n, 11500, 35000), temperature)
    z = (rng.normal(30, 60, n)) / np.float32(SPEED_OF_LIGHT)
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), (n, grid.size))
    depth = np.zeros((n, grid.size), np.float32)

    hydrogen = at(DA_EW, temperature) * np.isin(kind, ["DA", "DAH"]) * log_normal(rng, n, 1, 0.15)
    width = log_normal(rng, n, 1, 0.2) * (600 + 28 * hydrogen)
    split = np.where(
        kind == "DAH", log_uniform(rng, n, 0.002, 0.03), 0
    )  # fraction of the wavelength
    for name, ratio in DA_RATIOS.items():
        for shift in (-1, 0, 1):  # the Zeeman triplet; one line where the field is zero
            strength = ratio * hydrogen / 3 * (1 - 0.15 * abs(shift))
            at_z = z + shift * split
            add_line(depth, grid, REST[name], 0.4 * strength, width, z=at_z)
            add_line(depth, grid, REST[name], 0.6 * strength, 3 * width, z=at_z)
    helium = (kind == "DB") * log_uniform(rng, n, 3, 16)
    for name, ratio in HELIUM_LINES.items():
        add_line(depth, grid, REST[name], ratio * helium, 900 + 40 * helium, z=z)
    polluted = (kind == "DZ") * log_uniform(rng, n, 5, 70)
    for name, ratio in DZ_LINES.items():
        add_line(depth, grid, REST[name], ratio * polluted, 700 + 30 * polluted, z=z)
    carbon = np.flatnonzero(kind == "DQ")
    if len(carbon):
        part, swan = depth[carbon], log_uniform(rng, len(carbon), 0.1, 0.9)
        pressure = rng.normal(0, 25, (len(carbon), 1)).astype(np.float32)  # shifts, Angstrom
        for head, tail, full in SWAN:
            add_band(part, wavelength[carbon] + pressure, head - 20, full * swan, tail, 40)
        depth[carbon] = part
    return planck(wavelength, temperature) * np.exp(-depth)
