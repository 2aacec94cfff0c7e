"""Trained models at work: `load().predict(flux, ivar)` gives a catalog."""

from spectranet_jax.inference.model import Model, load, predict

__all__ = ["Model", "load", "predict"]
