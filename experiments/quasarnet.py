"""Train, evaluate and plot a QuasarNET: six lines and broad absorption, in boxes.

Without --data a mock survey is made first, once, in data/: the one that experiments.classify makes.
The network and its loss are QuasarNET's, the schedule is that of the other networks here; the
original trains 200 epochs at a constant rate.
"""

from dataclasses import dataclass
from typing import Any, Literal

from experiments.settings import Training, begin
from spectranet_jax.commands.command import command
from spectranet_jax.progress import telling
from spectranet_jax.spectra.errors import InputError


@dataclass(frozen=True)
class Config(Training):
    """Settings of a QuasarNET run; the defaults are those of Busca & Balland (2018)."""

    epochs: int = 10
    """passes over the data (shuffled), or over each chunk of it (chunked)"""
    dropout: float = 0.0
    """fraction of activations dropped in training, after each convolution"""
    convolutions: int = 4
    """how many, each of width 10 and stride 2"""
    filters: int = 100
    """of each convolution, and features of the layer that the lines share"""
    padding: Literal["valid", "same"] = "valid"
    """of the convolutions"""
    boxes: int = 13
    """parts into which the grid is cut for each line"""
    threshold: float = 0.5
    """confidence from which one line makes a quasar"""
    empty_pixels: Literal["zero", "mean"] = "zero"
    """what a pixel without measurement enters as: flux 0, as in QuasarNET, or the mean"""


def work(config: Config) -> None:
    """Train and evaluate as configured."""
    for flag in ("convolutions", "filters", "boxes"):
        if getattr(config, flag) < 1:
            raise InputError(f"--{flag} {getattr(config, flag)} is too small; give 1 or more")
    begin(config, "quasarnet")
    with telling("quasarnet: starting"):
        import jax

        from experiments.pipeline import dataset_folder, train_and_evaluate, training_split
        from spectranet_jax import networks, tasks
        from spectranet_jax.datasets import manifest
        from spectranet_jax.spectra import CLASSES
        from spectranet_jax.training.steps import init_variables
    data = dataset_folder(config, "all", CLASSES)
    grid = manifest.read(data).grid
    task = tasks.build(
        "quasarnet",
        grid,
        boxes=config.boxes,
        threshold=config.threshold,
        empty_pixels=config.empty_pixels,
    )
    network: dict[str, Any] = {
        "name": "QuasarNet",
        "filters": [config.filters] * config.convolutions,
        "padding": config.padding,
        "hidden": config.filters,
        "boxes": config.boxes,
        "dropout": config.dropout,
    }
    built = networks.build(grid=grid, **network)
    jax.eval_shape(lambda key: init_variables(built, task, key), jax.random.key(0))  # or it says no
    train_and_evaluate("quasarnet", config, training_split(data, task.select), network, task)


if __name__ == "__main__":
    command(Config, work, __doc__)
