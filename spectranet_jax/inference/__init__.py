"""Trained models at work: `load().predict(flux, ivar)` gives a catalog."""

from spectranet_jax.inference.loading import load
from spectranet_jax.inference.model import Model, predict

__all__ = ["Model", "load", "predict"]
