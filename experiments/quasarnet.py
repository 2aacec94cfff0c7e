"""Train, evaluate and plot a QuasarNET, which finds six lines and broad absorption in boxes.

Without --data, the command first makes the mock survey of experiments.classify in data/, unless it
is there already. Network and loss are those of QuasarNET. The schedule is that of the other
networks here; the original is trained for 200 epochs at a constant learning rate.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from experiments.settings import Training, begin, defaults
from experiments.starting_model import Described
from spectranet_jax.commands.command import command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError


@dataclass(frozen=True)
class Config(Training):
    """Settings of a QuasarNET run; the defaults are those of Busca & Balland (2018)."""

    task: ClassVar[str] = "quasarnet"

    epochs: int = 10
    """passes over the data (shuffled), or over each chunk of the data (chunked)"""
    dropout: float = 0.0
    """fraction of activations dropped in training, after each convolution"""
    convolutions: int = 4
    """number of convolutions, each of width 10 and stride 2"""
    filters: int = 100
    """filters of each convolution, and features of the layer that all lines share"""
    padding: Literal["valid", "same"] = "valid"
    """padding of the convolutions"""
    boxes: int = 13
    """boxes into which the grid is divided for each line"""
    threshold: float = 0.5
    """confidence of one line above which a spectrum is classified as a quasar"""
    empty_pixels: Literal["zero", "mean"] = "zero"
    """value of a pixel without measurement: flux 0, as in QuasarNET, or the mean flux"""

    @classmethod
    def of_model(cls, model: Described) -> dict[str, Any]:
        """Return the flags that the model determines, with their values."""
        filters = list(model.network.get("filters", ()))
        return {
            **super().of_model(model),
            "convolutions": len(filters) or None,
            "filters": filters[0] if filters else None,
            "padding": model.network.get("padding"),
            **{flag: model.task.get(flag) for flag in ("boxes", "threshold", "empty_pixels")},
        }


def check(config: Config) -> None:
    """Raise InputError where a setting is out of its range."""
    for flag in ("convolutions", "filters", "boxes"):
        if getattr(config, flag) < 1:
            raise InputError(f"--{flag} {getattr(config, flag)} is too small; give 1 or more")


def network_of(config: Config) -> dict[str, Any]:
    """Name and fields of the network, as `networks.build` takes them."""
    return {
        "name": "QuasarNet",
        "filters": [config.filters] * config.convolutions,
        "padding": config.padding,
        "hidden": config.filters,
        "boxes": config.boxes,
        "dropout": config.dropout,
    }


def work(config: Config) -> None:
    """Train and evaluate as configured."""
    check(config)
    begin(config, "quasarnet")
    with notice_if_slow("quasarnet: starting"):
        import jax

        from experiments.pipeline import train_and_evaluate
        from experiments.training_data import dataset_folder, training_split
        from spectranet_jax import networks, tasks
        from spectranet_jax.datasets import manifest
        from spectranet_jax.spectra import CLASSES
        from spectranet_jax.training.steps import init_variables

    data = dataset_folder(config, "all", CLASSES)
    grid = manifest.read(data).grid
    fields = {name: getattr(config, name) for name in ("boxes", "threshold", "empty_pixels")}
    task = tasks.build("quasarnet", grid, **fields)
    network = networks.build(grid=grid, **network_of(config))
    # Before the spectra are read: the grid may be too short for the convolutions.
    jax.eval_shape(lambda key: init_variables(network, task, key), jax.random.key(0))
    training = training_split(data, task.select, config.skip_damaged)
    train_and_evaluate("quasarnet", config, training, network_of(config), task)


if __name__ == "__main__":
    command(Config, work, __doc__, defaults=defaults)
