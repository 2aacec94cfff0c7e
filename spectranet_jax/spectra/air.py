"""Conversion of air wavelengths to vacuum.

The refractive index is that of Ciddor (1996, Applied Optics 35, 1566) for standard air: dry, 15 C,
101,325 Pa, 450 ppm of CO2. Between 3,000 and 10,000 Angstrom, air wavelengths are shorter by 80 to
90 km/s.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORTEST = 2000.0
"""Angstrom. Below it, tables give vacuum wavelengths by convention, and nothing is converted."""

ITERATIONS = 4
"""Each iteration reduces the error by a factor of 1e5 or more."""


def refractive_index(vacuum: ArrayLike) -> NDArray[np.float64]:
    """Return the refractive index of standard air at vacuum wavelengths in Angstrom, same shape."""
    wavenumber = (1e4 / np.asarray(vacuum, np.float64)) ** 2  # squared, 1 / micron^2
    return 1 + 5.792105e-2 / (238.0185 - wavenumber) + 1.67917e-3 / (57.362 - wavenumber)


def to_vacuum(air: ArrayLike) -> NDArray[np.float64]:
    """Convert air wavelengths to vacuum, both in Angstrom and of the same shape; NaN stays NaN.

    The index is known as a function of the vacuum wavelength, so the relation is inverted by
    iteration, to the last digit.
    """
    air = np.asarray(air, np.float64)
    in_air = air >= SHORTEST
    start = np.where(in_air, air, SHORTEST)
    vacuum = start
    for _ in range(ITERATIONS):
        vacuum = start * refractive_index(vacuum)
    return np.where(in_air, vacuum, air)
