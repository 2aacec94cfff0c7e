"""A spectrum as a survey file gives it, before any rebinning."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spectrum:
    """One object's co-added spectrum.

    Attributes:
        name: plate-mjd-fiber or TARGETID: what the survey calls it.
        loglam: (pixels,) float64, log10 of the vacuum wavelength in Angstrom.
        flux: (pixels,) float32, 1e-17 erg/s/cm^2/Angstrom.
        ivar: (pixels,) float32, inverse variance of flux; 0 where masked.
        source: the file it came from, as given.
        key: (plate, mjd, fiber), or (TARGETID, -1, -1): what catalogs are joined on.
        object_id: THING_ID, CATALOGID or TARGETID where the file tells it, else -1.
    """

    name: str
    loglam: NDArray[np.float64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    source: str
    key: tuple[int, int, int]
    object_id: int = -1
