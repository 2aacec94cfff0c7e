"""Lines and bands painted onto a log-wavelength grid, every spectrum at once.

A profile is integrated over each bin, so that a line narrower than a bin keeps its equivalent
width. What is painted is a dimensionless depth: flux adds `continuum * depth` for emission and is
multiplied by exp(-depth) for absorption.
"""

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

Array = NDArray[np.floating]
"""(n,) for a property of each spectrum, float64 or float32; (n, bins) for spectra, float32."""

Values = NDArray[np.floating] | NDArray[np.bool_] | float
"""A number, or one per spectrum."""


def _normal_cdf(x: Array) -> Array:
    """Normal distribution function to 2e-4, in the form of Page (1977, Appl. Stat. 26, 75).

    The form was checked in a second source.
    """
    return 0.5 + 0.5 * np.tanh(0.7978846 * x * (1 + 0.044715 * x * x))


def _split_cdf(x: Array, left: Array, right: Array) -> Array:
    """Return the distribution function of a normal whose width differs on its two sides."""
    width = np.where(x < 0, left, right)
    return (left + width * (2 * _normal_cdf(x / width) - 1)) / (left + right)


def add_line(
    depth: Array,
    grid: LogGrid,
    rest: Values,
    equivalent_width: Values,
    sigma: Values,
    sigma_red: Values | None = None,
    z: Values = 0.0,
) -> None:
    """Add a line to each row of `depth`, in place.

    Args:
        depth: (n, bins), what to paint on.
        grid: the bins.
        rest: wavelength of the line's mode in its frame, Angstrom; scalar or (n,).
        equivalent_width: in the same frame, Angstrom; scalar or (n,), 0 for no line.
        sigma: width of the normal profile blueward of the mode, km/s; scalar or (n,).
        sigma_red: the width redward, km/s; as blueward unless given.
        z: redshift of the frame; scalar or (n,).
    """
    n, bins = depth.shape
    bin_width = np.log(10) * grid.dloglam
    full = np.zeros(n, np.float32)
    mode = np.log10(full + np.asarray(rest) * (1 + np.asarray(z)), dtype=np.float64)
    mode = (mode - np.log10(grid.start)) / grid.dloglam
    left = full + np.float32(1) * sigma / (SPEED_OF_LIGHT * bin_width)
    right = left if sigma_red is None else full + sigma_red / (SPEED_OF_LIGHT * bin_width)
    area = full + np.asarray(equivalent_width) / np.asarray(rest) / bin_width

    reach = int(np.ceil(4 * max(left.max(initial=0), right.max(initial=0)))) + 1
    rows = np.flatnonzero((area != 0) & (mode > -reach) & (mode < bins + reach))
    if len(rows) == 0:
        return
    first = np.floor(mode[rows]).astype(np.int64) - reach
    edges = np.arange(2 * reach + 2)
    x = (first[:, None] + edges - mode[rows, None]).astype(np.float32)
    cdf = _split_cdf(x, left[rows, None].astype(np.float32), right[rows, None].astype(np.float32))
    profile = np.diff(cdf, axis=1) * area[rows, None].astype(np.float32)
    columns = first[:, None] + edges[:-1]
    inside = (columns >= 0) & (columns < bins)
    depth[np.broadcast_to(rows[:, None], inside.shape)[inside], columns[inside]] += profile[inside]


def add_band(
    depth: Array,
    wavelength: Array,
    head: float,
    strength: Values,
    width: float,
    edge: float = 8.0,
) -> None:
    """Add a molecular band to each row of `depth`, in place: a sharp head and an exponential tail.

    Args:
        depth: (n, bins), what to paint on.
        wavelength: (n, bins), in the frame of the band, Angstrom.
        head: wavelength of the band's head, Angstrom.
        strength: depth at the head; scalar or (n,).
        width: e-folding length of the tail, Angstrom; negative for a band degraded to the blue.
        edge: smoothness of the head, Angstrom.
    """
    offset = (wavelength - np.float32(head)) * np.float32(np.sign(width))
    tail = np.exp(-np.maximum(offset, 0) / np.float32(abs(width)))
    rise = 0.5 + 0.5 * np.tanh(offset / np.float32(edge))
    depth += np.asarray(strength, np.float32).reshape(-1, 1) * tail * rise
