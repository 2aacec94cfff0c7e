"""Search for a model among the shipped ones, in a run folder, or in a file. Without JAX."""

from pathlib import Path

from spectranet_jax.inference import versions
from spectranet_jax.spectra.errors import InputError

DEFAULT = "linenet"
"""The shipped model that is used when none is named."""


def find(model: str | Path) -> Path:
    """Return a model's place: a shipped one's folder by its name, a run folder, or an HDF5 file.

    A string is looked up among the shipped models first; a `Path` is always a folder or a file.

    Raises:
        InputError: if there is no such model.
    """
    models = versions.shipped()
    folder = models.get(model, Path(model)) if isinstance(model, str) else model
    if not folder.exists():
        raise InputError(
            f"{model} is neither a run folder, nor a file of Keras weights, nor a shipped model"
            f" ({', '.join(models) or 'none'}); check the name"
        )
    return folder
