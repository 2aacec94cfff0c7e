"""Run folders of small networks, trained on the toy survey or not trained at all."""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.pipeline import train_and_evaluate, versions
from experiments.settings import Training
from spectranet_jax import networks, tasks
from spectranet_jax.tasks import Task
from spectranet_jax.tasks.redshift import standardization
from spectranet_jax.training import checkpoint
from spectranet_jax.training.steps import init_variables
from spectranet_jax.training.stream import open_split

CHANNELS = [8, 8, 8, 8]
CLASSIFIER = {"name": "SpectraNetClassifier", "dropout": 0.1, "channels": CHANNELS}
REGRESSOR = {"name": "SpectraNetRegressor", "dropout": 0.1, "channels": CHANNELS}
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
        "network": network,
        "task": task,
        "seed": seed,
        "data": {"folder": "nowhere", "fingerprint": "0" * 64},
        "versions": versions(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    built = networks.build(**network), tasks.build(**task)
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


def trained_classifier(data: Path, folder: Path) -> Path:
    """A run folder as `experiments.classify` leaves it, of a small network."""
    return _trained("classify", data, folder, CLASSIFIER, tasks.build("classify"))


def trained_regressor(data: Path, folder: Path, target: str) -> Path:
    """A run folder as `experiments.redshift` leaves it, of a small network."""
    task = tasks.build("redshift", target=target, mean=0.0, std=1.0)
    z = open_split(data, "train", task.select).columns["z"]
    mean, std = standardization(z)
    task = tasks.build("redshift", target=target, mean=mean, std=std)
    return _trained(f"redshift-{target}", data, folder, REGRESSOR, task)


def _trained(name: str, data: Path, folder: Path, network: dict[str, Any], task: Task) -> Path:
    settings = Training(data=data, out=folder, epochs=2, batch=64, rate=5e-3, seed=3)
    train_and_evaluate(name, settings, data, network, task)
    return folder
