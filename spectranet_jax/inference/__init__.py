"""Prediction with trained models: `load().predict(flux, ivar)` gives a catalog."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectranet_jax.inference.loading import load
    from spectranet_jax.inference.model import Model, predict

__all__ = ["Model", "load", "predict"]

_MODULES = {"load": "loading", "Model": "model", "predict": "model"}


def __getattr__(name: str) -> Any:
    """Import on first use: finding a model's folder must not wait for JAX."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
