"""Train, evaluate and plot the report's Table 1 classifier: STAR, GALAXY, QSO or QSO_BAL.

Without --data, the command first makes a mock survey in data/, unless it is there already. The
defaults (60,000 mock spectra, 5 epochs) take a minute and a half on two cores.
"""

from dataclasses import dataclass
from typing import ClassVar

from experiments.settings import Training, begin, defaults
from spectranet_jax.commands.command import command
from spectranet_jax.progress import notice_if_slow


@dataclass(frozen=True)
class Config(Training):
    """Settings of a classification run."""

    task: ClassVar[str] = "classify"


def work(config: Config) -> None:
    """Train and evaluate as configured."""
    begin(config, "classify")
    with notice_if_slow("classify: starting"):
        from experiments.pipeline import train_and_evaluate
        from experiments.training_data import dataset_folder, training_split
        from spectranet_jax import tasks
    from spectranet_jax.datasets import manifest
    from spectranet_jax.spectra import CLASSES, InputError

    data = dataset_folder(config, "all", CLASSES)
    task = tasks.build("classify", manifest.read(data).grid)
    training = training_split(data, task.select, config.skip_damaged)
    for label, name in enumerate(CLASSES):
        if label not in training.columns["label"]:
            raise InputError(
                f"{training.folder} has no {name} to train on, and the network has four classes;"
                " give a dataset that has them all"
            )
    network = {"name": "SpectraNetClassifier", "dropout": config.dropout}
    train_and_evaluate("classify", config, training, network, task)


if __name__ == "__main__":
    command(Config, work, __doc__, defaults=defaults)
