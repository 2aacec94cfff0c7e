"""Cataclysmic variables: accretion disks and streams with emission of hydrogen and helium."""

import numpy as np

from data_prep.mock.cool_stars import cool
from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.normal_stars import velocities
from data_prep.mock.profiles import Array, add_line
from data_prep.mock.white_dwarfs import HELIUM_LINES
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import BALMER, REST, SPEED_OF_LIGHT


def cataclysmic(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw disks with emission of hydrogen and helium, often double, over the donor star."""
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), (n, grid.size))
    slope = rng.uniform(-3, 0.2, (n, 1)).astype(np.float32)
    disk = (wavelength / 5500) ** slope
    z, width = velocities(rng, n) / np.float32(SPEED_OF_LIGHT), log_uniform(rng, n, 250, 1100)
    separation = (rng.random(n) < 0.4) * 0.9 * width / np.float32(SPEED_OF_LIGHT)
    hydrogen, decline = log_uniform(rng, n, 4, 130), rng.uniform(0.5, 1, n)
    helium, ion = log_uniform(rng, n, 0.05, 0.4), log_uniform(rng, n, 0.02, 0.6)
    lines = dict(zip(BALMER[:7], hydrogen * decline ** np.arange(7)[:, None], strict=True))
    lines |= {name: hydrogen * helium * HELIUM_LINES[name] / 1.5
              for name in ("HeI 4473", "HeI 5017", "HeI 5877", "HeI 6680", "HeI 7067")}  # fmt: skip
    lines |= {"HeII 4686": hydrogen * ion, "CaII 8544": hydrogen * helium * 0.4}
    emission = np.zeros_like(disk)
    for name, strength in lines.items():
        for side in (-1, 1):
            add_line(emission, grid, REST[name], strength / 2, width, z=z + side * separation)
    companion = cool(rng, n, grid)
    where = np.argmin(np.abs(grid.centers - 8000))
    companion *= (1 / np.maximum(companion[:, where], 1e-9))[:, None]
    amount = (rng.random((n, 1)) < 0.4) * rng.uniform(0.05, 1.5, (n, 1))
    return disk * (1 + emission) + disk[:, [where]] * amount.astype(np.float32) * companion


POLAR_LINES = dict(zip(BALMER[:7], (1.1, 1.0, 0.9, 0.8, 0.6, 0.5, 0.4), strict=True)) | {
    "HeI 4473": 0.3,
    "HeI 4923": 0.12,
    "HeI 5017": 0.12,
    "HeI 5877": 0.35,
    "HeI 6680": 0.2,
    "HeI 7067": 0.15,
    "HeII 5413": 0.12,
    "CaII 8544": 0.15,
}
"""Flux of a polar's lines relative to H-beta."""

BOWEN = 4645.0
"""The blend of C III and N III that the Bowen mechanism pumps, vacuum Angstrom."""


def polars(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw magnetic cataclysmic variables, float32 (n, bins).

    He II 4686 is about as strong as H-beta, the lines are strong with a flat decrement, and many
    stars have cyclotron humps over the donor star (Warner 1995, Cataclysmic Variable Stars; cited
    from memory).
    """
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), (n, grid.size))
    flux = (wavelength / 5500) ** rng.uniform(-2.5, 0.2, (n, 1)).astype(np.float32)
    for _ in range(2):
        center, width = rng.uniform(4000, 9000, (2, n, 1)) * np.array([[[1]], [[0.08]]])
        height = (rng.random((n, 1)) < 0.5) * rng.uniform(0.1, 1.2, (n, 1))
        flux += height * np.exp(-0.5 * ((wavelength - center) / width) ** 2)
    z, width = velocities(rng, n) * 2 / SPEED_OF_LIGHT, log_uniform(rng, n, 200, 600)
    hbeta, emission = log_uniform(rng, n, 12, 150), np.zeros_like(flux)
    for name, ratio in POLAR_LINES.items():
        member = hbeta * log_normal(rng, n, ratio, 0.25)
        add_line(emission, grid, REST[name], member, width, z=z)
    ion = hbeta * rng.uniform(0.35, 1.2, n)
    add_line(emission, grid, REST["HeII 4686"], ion, width, z=z)
    add_line(emission, grid, BOWEN, ion * rng.uniform(0.1, 0.4, n), width + 500, z=z)
    donor = cool(rng, n, grid)
    where = int(np.argmin(np.abs(grid.centers - 8000)))
    donor /= np.maximum(donor[:, [where]], 1e-9)
    return (flux + emission + donor * rng.uniform(0, 0.8, (n, 1))).astype(np.float32)


def dwarf_novae(rng: np.random.Generator, n: int, grid: LogGrid) -> Array:
    """Draw dwarf novae in quiescence, float32 (n, bins): Balmer lines with two peaks.

    The peaks are 350 to 1,000 km/s from the line center, where a disk seen edge-on is dark. In half
    of the spectra, the emission is in a broad absorption line of the white dwarf.
    """
    wavelength = np.broadcast_to(grid.centers.astype(np.float32), (n, grid.size))
    flux = (wavelength / 5500) ** rng.uniform(-2.2, -0.3, (n, 1)).astype(np.float32)
    z, half = velocities(rng, n) / SPEED_OF_LIGHT, rng.uniform(350, 1000, n)
    hbeta, decline = log_uniform(rng, n, 15, 150), rng.uniform(0.65, 1, n)
    under = (rng.random(n) < 0.5) * log_uniform(rng, n, 5, 40)
    lines = dict(zip(BALMER[:7], hbeta * decline ** np.arange(-1, 6)[:, None], strict=True))
    helium = hbeta * rng.uniform(0.1, 0.35, n)
    lines |= dict.fromkeys(("HeI 4473", "HeI 5877", "HeI 6680", "HeI 7067"), helium)
    lines |= {"HeII 4686": hbeta * rng.uniform(0, 0.2, n)}
    emission, absorbed = np.zeros_like(flux), np.zeros_like(flux)
    for name, strength in lines.items():
        for side in (-1, 1):
            at = z + side * half / SPEED_OF_LIGHT
            add_line(emission, grid, REST[name], strength / 2, 0.55 * half, z=at)
    for name in BALMER[1:6]:
        add_line(absorbed, grid, REST[name], under, 2500, z=z)
    return (flux * (np.exp(-absorbed) + emission)).astype(np.float32)
