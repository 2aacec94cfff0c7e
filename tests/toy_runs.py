"""Run folders of small networks that were never trained: enough to load and to predict with."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.pipeline import versions
from spectranet_jax import networks, tasks
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.training import checkpoint
from spectranet_jax.training.steps import init_variables

CHANNELS = [8, 8, 8, 8]
CLASSIFIER = {"name": "SpectraNetClassifier", "dropout": 0.1, "channels": CHANNELS}
REGRESSOR = {"name": "SpectraNetRegressor", "dropout": 0.1, "channels": CHANNELS}
LINENET = {"name": "LineNet", "features": 4, "hidden": 8, "dilations": [1, 4]}
CLASSIFY = {"name": "classify"}
REDSHIFT = {"name": "redshift", "target": "all", "mean": 1.25, "std": 0.5}


def untrained(
    folder: Path,
    network: dict[str, Any] = CLASSIFIER,
    task: dict[str, Any] = CLASSIFY,
    seed: int = 0,
) -> Path:
    """A run folder whose best checkpoint holds random numbers of the right shapes."""
    folder.mkdir(parents=True)
    config = {
        "experiment": task["name"],
        "grid": dataclasses.asdict(GRID),
        "network": network,
        "task": task,
        "seed": seed,
        "data": {"folder": "nowhere", "fingerprint": "0" * 64},
        "versions": versions(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    built = networks.build(**network, grid=GRID), tasks.build(**task, grid=GRID)
    shapes = jax.eval_shape(lambda key: init_variables(*built, key), jax.random.key(0))
    rng = np.random.default_rng(seed)
    variables = {
        "params": jax.tree.map(lambda leaf: _draw(rng, leaf.shape), shapes["params"]),
        "batch_stats": jax.tree.map(lambda leaf: np.ones(leaf.shape, "f4"), shapes["batch_stats"]),
    }
    checkpoint.save(folder, checkpoint.BEST, 1, variables)
    return folder


def _draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Weights of the scale that keeps activations at theirs."""
    return rng.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape).astype(np.float32)
