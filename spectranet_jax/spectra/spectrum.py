"""A spectrum as a survey file gives it, before any rebinning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.identity import Identity

_UNKNOWN: Mapping[str, int | float | str] = MappingProxyType({})


@dataclass(frozen=True, repr=False)
class Spectrum:
    """One object's co-added spectrum.

    Attributes:
        name: plate-mjd-fiber or TARGETID: what the survey calls it.
        loglam: (pixels,) float64, log10 of the vacuum wavelength in Angstrom.
        flux: (pixels,) float32, 1e-17 erg/s/cm^2/Angstrom.
        ivar: (pixels,) float32, inverse variance of flux; 0 where masked.
        source: the file it came from, as given.
        identity: what the file says of observation and object: see `spectra.identity`.
        flags: bits of `spectra.flags` that only the file can tell.
    """

    name: str
    loglam: NDArray[np.float64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    source: str
    identity: Identity = field(default_factory=lambda: _UNKNOWN)
    flags: int = 0

    def __repr__(self) -> str:
        finite = self.loglam[np.isfinite(self.loglam)]
        ends = 10 ** np.array([finite.min(), finite.max()]) if len(finite) else np.zeros(2)
        return (
            f"Spectrum {self.name}: {len(self.loglam)} pixels, {ends[0]:.0f} to {ends[1]:.0f}"
            f" Angstrom, {f'of {self.source}' if self.source else 'from memory'}"
        )
