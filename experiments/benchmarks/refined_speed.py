"""Prediction with refined redshifts: LineNet and refinement, beside LineNet alone and redrock."""

import importlib.util
import os
import time
from pathlib import Path

import numpy as np

from data_prep.mock.survey import blocks
from experiments.benchmarks.rows import Row, Setting, medians, rates
from experiments.redrock_itself import fitted
from spectranet_jax.datasets.records import Block, concatenate
from spectranet_jax.inference import load
from spectranet_jax.inference.basis import shipped
from spectranet_jax.inference.clean import clean
from spectranet_jax.inference.refined_columns import refined_columns

CASE = "prediction, LineNet and refinement"

FOR_REDROCK = 32
"""Spectra for timing redrock, with the preparation of its templates: it takes a second for each."""


def refinement_rows(setting: Setting) -> list[Row]:
    """Measure spectra refined per second, half mock galaxies, half quasars, without reading."""
    model, bases, spectra = load("linenet"), shipped(), _drawn(setting.batch)
    declared = model.task.posterior
    assert declared is not None
    native = spectra.native["flux"], spectra.native["ivar"]

    def network_columns() -> dict[str, np.ndarray]:
        flux, ivar, _ = clean(spectra.flux, spectra.ivar, model.grid)
        return model.columns(flux, ivar)

    def refined() -> object:
        return refined_columns(network_columns(), declared, spectra.native["phase"], *native, bases)

    sides = {"LineNet and refinement": refined, "LineNet alone": network_columns}
    seconds = medians(sides, setting.repeats)
    each = {name: took / len(spectra) for name, took in seconds.items()}
    return rates(CASE, each | _redrock(spectra), spectra=1)


def _drawn(count: int) -> Block:
    """Draw mock spectra with native pixels, half galaxies and half quasars of any redshift."""
    counts = {"GALAXY": count - count // 2, "QSO": count // 2}
    grid = load("linenet").grid
    return concatenate(list(blocks(counts, seed=0, grid=grid, workers=1, native=True)))


def _redrock(spectra: Block) -> dict[str, float]:
    """Redrock's seconds per spectrum, if it is installed and RR_TEMPLATE_DIR names a folder."""
    folder = os.environ.get("RR_TEMPLATE_DIR")
    if not folder or importlib.util.find_spec("redrock") is None:
        return {}
    sample = spectra.take(slice(None, None, max(1, len(spectra) // FOR_REDROCK)))
    start = time.perf_counter()
    fitted(sample.native["flux"], sample.native["ivar"], Path(folder))
    return {"redrock": (time.perf_counter() - start) / len(sample)}
