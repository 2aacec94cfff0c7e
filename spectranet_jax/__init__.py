"""SpectraNET-JAX: what is this spectrum, and at what redshift?

    import spectranet_jax as snj
    snj.load().predict(snj.read("spec.fits"))

Importing the package imports nothing heavy: `load` and `read` are imported at first use, and
reading imports no JAX. Its rooms:

- `spectranet_jax.spectra`: what a spectrum is
- `spectranet_jax.readers`: files to spectra
- `spectranet_jax.datasets`: a dataset folder on disk
- `spectranet_jax.networks`: pure-functional Flax networks
- `spectranet_jax.tasks`: what is asked of a network
- `spectranet_jax.training`, `spectranet_jax.evaluation`
- `spectranet_jax.inference`: a trained model
- `spectranet_jax.catalog`: spectra to the rows of a catalog, at any number
- `spectranet_jax.commands`: the console command `spectranet`
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectranet_jax.inference import load
    from spectranet_jax.readers import read

__all__ = ["__version__", "load", "read"]

__version__ = "0.1.0"

_HOMES = {"load": "spectranet_jax.inference", "read": "spectranet_jax.readers"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
