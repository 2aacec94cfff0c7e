"""Cool dwarfs: M dwarfs (quiet, active and flaring), metal-poor subdwarfs, and L dwarfs."""

import numpy as np

from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.normal_stars import in_frame, normal_stars, velocities
from data_prep.mock.photospheres import HYDRIDES, planck
from data_prep.mock.profiles import Array, add_band, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import BALMER, REST, SPEED_OF_LIGHT


def cool(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = np.where(
        rng.random(n) < 0.1, rng.uniform(1700, 2300, n), rng.triangular(2300, 3300, 4400, n)
    )
    metals, velocity = 10 ** rng.uniform(-0.4, 0.2, n), velocities(rng, n)
    flux = normal_stars(rng, grid, temperature, metals, velocity=velocity)
    emission = np.zeros_like(flux)
    active = (rng.random(n) < 0.3) * log_uniform(rng, n, 0.7, 10)
    for name, ratio in zip(BALMER[:3], (1.0, 0.5, 0.3), strict=True):
        add_line(emission, grid, REST[name], active * ratio, 130, z=velocity / SPEED_OF_LIGHT)
    return flux * (1 + emission)


ALKALI = {
    "KI": (7684.0, 5000, (40, 260)),
    "NaD": (REST["NaD"], 8000, (60, 300)),
    "RbI 7802": (7802.4, 280, (1.5, 9)),
    "RbI 7950": (7949.8, 280, (1.5, 9)),
    "CsI 8523": (8523.5, 280, (1.0, 8)),
    "CsI 8946": (8945.9, 280, (0.7, 6)),
}
"""Line -> vacuum Angstrom (NIST), width in km/s, and the range of equivalent widths from L0 to L8,
Angstrom; after Kirkpatrick et al. (1999, ApJ 519, 802; cited from memory). The entries of K I and
Na I are pressure-broadened wings; `photospheres` adds the cores.
"""

DUSTY_BANDS = {"CrH 8611": (8611, 80, 0.45), "FeH 8692": (8692, 70, 0.55), "H2O": (9250, 260, 0.5),
               "FeH 9896": (9896, 150, 0.6), "CrH 9969": (9969, 130, 0.4)}  # fmt: skip
"""Band -> head and tail in Angstrom, and depth at full strength."""


def l_dwarfs(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw L dwarfs of 1350 to 2300 K, float32 (n, bins).

    They have strong alkali lines and hydride bands, and no titanium oxide.
    """
    kelvin = rng.uniform(1350, 2300, n).astype(np.float32)
    late = (2300 - kelvin) / 950
    metals, velocity = 10 ** rng.uniform(-0.3, 0.1, n), velocities(rng, n)
    flux = normal_stars(rng, grid, np.maximum(kelvin, 1750), metals, velocity=velocity)
    wavelength, depth = in_frame(grid, velocity), np.zeros_like(flux)
    for at, width, (low, high) in ALKALI.values():
        strength = low * (high / low) ** late * log_normal(rng, n, 1, 0.25)
        add_line(depth, grid, at, strength, width, z=velocity / SPEED_OF_LIGHT)
    for head, tail, full in DUSTY_BANDS.values():
        grown = 0.1 + late if head == DUSTY_BANDS["H2O"][0] else 1.2 * np.exp(-((late / 0.8) ** 2))
        add_band(depth, wavelength, head, full * grown * log_normal(rng, n, 1, 0.3), tail)
    return flux * np.exp(-depth)


def m_subdwarfs(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw M subdwarfs, sdM to usdM, float32 (n, bins): strong CaH at 6380 and 6900, weak TiO.

    The classes are those of Lepine et al. (2007, ApJ 669, 1235; cited from memory).
    """
    metals, velocity = 10 ** rng.uniform(-1.6, -0.7, n), velocities(rng, n)
    flux = normal_stars(rng, grid, rng.uniform(3000, 3900, n), metals, velocity=velocity)
    wavelength, depth = in_frame(grid, velocity), np.zeros_like(flux)
    amount = log_uniform(rng, n, 0.4, 2.2)
    for head, tail, full in HYDRIDES[:4]:  # CaH
        add_band(depth, wavelength, head, full * amount, tail)
    add_line(depth, grid, REST["NaD"], rng.uniform(0, 8, n), 600, z=velocity / SPEED_OF_LIGHT)
    return flux * np.exp(-depth)


FLARE_LINES = dict(zip(BALMER[:7], (1.0, 0.9, 0.8, 0.7, 0.6, 0.45, 0.3), strict=True)) | {
    "CaII K": 0.4,
    "CaII H": 0.35,
    "HeI 5877": 0.12,
    "HeI 4473": 0.1,
}
"""Flux of a flare's lines relative to H-alpha."""


def flaring(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw M dwarfs in a flare, float32 (n, bins): lines of H, He, Ca II, and a hot continuum."""
    metals, velocity = 10 ** rng.uniform(-0.3, 0.2, n), velocities(rng, n)
    flux = normal_stars(rng, grid, rng.uniform(2600, 3600, n), metals, velocity=velocity)
    wavelength, z = in_frame(grid, velocity), velocity / SPEED_OF_LIGHT
    level = np.take_along_axis(flux, np.abs(wavelength - 6500).argmin(axis=1)[:, None], axis=1)
    hot = planck(wavelength, rng.uniform(8000, 13000, n).astype(np.float32))
    flux += log_uniform(rng, n, 0.003, 0.3)[:, None] * level * hot
    emission, halpha = np.zeros_like(flux), log_uniform(rng, n, 4, 60)
    for name, ratio in FLARE_LINES.items():
        add_line(emission, grid, REST[name], halpha * log_normal(rng, n, ratio, 0.2), 150, z=z)
    return flux + level * emission
