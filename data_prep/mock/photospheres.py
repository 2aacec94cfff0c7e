"""Spectra of stellar photospheres, from O to L, as a function of temperature and metallicity.

A black body, bent by the Balmer jump and by line blanketing, with the lines and bands that a
classifier goes by. Strengths against temperature are round numbers in the manner of Gray & Corbally
(2009, Stellar Spectral Classification): the trends are right, no star is modeled. Colors of K and M
stars and depths of their bands were set by eye against a dozen SDSS stars.
"""

from collections.abc import Mapping

import numpy as np

from data_prep.mock.profiles import Array, add_band, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import BALMER, REST, SPEED_OF_LIGHT

Knots = Mapping[float, float]
"""Temperature, K -> strength; linear in log temperature between, constant outside."""

# Equivalent width of H-delta, Angstrom, and of the other Balmer lines relative to it.
BALMER_EW: Knots = {3300: 0, 4000: 0.2, 5000: 0.7, 5500: 1.5, 6000: 2.6, 6500: 4.5, 7500: 10,
                    8500: 14.5, 9500: 15.5, 12000: 11, 15000: 8.5, 20000: 6, 30000: 3.7,
                    45000: 2.3}  # fmt: skip
BALMER_RATIOS = dict(
    zip(BALMER, (0.75, 0.9, 1.0, 1.0, 0.9, 0.8, 0.65, 0.5, 0.38, 0.28), strict=True)
)
BALMER_JUMP: Knots = {5000: 0.03, 6000: 0.12, 7000: 0.3, 8500: 0.75, 9500: 0.85, 12000: 0.6,
                      15000: 0.4, 20000: 0.2, 30000: 0.06, 40000: 0}  # fmt: skip
BLANKETING: Knots = {2500: 0.1, 3300: 0.2, 4000: 0.3, 4500: 0.36, 5000: 0.38, 5500: 0.2,
                     6000: 0.1, 7000: 0.04, 9000: 0}  # fmt: skip

# Line -> (width km/s, equivalent width in Angstrom against temperature).
METAL_LINES: dict[str, tuple[float, Knots]] = {
    "FeI 3738": (700, {3500: 6, 4500: 9, 5000: 7, 6000: 3.5, 7000: 1.5, 9000: 0}),
    "MgI 3835": (600, {3500: 6, 4500: 8, 5000: 6, 6000: 3, 7000: 1.2, 9000: 0}),
    "FeI 4047": (450, {3500: 5, 4500: 4, 5000: 3, 6000: 1.5, 7000: 0.6, 9000: 0}),
    "FeI 4145": (500, {3500: 4, 4500: 4, 5000: 2.6, 6000: 1, 7000: 0.3, 8000: 0}),
    "FeI 4262": (450, {3500: 4, 4500: 4, 5000: 3, 6000: 1.4, 7000: 0.5, 8000: 0}),
    "CaI 4464": (550, {3500: 3, 4500: 2.2, 5000: 1.6, 6000: 0.7, 7000: 0.2, 8000: 0}),
    "FeI 4538": (800, {3500: 5, 4500: 4.4, 5000: 3.4, 6000: 1.8, 7000: 0.8, 8000: 0}),
    "FeI 5017": (1000, {3500: 6, 4500: 6, 5000: 4.6, 6000: 2.4, 7000: 1, 8000: 0}),
    "FeI 5403": (450, {3500: 3, 4500: 2.2, 5000: 1.5, 6000: 0.6, 7000: 0.2, 8000: 0}),
    "FeI 5711": (400, {3500: 1.6, 4500: 1.1, 5000: 0.9, 6000: 0.3, 7000: 0}),
    "FeI 5789": (350, {3500: 1.4, 4500: 1.0, 5000: 0.7, 6000: 0.2, 7000: 0}),
    "CaII K": (380, {3000: 9, 3500: 12, 4000: 16, 4500: 17, 5000: 14, 5500: 11, 6000: 8.5, 7000: 5,
                     8000: 2.5, 9000: 1.1, 10000: 0.5, 13000: 0}),
    "CaII H": (380, {3000: 7, 3500: 9, 4000: 12, 4500: 13, 5000: 11, 5500: 9, 6000: 6.5, 7000: 3,
                     8000: 1, 10000: 0}),
    "CaI 4228": (250, {3300: 6, 3800: 5, 4500: 3, 5000: 1.5, 6000: 0.4, 7000: 0}),
    "G band": (750, {3300: 2, 4000: 4, 4500: 6.5, 5000: 7.5, 5500: 6, 6000: 4, 7000: 0.7, 7800: 0}),
    "FeI 4385": (350, {3500: 4, 4500: 4, 5000: 3, 6000: 1.2, 7000: 0.5, 8500: 0}),
    "FeI 4669": (900, {3500: 3, 4500: 4, 5000: 3, 6000: 1, 7000: 0}),
    "Mgb": (650, {3300: 8, 3800: 11, 4500: 9, 5000: 5.5, 5500: 3.4, 6000: 2.2, 7000: 1, 8500: 0}),
    "FeI 5272": (350, {3500: 3, 4500: 3.6, 5000: 2.8, 6000: 1.5, 7000: 0.5, 8500: 0}),
    "FeI 5330": (300, {3500: 3, 4500: 3.2, 5000: 2.4, 6000: 1.2, 7000: 0.4, 8500: 0}),
    "FeI 5372": (300, {4000: 2, 5000: 1.2, 6000: 0.5, 7000: 0}),
    "NaD": (330, {2500: 18, 3000: 12, 3500: 9, 4000: 7, 4500: 4.2, 5000: 2.3, 5500: 1.5, 6000: 1,
                  7000: 0.4, 8500: 0}),
    "CaI 6104": (250, {3500: 1.5, 4500: 0.9, 5500: 0.4, 6500: 0}),
    "CaI 6164": (300, {3500: 3, 4500: 2.2, 5500: 0.9, 6500: 0.2, 7500: 0}),
    "BaII 6498": (350, {4000: 2, 5000: 1.2, 6000: 0.6, 7000: 0}),
    "KI 7668": (300, {1800: 60, 2500: 16, 3000: 4, 3500: 1.5, 4200: 0}),
    "KI 7701": (300, {1800: 60, 2500: 14, 3000: 3, 3500: 1, 4200: 0}),
    "NaI 8191": (330, {2000: 8, 2800: 9, 3300: 5, 3800: 2.5, 4500: 0.8, 5500: 0}),
    "CaII 8500": (220, {2500: 0, 3000: 0.7, 4000: 1.4, 6000: 1.2, 8000: 0.8, 10000: 0}),
    "CaII 8544": (260, {2500: 0, 3000: 1.7, 4000: 3.4, 6000: 2.8, 8000: 1.8, 10000: 0}),
    "CaII 8665": (250, {2500: 0, 3000: 1.4, 4000: 2.9, 6000: 2.4, 8000: 1.5, 10000: 0}),
    "FeI 8691": (250, {3500: 1.2, 4500: 0.9, 6000: 0.3, 7000: 0}),
    "MgI 8809": (250, {3500: 1, 4500: 0.9, 6000: 0.4, 7000: 0}),
}  # fmt: skip

HELIUM_EW: Knots = {11000: 0, 15000: 0.6, 20000: 1.1, 28000: 1.0, 35000: 0.6, 45000: 0.2}
HELIUM_LINES = ("HeI 4027", "HeI 4389", "HeI 4473", "HeI 4923", "HeI 5877", "HeI 6680")
HELIUM_ION_EW: Knots = {29000: 0, 35000: 0.6, 45000: 1.5}

# Head, tail (Angstrom, negative toward the blue), depth at full strength.
TITANIUM_OXIDE = ((4762, 150, 0.5), (4955, 170, 0.8), (5168, 150, 0.6), (5450, 170, 0.5),
                  (5598, 120, 0.3), (5760, 90, 0.35), (5848, 200, 0.6), (6160, 240, 0.8),
                  (6652, 190, 0.65), (7055, 110, 0.7), (7126, 170, 0.7), (7590, 200, 0.6),
                  (8206, 90, 0.15), (8433, 160, 0.45), (8860, 170, 0.4),
                  (9210, 170, 0.2))  # fmt: skip
TITANIUM_OXIDE_DEPTH: Knots = {1900: 0.1, 2300: 0.9, 2600: 1.5, 2900: 1.4, 3200: 1.1, 3500: 0.75,
                               3800: 0.35, 4000: 0.12, 4300: 0}  # fmt: skip
HYDRIDES = ((6346, 40, 0.25), (6382, 50, 0.35), (6750, 90, 0.3), (6903, 70, 0.45), (8692, 60, 0.1),
            (9896, 120, 0.3))  # fmt: skip
HYDRIDE_DEPTH: Knots = {1900: 1.3, 2600: 1.2, 3200: 0.9, 3600: 0.5, 3900: 0.15, 4200: 0}
VANADIUM_OXIDE = ((7334, 150, 0.35), (7851, 110, 0.35), (8521, 90, 0.25))
VANADIUM_OXIDE_DEPTH: Knots = {1900: 0.2, 2200: 1.4, 2600: 1.0, 2900: 0.4, 3100: 0}
SWAN = ((4383, -150, 0.5), (4737, -180, 0.9), (5165, -180, 1.0), (5636, -170, 0.6),
        (6192, -120, 0.25))  # fmt: skip
"""C2 in carbon stars and in white dwarfs of type DQ."""
CYANOGEN = ((3884, -70, 0.35), (4217, -60, 0.2))
COLOR: Knots = {1800: 0.82, 2500: 0.78, 3000: 0.80, 3500: 0.88, 4000: 0.97, 4500: 1}
"""Temperature of the continuum's color over the effective one, below 4500 K."""
CYANOGEN_DEPTH: Knots = {3500: 0.5, 4200: 1.2, 4800: 1, 5500: 0.5, 6200: 0.1, 6800: 0}


def at(knots: Knots, temperature: Array) -> Array:
    """Return a strength at each temperature, float32 (n,)."""
    strength = np.interp(np.log(temperature), np.log(list(knots)), list(knots.values()))
    return strength.astype(np.float32)


def planck(wavelength: Array, temperature: Array) -> Array:
    """Return black-body flux per unit wavelength, 1 at 5500 Angstrom.

    Args:
        wavelength: (n, bins), Angstrom.
        temperature: (n,), K.
    """
    c2 = 1.4387769e8  # h c / k, Angstrom K
    cold = np.float32(c2) / temperature[:, None]
    exponent = np.minimum(cold / wavelength, 80)
    return (wavelength / 5500) ** -5 * np.expm1(cold / 5500) / np.expm1(exponent)


def continuum(wavelength: Array, temperature: Array, metals: Array) -> Array:
    """Return a black body with Balmer jump and blanketing, about 1 at 5500 Angstrom.

    Args:
        wavelength: (n, bins), rest frame, Angstrom.
        temperature: (n,), K.
        metals: (n,), strength of metal lines relative to the Sun's at that temperature.
    """
    # The limit is at 3647 Angstrom; the higher lines, which are not drawn, merge below 3750.
    jump = at(BALMER_JUMP, temperature)[:, None] * falling(wavelength, 3740, 40)
    # Paschen jump, a tenth as deep.
    jump += 0.12 * at(BALMER_JUMP, temperature)[:, None] * falling(wavelength, 8400, 120)
    blanketing = (at(BLANKETING, temperature) * np.sqrt(metals))[:, None]
    haze = 1.8 * blanketing * np.maximum(5200 - wavelength, 0) / 1600
    break_4000 = 1.4 * blanketing * falling(wavelength, 3985, 25)
    color = temperature * at(COLOR, temperature)
    return planck(wavelength, color) * np.exp(-(jump + haze + break_4000))


def falling(wavelength: Array, where: float, width: float) -> Array:
    """Return 1 blueward of `where`, 0 redward."""
    return 0.5 - 0.5 * np.tanh((wavelength - np.float32(where)) / np.float32(width))


def absorption(
    grid: LogGrid,
    wavelength: Array,
    temperature: Array,
    metals: Array,
    hydrogen: Array,
    molecules: Array,
    gravity: Array,
    velocity: Array,
) -> Array:
    """Return the optical depth of lines and bands, float32 (n, bins).

    Args:
        grid: the bins.
        wavelength: (n, bins), rest frame, Angstrom.
        temperature: (n,), K.
        metals: (n,), strength of metal lines, 1 for the Sun's metallicity.
        hydrogen: (n,), strength of the Balmer lines, 1 for a dwarf.
        molecules: (n,), strength of molecular bands, 1 for a dwarf of solar metallicity.
        gravity: (n,), width of the Balmer lines, 1 for a dwarf.
        velocity: (n,), km/s.
    """
    depth = np.zeros_like(wavelength)
    z = velocity / np.float32(SPEED_OF_LIGHT)
    balmer = hydrogen * at(BALMER_EW, temperature)
    for name, ratio in BALMER_RATIOS.items():
        width = gravity * (160 + 55 * np.sqrt(np.maximum(balmer, 0)))
        add_line(depth, grid, REST[name], 0.55 * ratio * balmer, width, z=z)
        add_line(depth, grid, REST[name], 0.45 * ratio * balmer, 3.2 * width, z=z)
    for name, (width_km_s, knots) in METAL_LINES.items():
        add_line(depth, grid, REST[name], metals * at(knots, temperature), width_km_s, z=z)
    hot = temperature > 10500
    if hot.any():
        helium = at(HELIUM_EW, temperature)
        for name in HELIUM_LINES:
            add_line(depth, grid, REST[name], helium, 250 * gravity, z=z)
        for name in ("HeII 4686", "HeII 5413"):
            add_line(depth, grid, REST[name], at(HELIUM_ION_EW, temperature), 300 * gravity, z=z)
    for bands, knots, top in (
        (TITANIUM_OXIDE, TITANIUM_OXIDE_DEPTH, 4300),
        (HYDRIDES, HYDRIDE_DEPTH, 4200),
        (VANADIUM_OXIDE, VANADIUM_OXIDE_DEPTH, 3100),
        (CYANOGEN, CYANOGEN_DEPTH, 6800),
    ):
        rows = np.flatnonzero(temperature < top)
        if len(rows) == 0:
            continue
        part, strength = depth[rows], molecules[rows] * at(knots, temperature[rows])
        for head, width, full in bands:
            add_band(part, wavelength[rows], head, full * strength, width)
        depth[rows] = part
    return depth
