"""Doublets: painted as two lines where the pixels resolve them."""

from typing import NamedTuple

import numpy as np

from data_prep.mock.profiles import Array, Values, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT


class Doublet(NamedTuple):
    """Vacuum wavelengths of two lines, Angstrom, and the range of the red one's strength over the
    blue one's."""

    blue: float
    red: float
    ratio: tuple[float, float]

    @property
    def separation(self) -> float:
        """Separation of the two, km/s."""
        return SPEED_OF_LIGHT * (self.red / self.blue - 1)


DOUBLETS = {"[OII]": Doublet(3727.09, 3729.88, (0.7, 1.5))}
"""Line of `lines.REST` -> the two that it stands for. [O II] has 1.5 in thin gas, as in nearly all
galaxies, and less in dense gas.
"""


def add_named_line(
    rng: np.random.Generator,
    depth: Array,
    grid: LogGrid,
    name: str,
    equivalent_width: Array,
    sigma: Values,
    z: Values,
) -> None:
    """Add a line of `lines.REST` to each row of `depth`, in place: see `profiles.add_line`.

    A doublet is two lines where bins are narrower than their separation; its ratio is then drawn
    for each row.
    """
    doublet = DOUBLETS.get(name)
    if doublet is None or grid.bin_kms > doublet.separation:
        add_line(depth, grid, REST[name], equivalent_width, sigma, z=z)
        return
    red = (ratio := rng.uniform(*doublet.ratio, len(depth))) / (1 + ratio)
    add_line(depth, grid, doublet.blue, (1 - red) * equivalent_width, sigma, z=z)
    add_line(depth, grid, doublet.red, red * equivalent_width, sigma, z=z)
