"""Train, evaluate and plot the report's Table 1 classifier: STAR, GALAXY, QSO or QSO_BAL.

Without --data a mock survey is made first, once, in data/. Two cores take under 4 minutes for the
defaults: 60,000 mock spectra, 5 epochs.
"""

from dataclasses import dataclass

from data_prep.command import command
from experiments.settings import Training, check


@dataclass(frozen=True)
class Config(Training):
    """Settings of a classification run."""


def work(config: Config) -> None:
    """Train and evaluate as configured."""
    check(config)
    print("classify: starting", flush=True)
    from experiments.pipeline import dataset_folder, train_and_evaluate
    from spectranet_jax import tasks
    from spectranet_jax.spectra import CLASSES

    data = dataset_folder(config, "all", CLASSES)
    network = {"name": "SpectraNetClassifier", "dropout": config.dropout}
    train_and_evaluate("classify", config, data, network, tasks.build("classify"))


if __name__ == "__main__":
    command(Config, work, __doc__)
