"""Prediction: ours against PyTorch and NumPy with the same weights, by batch and by precision."""

from dataclasses import replace

import jax
import numpy as np

from experiments.benchmarks import numpy_forward, ours
from experiments.benchmarks.rows import Row, Setting, medians, rates
from experiments.benchmarks.torch_found import torch_peers
from spectranet_jax.inference.model import BATCH

PEER = "PyTorch channels-last"

BATCHES = (32, 64, 128, 512, 1024)
"""Sizes that `inference.model.BATCH` is measured against."""


def infer_rows(setting: Setting) -> list[Row]:
    """Spectra predicted in a second."""
    return [*_peers(setting), _linenet(setting), *_batches(setting), *_precision(setting)]


def _peers(setting: Setting) -> list[Row]:
    """Ours, normalization included, against PyTorch, which is given normalized spectra."""
    peers = torch_peers()
    rows: list[Row] = []
    for subject in numpy_forward.FORWARD:
        sides = {"ours": ours.prediction(subject, setting)}
        if peers is not None:
            sides[PEER] = peers.prediction(subject, setting, PEER)
        sides["NumPy"] = numpy_forward.prediction(subject, setting)
        sides["the form for training"] = ours.prediction(subject, setting, as_trained=True)
        seconds = medians(sides, setting.repeats)
        rows += rates(f"prediction, {subject}", seconds, setting.batch)
    return rows


def _linenet(setting: Setting) -> Row:
    """It has no peer; Table 1 stands beside it."""
    sides = {name: ours.prediction(name, setting) for name in ("LineNet", "Table 1")}
    (row,) = rates("prediction, LineNet", medians(sides, setting.repeats), setting.batch)
    return row


def _batches(setting: Setting) -> list[Row]:
    """Other sizes of a batch against the one that prediction uses."""
    sizes = (BATCH, *(size for size in BATCHES if size != BATCH))
    sides = {size: ours.prediction("Table 1", replace(setting, batch=size)) for size in sizes}
    seconds = medians({str(size): side for size, side in sides.items()}, setting.repeats)
    rate = {size: size / seconds[str(size)] for size in sizes}
    return [
        Row("prediction, Table 1", rate[size], f"{BATCH} at a time", rate[BATCH],
            f"spectra/s, {size} at a time", rate[size] / rate[BATCH])
        for size in sizes[1:]
    ]  # fmt: skip


def _precision(setting: Setting) -> list[Row]:
    """A lower precision, if it is asked for, against float32: speed, and what it changes."""
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


def _largest_change(one: object, other: object) -> float:
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in leaves)
