"""Carbon stars: bands of C2, CN and CH in place of titanium oxide."""

import numpy as np

from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.normal_stars import in_frame, normal_stars, velocities
from data_prep.mock.photospheres import SWAN, planck
from data_prep.mock.profiles import Array, add_band, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

RED_CYANOGEN = ((5730, 60, 0.2), (6332, 80, 0.2), (6926, 90, 0.35), (7088, 70, 0.25),
                (7876, 110, 0.5), (8067, 90, 0.3), (9141, 130, 0.5))  # fmt: skip
BLUE_CYANOGEN = ((3884, -90, 1.2), (4217, -80, 0.9))


def carbon_stars(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    temperature = rng.uniform(3500, 5500, n).astype(np.float32)
    velocity = velocities(rng, n)
    wavelength = in_frame(grid, velocity)
    metals = 0.5 * log_normal(rng, n, 1, 0.5)
    flux = normal_stars(rng, grid, np.maximum(temperature, 4300), metals, velocity=velocity)
    flux *= planck(wavelength, temperature) / planck(wavelength, np.maximum(temperature, 4300))
    depth = np.zeros_like(flux)
    swan, red, blue = (log_uniform(rng, n, 0.15, top) for top in (1.6, 1.2, 2.5))
    for strength, bands in ((swan, SWAN), (red, RED_CYANOGEN), (blue, BLUE_CYANOGEN)):
        for head, tail, full in bands:
            add_band(depth, wavelength, head, full * strength, tail)
    return flux * np.exp(-depth)


def carbon_giants(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw CH giants and C-N giants in equal numbers, float32 (n, bins).

    CH giants have 4100 to 5200 K, few metals, bands of CH and C2, and lines of barium. C-N giants
    have 2400 to 3500 K, deep red bands of cyanogen, broad sodium lines, and almost no flux below
    5000 Angstrom.
    """
    cold = rng.random(n) < 0.5
    temperature = np.where(cold, rng.uniform(2400, 3500, n), rng.uniform(4100, 5200, n))
    temperature, atmosphere = temperature.astype(np.float32), np.maximum(temperature, 4300)
    atmosphere = atmosphere.astype(np.float32)
    velocity = velocities(rng, n)
    wavelength, z = in_frame(grid, velocity), velocity / SPEED_OF_LIGHT
    metals = 0.35 * log_normal(rng, n, 1, 0.5)
    flux = normal_stars(rng, grid, atmosphere, metals, velocity=velocity)
    flux *= planck(wavelength, temperature) / planck(wavelength, atmosphere)
    depth = np.zeros_like(flux)
    swan = log_uniform(rng, n, 0.4, 2.2)
    red = np.where(cold, log_uniform(rng, n, 0.5, 1.8), log_uniform(rng, n, 0.1, 0.5))
    blue = log_uniform(rng, n, 0.5, 2.5)
    for strength, bands in ((swan, SWAN), (red, RED_CYANOGEN), (blue, BLUE_CYANOGEN)):
        for head, tail, full in bands:
            add_band(depth, wavelength, head, full * strength, tail)
    add_band(depth, wavelength, 4325.0, ~cold * log_uniform(rng, n, 0.4, 1.5), -60)  # CH
    barium = ~cold * log_uniform(rng, n, 0.5, 3)
    for name in ("BaII 4555", "BaII 4935", "BaII 6498"):
        add_line(depth, grid, REST[name], barium, 300, z=z)
    add_line(depth, grid, REST["NaD"], cold * log_uniform(rng, n, 4, 20), 700, z=z)
    # C3 and SiC2 (cited from memory: Gray & Corbally 2009).
    haze = (cold * rng.uniform(0.3, 3, n))[:, None].astype(np.float32)
    depth += haze * np.maximum(5200 - wavelength, 0) / 800
    return flux * np.exp(-depth)
