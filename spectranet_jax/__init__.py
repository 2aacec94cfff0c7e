"""SpectraNET-JAX: what is this spectrum, and at what redshift?

    import spectranet_jax as snj
    snj.load().predict(snj.read("spec.fits"))

`spectrum` and `from_arrays` make spectra of arrays on any wavelengths, with units; `predict` takes
those of specutils too. Importing the package imports nothing heavy: these names are imported at
first use, and reading imports no JAX. Its rooms:

- `spectranet_jax.spectra`: what a spectrum is
- `spectranet_jax.readers`: files to spectra
- `spectranet_jax.datasets`: a dataset folder on disk
- `spectranet_jax.networks`: pure-functional Flax networks
- `spectranet_jax.tasks`: what is asked of a network
- `spectranet_jax.training`, `spectranet_jax.evaluation`
- `spectranet_jax.inference`: a trained model
- `spectranet_jax.catalog`: spectra to the rows of a catalog, at any number
- `spectranet_jax.inspection`: spectra to look at, and answers of inspectors
- `spectranet_jax.commands`: the console command `spectranet`
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectranet_jax.catalog.plots import plot_spectrum
    from spectranet_jax.inference import load
    from spectranet_jax.inspection.notebook import inspect
    from spectranet_jax.readers import read
    from spectranet_jax.readers.from_arrays import spectra as from_arrays
    from spectranet_jax.readers.from_arrays import spectrum

__all__ = ["__version__", "from_arrays", "inspect", "load", "plot_spectrum", "read", "spectrum"]

__version__ = "0.2.0"

_MODULES = {
    "from_arrays": ("spectranet_jax.readers.from_arrays", "spectra"),
    "inspect": ("spectranet_jax.inspection.notebook", "inspect"),
    "load": ("spectranet_jax.inference", "load"),
    "plot_spectrum": ("spectranet_jax.catalog.plots", "plot_spectrum"),
    "read": ("spectranet_jax.readers", "read"),
    "spectrum": ("spectranet_jax.readers.from_arrays", "spectrum"),
}
"""Name -> its module, and its name there."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _MODULES[name]
    return getattr(importlib.import_module(module), attribute)
