"""Prediction: ours against PyTorch and NumPy with the same weights, by batch and by precision."""

from dataclasses import replace

import jax
import numpy as np

from experiments.benchmarks import numpy_forward, ours
from experiments.benchmarks.refined_speed import refinement_rows
from experiments.benchmarks.rows import Row, Setting, medians, rates
from experiments.benchmarks.torch_found import torch_peers
from spectranet_jax.spectra import QUASARNET_GRID
from spectranet_jax.training.steps import prediction_batch

PEER = "PyTorch channels-last"

BATCHES = (32, 128, 256, 512, 1024)
"""Batch sizes that prediction's own is measured against."""


def infer_rows(setting: Setting) -> list[Row]:
    """Measure spectra predicted per second."""
    return [
        *_peers(setting),
        _linenet(setting),
        *refinement_rows(setting),
        *_batches(setting),
        *_precision(setting),
    ]


def _peers(setting: Setting) -> list[Row]:
    """Measure ours, normalization included, against peers that are given normalized spectra.

    Ours in batches of the size that it chooses, the peers in the one asked for, and in ours.
    """
    peers = torch_peers()
    small = replace(setting, batch=prediction_batch(QUASARNET_GRID))
    rows: list[Row] = []
    for subject in numpy_forward.FORWARD:
        sides = {"ours": (small, ours.prediction(subject, small))}
        for size in (setting, small):
            named = f"{size.batch} at a time"
            if peers is not None:
                sides[f"{PEER}, {named}"] = size, peers.prediction(subject, size, PEER)
            sides[f"NumPy, {named}"] = size, numpy_forward.prediction(subject, size)
        sides["the plain form"] = small, ours.prediction(subject, small, plain=True)
        seconds = medians({name: call for name, (_, call) in sides.items()}, setting.repeats)
        each = {name: seconds[name] / size.batch for name, (size, _) in sides.items()}
        rows += rates(f"prediction, {subject}", each, spectra=1)
    return rows


def _linenet(setting: Setting) -> Row:
    """Measure LineNet, which has no peer, beside Table 1."""
    small = replace(setting, batch=prediction_batch(QUASARNET_GRID))
    sides = {name: ours.prediction(name, small) for name in ("LineNet", "Table 1")}
    (row,) = rates("prediction, LineNet", medians(sides, setting.repeats), small.batch)
    return row


def _batches(setting: Setting) -> list[Row]:
    """Measure other batch sizes against prediction's own."""
    chosen = prediction_batch(QUASARNET_GRID)
    sizes = (chosen, *(size for size in BATCHES if size != chosen))
    rows: list[Row] = []
    for subject in ("Table 1", "LineNet"):
        sides = {
            str(size): ours.prediction(subject, replace(setting, batch=size)) for size in sizes
        }
        seconds = medians(sides, setting.repeats)
        rate = {size: size / seconds[str(size)] for size in sizes}
        rows += [
            Row(f"prediction, {subject}, {chosen} at a time", rate[chosen], f"{size} at a time",
                rate[size], "spectra/s", rate[chosen] / rate[size])
            for size in sizes[1:]
        ]  # fmt: skip
    return rows


def _precision(setting: Setting) -> list[Row]:
    """Measure a lower precision, if requested, against float32: speed, and effect on results."""
    if setting.precision == "float32":
        return []
    rows: list[Row] = []
    for subject in ours.SUBJECTS:
        lower = ours.prediction(subject, setting)
        exact = ours.prediction(subject, replace(setting, precision="float32"))
        change = _largest_change(lower(), exact())
        seconds = medians({setting.precision: lower, "float32": exact}, setting.repeats)
        case = f"prediction, {subject}, {setting.precision}, which changes outputs by {change:.0e}"
        rows += rates(case, seconds, setting.batch)
    return rows


def _largest_change(lower: object, exact: object) -> float:
    leaves = zip(jax.tree.leaves(lower), jax.tree.leaves(exact), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in leaves)
