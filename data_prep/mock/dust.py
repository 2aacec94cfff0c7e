"""Extinction by dust: dimming and reddening by a column of dust."""

import numpy as np

from data_prep.mock.profiles import Array


def small_magellanic(wavelength: Array) -> Array:
    """Return A(wavelength) / E(B-V) of the Small Magellanic Cloud, the curve that quasars show.

    A power law, 1.39 (wavelength / micron)**-1.2: Prevot et al. (1984, A&A 132, 389) in the form of
    Richards et al. (2003, AJ 126, 1131; checked in a second source). Any shape, Angstrom.
    """
    return (1.39 * (wavelength / 1e4) ** -1.2).astype(np.float32)


def milky_way(wavelength: Array) -> Array:
    """Return A(wavelength) / E(B-V) of the Milky Way without the 2175 Angstrom bump, R_V 3.1.

    A power law of index -1.3 through A(V) = 3.1 E(B-V): within 15% of Cardelli et al. (1989) over
    3600 to 9000 Angstrom. Any shape, Angstrom.
    """
    return (3.1 * (wavelength / 5500) ** -1.3).astype(np.float32)


def dimming(curve: Array, reddening: Array) -> Array:
    """Return the transmitted fraction: `curve` (n, bins) is A/E(B-V), `reddening` (n,) E(B-V)."""
    return np.exp(np.float32(-0.4 * np.log(10)) * curve * reddening[:, None])
