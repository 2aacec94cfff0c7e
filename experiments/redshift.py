"""Train, evaluate and plot the report's Table 3 regressor: the redshift of QSO, QSO_BAL, or both.

Without --data, the command first makes a mock survey of quasars in data/, unless it is there
already. It uses the recipe of the report (MSE, SGD). Expect errors of about 20,000 km/s, as in the
report.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from experiments.settings import Training, begin, defaults
from experiments.starting_model import Described
from spectranet_jax.commands.command import command
from spectranet_jax.progress import notice_if_slow


@dataclass(frozen=True)
class Config(Training):
    """Settings of a redshift run; the defaults are those of Table 3."""

    task: ClassVar[str] = "redshift"

    target: Literal["qso", "bal", "all"] = "qso"
    """predict redshifts of QSO, of QSO_BAL, or of both; only spectra with a secure redshift
    (Z_CONF_PERSON 3) are used"""
    epochs: int = 10
    """passes over the data (shuffled), or over each chunk of the data (chunked)"""
    optimizer: Literal["adam", "sgd"] = "sgd"
    """Adam, or SGD with momentum 0.9 and gradients clipped at norm 1"""
    rate: float = 1e-2
    """peak learning rate, reached after a warm-up of 5% of the steps"""
    dropout: float = 0.5
    """fraction of activations dropped in training"""
    spectra: int = 24_000
    """quasars of the mock survey, if one is made"""

    @classmethod
    def of_model(cls, model: Described) -> dict[str, Any]:
        """Return the flags that the model determines, with their values."""
        return {**super().of_model(model), "target": model.task.get("target")}


def work(config: Config) -> None:
    """Train and evaluate as configured."""
    name = f"redshift-{config.target}"
    begin(config, name)
    with notice_if_slow(f"{name}: starting"):
        from experiments.pipeline import train_and_evaluate
        from experiments.training_data import dataset_folder, training_split
        from spectranet_jax import tasks
        from spectranet_jax.spectra import CLASSES
        from spectranet_jax.tasks import redshift_task

    classes = [CLASSES[label] for label in redshift_task.TARGETS[config.target]]
    data = dataset_folder(config, config.target, classes)
    training = training_split(
        data, lambda truth: redshift_task.select(config.target, truth), config.skip_damaged
    )
    mean, std = redshift_task.standardization(training.columns["z"])
    task = tasks.build("redshift", training.grid, target=config.target, mean=mean, std=std)
    network = {"name": "SpectraNetRegressor", "dropout": config.dropout}
    train_and_evaluate(name, config, training, network, task)


if __name__ == "__main__":
    command(Config, work, __doc__, defaults=defaults)
