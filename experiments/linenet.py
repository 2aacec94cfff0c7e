"""Train, evaluate and plot LineNet: class, redshift with p(z), and broad absorption, all at once.

Without --data, the command first makes a mock survey of noise-free spectra in data/, unless it is
there already. Fresh noise is drawn at every step. If --data has labeled spectra with noise, no
noise is added.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from experiments import settings
from experiments.settings import Training, begin, defaults, run_folder
from experiments.starting_model import Described
from spectranet_jax.commands.command import command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.training import run


@dataclass(frozen=True)
class Config(Training):
    """Settings of a LineNet run; the defaults are those of the shipped weights."""

    task: ClassVar[str] = "linenet"

    epochs: int = 9
    """passes over the data (shuffled), or over each chunk of the data (chunked)"""
    batch: int = 128
    """spectra per step"""
    rate: float = 2e-3
    """peak learning rate, reached after a warm-up of 5% of the steps"""
    spectra: int = 120_000
    """spectra of the mock survey, if one is made"""
    features: int = 64
    """channels of the trunk"""
    members: int = 1
    """networks to train side by side, each with its own seed; prediction averages them. Their
    spread increases Z_ERR; if they disagree by over 3000 km/s, it also affects P_3000 and Z2"""

    @classmethod
    def of_model(cls, model: Described) -> dict[str, Any]:
        """Return the flags that the model determines, with their values."""
        member = run.one_network(model.network)
        return {
            "dropout": member.get("dropout"),
            "features": member.get("features"),
            "members": model.network.get("members", 1),
        }


def check(config: Config) -> None:
    """Raise InputError where a setting is out of its range."""
    settings.check(config)
    for flag in ("features", "members"):
        if getattr(config, flag) < 1:
            raise InputError(f"--{flag} {getattr(config, flag)} is too small; give 1 or more")
    if config.members > 1 and config.optimizer == "sgd":
        raise InputError(
            "--optimizer sgd would share one gradient norm among all --members; use adam, or"
            " train them separately"
        )


def work(config: Config) -> None:
    """Train and evaluate as configured."""
    check(config)
    begin(config, "linenet")
    with notice_if_slow("linenet: starting"):
        import numpy as np

        from experiments.pipeline import train_and_evaluate
        from experiments.training_data import dataset_folder, training_split
        from spectranet_jax import tasks
        from spectranet_jax.datasets import manifest
        from spectranet_jax.spectra import CLASSES

    reach = _reach(run_folder(config, "linenet"))
    fields = {"features": config.features, "dropout": config.dropout, **reach}
    network: dict[str, Any] = {"name": "LineNet", **fields}
    if config.members > 1:
        network = {"name": "LineNetEnsemble", "members": config.members, "member": fields}

    data = dataset_folder(config, "light", CLASSES, noiseless=True)
    select = tasks.build("linenet", manifest.read(data).grid).select
    training = training_split(data, select, config.skip_damaged)
    counts = np.bincount(training.columns["label"], minlength=len(CLASSES))
    prior = (counts / counts.sum()).tolist()
    task = tasks.build("linenet", training.grid, trained_prior=prior, **reach)
    train_and_evaluate("linenet", config, training, network, task)


def _reach(folder: Path) -> dict[str, list[float]]:
    """Return the field reach of network and task; none to resume a run of before it was a field."""
    if (folder / run.CONFIG).is_file():
        network = run.read_config(folder).get("network", {})
        if "reach" not in run.one_network(network):
            return {}
    from spectranet_jax.spectra.zsteps import WIDE_REACH

    return {"reach": list(WIDE_REACH)}


if __name__ == "__main__":
    command(Config, work, __doc__, defaults=defaults)
