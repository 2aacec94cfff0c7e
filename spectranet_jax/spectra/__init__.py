"""What a spectrum is: grid, normalization, noise, labels, identity and flags. No JAX here."""

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import QUASARNET_GRID, LogGrid, rebin
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.normalize import moments, normalize

__all__ = [
    "CLASSES",
    "QUASARNET_GRID",
    "InputError",
    "LogGrid",
    "moments",
    "normalize",
    "rebin",
]
