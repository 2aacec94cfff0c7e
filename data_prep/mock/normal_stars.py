"""Normal stars: photospheres with scatter in each family of lines, at random velocities."""

import numpy as np

from data_prep.mock.draws import NumpyDraws, log_normal
from data_prep.mock.photospheres import absorption, continuum
from data_prep.mock.profiles import Array
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT
from spectranet_jax.spectra.random_fields import smooth_field


def velocities(rng: np.random.Generator, n: int) -> Array:
    """Draw radial velocities of halo and disk stars, km/s, float32 (n,)."""
    return (rng.normal(0, 120, n)).astype(np.float32)


def in_frame(grid: LogGrid, velocity: Array) -> Array:
    """Return wavelengths in the star's frame, float32 (n, bins)."""
    beta = 1 + velocity[:, None] / SPEED_OF_LIGHT
    return (grid.centers / beta).astype(np.float32)


def normal_stars(
    rng: np.random.Generator,
    grid: LogGrid,
    temperature: Array,
    metals: Array,
    hydrogen: float = 1.0,
    gravity: Array | float = 1.0,
    velocity: Array | None = None,
) -> Array:
    """Draw photospheres with scatter in each family of lines, float32 (n, bins).

    Args:
        rng: of the scatter.
        grid: the bins.
        temperature: (n,), K.
        metals: (n,), strength of metal lines, 1 for the Sun's metallicity.
        hydrogen: strength of the Balmer lines, 1 for a dwarf.
        gravity: width of the Balmer lines, 1 for a dwarf; a number or (n,).
        velocity: (n,), km/s, if the caller adds more lines to the same stars; drawn by default.
    """
    n = len(temperature)
    temperature, metals = temperature.astype(np.float32), metals.astype(np.float32)
    velocity = velocities(rng, n) if velocity is None else velocity
    wavelength = in_frame(grid, velocity)
    depth = absorption(
        grid,
        wavelength,
        temperature,
        metals,
        log_normal(rng, n, 1, 0.2) * np.float32(hydrogen),
        log_normal(rng, n, 1, 0.2) * metals**0.5,
        (log_normal(rng, n, 1, 0.15) * gravity).astype(np.float32),
        velocity,
    )
    # Lines and bands of real stars differ by more than a common factor.
    depth *= np.exp(0.2 * smooth_field(NumpyDraws(rng), n, grid))
    color = temperature * log_normal(rng, n, 1, 0.05)  # real colors and lines differ, too
    return continuum(wavelength, color, metals) * np.exp(-depth)
