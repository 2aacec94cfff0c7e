"""QuasarNET's encoding of a line's position: one of a few boxes of pixels, and an offset in it.

The grid is cut into boxes of equal width; a line at pixel p of n, among b boxes, stands at p * b /
n: the integer part is its box, the rest its offset. Wavelengths between pixels are interpolated
linearly between the pixels' left edges, both ways, which is what QuasarNET does (Busca & Balland
2018, section 3; box_offset and process_preds of its code). NumPy only, float64.
"""

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid

LINES = {
    "LYA": 1215.67,
    "CIV": 1548.2049,
    "CIII": 1908.734,
    "MgII": 2796.3511,
    "Hbeta": 4862.68,
    "Halpha": 6562.8,
}
"""QuasarNET's lines and their rest wavelengths, Angstrom. They are its own: the blue line of a
doublet, and H alpha in air (83 km/s off) where the others are in vacuum."""

OFF_GRID = -1
"""The box of a line that is off the grid."""

Float64Array = NDArray[np.float64]


def encode(
    z: NDArray[np.floating], rest: float, boxes: int, grid: LogGrid
) -> tuple[NDArray[np.int64], Float64Array]:
    """Encode a line's position as box and offset.

    Args:
        z: (n,), redshift; NaN for none.
        rest: rest wavelength of the line, Angstrom.
        boxes: how many there are.
        grid: the pixels.

    Returns:
        box, int64 (n,), OFF_GRID where the line is not on the grid; offset, float64 (n,), 0 to 1,
        and 0 there.
    """
    left = grid.edges[:-1]
    wavelength = (1 + np.asarray(z, np.float64)) * rest
    on_grid = (wavelength >= left[0]) & (wavelength <= left[-1])
    pixel = np.interp(np.where(on_grid, wavelength, left[0]), left, np.arange(grid.size))
    position = pixel * boxes / grid.size
    box = np.floor(position).astype(np.int64)
    return np.where(on_grid, box, OFF_GRID), np.where(on_grid, position - box, 0.0)


def decode(
    box: NDArray[np.integer],
    offset: NDArray[np.floating],
    rest: float,
    boxes: int,
    grid: LogGrid,
) -> Float64Array:
    """Decode the redshift of a line, float64 (n,): the inverse of `encode`.

    A position beyond the first or last pixel is extrapolated along the straight line through the
    two pixels there.

    Args:
        box: (n,), 0 to boxes - 1.
        offset: (n,), also below 0 or above 1.
        rest: rest wavelength of the line, Angstrom.
        boxes: how many there are.
        grid: the pixels.
    """
    left = grid.edges[:-1]
    pixel = (np.asarray(box) + np.asarray(offset, np.float64)) * grid.size / boxes
    before = np.clip(np.floor(pixel).astype(np.int64), 0, grid.size - 2)
    wavelength = left[before] + (pixel - before) * (left[before + 1] - left[before])
    return wavelength / rest - 1
