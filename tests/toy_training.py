"""Short training runs of a small network on the toy survey."""

from pathlib import Path
from typing import Any

import jax
import toy_survey

from spectranet_jax import networks, tasks
from spectranet_jax.datasets.split import Split, open_split
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.training import optimizers
from spectranet_jax.training.augment import Augment, as_stored
from spectranet_jax.training.loop import Report, initial_state, train
from spectranet_jax.training.order import ORDERS
from spectranet_jax.training.recipe import Recipe, Session
from spectranet_jax.training.sharding import placement
from spectranet_jax.training.steps import State

BATCH, SEED = 64, 4
TASK = tasks.build("classify", GRID)
NETWORK = networks.build("SpectraNetClassifier", GRID, channels=[8, 8, 8, 8])

Splits = tuple[Split, Split]
"""Training and validation splits."""


def make_splits(folder: Path) -> Splits:
    """Return the splits of a new toy survey."""
    toy_survey.write(folder, 2000)
    return open_split(folder, "train", TASK.select), open_split(folder, "valid", TASK.select)


def make_recipe(
    training: Split,
    schedule: str = "shuffled",
    epochs: int = 3,
    augment: Augment = as_stored,
    network: Any = NETWORK,
    start: Any = None,
) -> Recipe:
    fields = {"chunk": 384} if schedule == "chunked" else {}
    order = ORDERS[schedule](training.block_sizes, BATCH, epochs, SEED, **fields)
    optimizer = optimizers.build("adam", "cosine", 5e-3, order.steps)
    return Recipe(network, TASK, optimizer, order, augment, start)


def run_training(
    splits: Splits,
    folder: Path,
    report: Report = lambda _steps, _status: None,
    recipe: dict[str, Any] | None = None,
    **settings: Any,
) -> None:
    """Train on one device in a folder; the settings are those of a session."""
    folder.mkdir(exist_ok=True)
    options = {"devices": jax.devices()[:1], "checkpoint_every": 5} | settings
    session = Session(folder, BATCH, SEED, **options)
    train(make_recipe(splits[0], **(recipe or {})), session, *splits, report)


def last_state(splits: Splits, folder: Path, network: Any = NETWORK) -> State:
    """The state of a run's last checkpoint."""
    place = placement(BATCH, jax.devices()[:1])
    recipe = make_recipe(splits[0], network=network)
    return initial_state(recipe, jax.random.key(0), folder, place)
