"""Redshifts of the same spectra by each method: the network's, corrected, and refined."""

from collections.abc import Mapping
from typing import Any

from experiments.refined_scores import Method
from spectranet_jax.inference import Model
from spectranet_jax.inference.clean import clean
from spectranet_jax.inference.refined_columns import refined_columns
from spectranet_jax.spectra.errors import InputError


def of_network(model: Model, flux: Any, ivar: Any) -> tuple[dict[str, Any], Any]:
    """Return the network's columns of n spectra in bins, and the names of p(z) among them."""
    declared = model.task.posterior
    if declared is None:
        raise InputError(f"{model.name} gives no p(z); name a LineNet")
    flux, ivar, _ = clean(flux, ivar, model.grid)
    return model.columns(flux, ivar), declared


def by_methods(
    model: Model,
    binned: tuple[Any, Any],
    native: tuple[Any, Any],
    phase: Any,
    truth: Any,
    bases: Mapping[str, Any],
) -> dict[str, Method]:
    """Return redshifts of n spectra: of the network, corrected, and refined.

    Args:
        model: of the task linenet.
        binned: flux and ivar, (n, bins) each, on the model's grid.
        native: flux and ivar, (n, 4750) each.
        phase: (n,), of the spectra's pixels, dex.
        truth: (n,), true redshifts.
        bases: name of a method -> basis vectors by kind.
    """
    columns, declared = of_network(model, *binned)
    methods = {"network": Method.of(columns, declared.edges, truth)}
    for name, vectors in ({"corrected": {}} | dict(bases)).items():
        result = refined_columns(columns, declared, phase, *native, vectors)
        methods[name] = Method.of(result, declared.edges, truth)
    return methods
