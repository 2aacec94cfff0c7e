"""Choose the threshold of ZWARN on mock spectra, and measure ZWARN 0 on labeled real ones.

    python -m experiments.zwarn linenet --data FOLDER

The probabilities of class and redshift must both reach the threshold. It is the lowest one at which
at most one in 500 mock spectra with ZWARN 0 has a wrong class or a redshift error over 3000 km/s.
Training also chooses a threshold, on its validation split; use this command for existing weights.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from spectranet_jax.commands.command import Command, command

if TYPE_CHECKING:
    from experiments.labeled_index import Labeled
    from spectranet_jax.inference import Model

SEED = 77
"""Seed of the mock survey, different from that of any training."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of the choice and the measurement."""

    model: Annotated[str, tyro.conf.Positional] = "linenet"
    """name of a shipped LineNet, or run folder of a LineNet"""
    mock: Path | None = None
    """dataset folder on whose valid split to choose; by default a mock survey is made in data/"""
    spectra: int = 60_000
    """spectra of the mock survey, if one is made; a fifth of them is used"""
    data: Path | None = None
    """folder of real spectra with index.csv (columns file, label, z) to measure on; by default the
    threshold is chosen but not measured"""
    write: bool = False
    """write the threshold to the model's config.json (shipped) or calibration.json (run)"""


def work(config: Config) -> None:
    """Choose, write if requested, and measure."""
    from experiments.labeled_index import read_index
    from spectranet_jax.inference.finding import find
    from spectranet_jax.progress import notice_if_slow
    from spectranet_jax.spectra import InputError

    folder = find(config.model)
    labeled = None if config.data is None else read_index(config.data)
    with notice_if_slow("zwarn: starting"):
        from spectranet_jax.inference import load

        model = load(config.model)
    if "zwarn_threshold" not in model.task.calibrated:
        raise InputError(f"{config.model} gives no probability of its redshift; name a LineNet")
    threshold = chosen(model, _mock(config))
    print(f"threshold: {threshold:g} (was {model.task.zwarn_threshold:g})", flush=True)
    if config.write:
        print(f"written: {write(folder, threshold)}")
    if labeled is not None:
        assert config.data is not None
        _measure(model, threshold, config.data, labeled)


def _mock(config: Config) -> Path:
    """Return the mock survey, made if it does not exist."""
    from data_prep.mock.dataset import survey_in
    from data_prep.mock.ingredients import at_hand
    from spectranet_jax.spectra import CLASSES, QUASARNET_GRID

    if config.mock is not None:
        return config.mock
    folder = Path(f"data/mock-zwarn-{config.spectra}-seed{SEED}")
    counts = dict.fromkeys(CLASSES, config.spectra // len(CLASSES))
    instead = "name it with --mock to use it as it is"
    return survey_in(folder, counts, SEED, QUASARNET_GRID, ingredients=at_hand(), instead=instead)


def chosen(model: "Model", mock: Path) -> float:
    """Return a model's threshold, chosen on the valid split of a dataset."""
    import numpy as np

    from experiments.labeled_catalog import right
    from spectranet_jax.datasets.split import open_split
    from spectranet_jax.inference.joined import confidence
    from spectranet_jax.spectra.labels import CONFIDENT
    from spectranet_jax.spectra.zwarn import WRONG_ALLOWED, choose_threshold
    from spectranet_jax.training.scoring import make_evaluate

    split = open_split(mock, "valid", model.task.select)
    columns = make_evaluate(model.network, model.task, split)(model.variables).columns
    z = np.where(split.columns["z_conf"] == CONFIDENT, split.columns["z"], np.nan)
    is_right = right(columns, split.columns["label"], z, "Z_NET")
    return choose_threshold(np.minimum(*confidence(columns)), is_right, WRONG_ALLOWED)


def write(folder: Path, threshold: float) -> Path:
    """Write the threshold beside a model's weights; return the file."""
    from spectranet_jax.datasets import checksums
    from spectranet_jax.datasets.atomic import write_text
    from spectranet_jax.inference.weights import FILE_NAME
    from spectranet_jax.training import run

    if (folder / FILE_NAME).exists():
        content = run.read_config(folder)
        content["task"]["zwarn_threshold"] = threshold
        write_text(folder / run.CONFIG, json.dumps(content, indent=1) + "\n")
        checksums.write(folder, [FILE_NAME, run.CONFIG])
        return folder / run.CONFIG
    run.write_calibration(folder, run.read_calibration(folder) | {"zwarn_threshold": threshold})
    return folder / run.CALIBRATION


def _measure(model: "Model", threshold: float, folder: Path, labeled: "Labeled") -> None:
    """Print purity and completeness of ZWARN 0 on real spectra."""
    import dataclasses

    import numpy as np
    from rich.table import Table

    from experiments.labeled_catalog import kinds, predicted, right
    from spectranet_jax import tasks
    from spectranet_jax.evaluation.fraction import fraction_if_any
    from spectranet_jax.evaluation.score_tables import interval
    from spectranet_jax.spectra.labels import CLASSES, UNKNOWN
    from spectranet_jax.tables import print_table

    config = model.task.config | {"zwarn_threshold": threshold}
    task = tasks.build(grid=model.grid, **config)
    rows = predicted(dataclasses.replace(model, task=task), folder, labeled)
    trusted = np.asarray(rows["ZWARN"] == 0)
    true, called = kinds(labeled.label), kinds(rows["CLASS"])
    known = true != UNKNOWN
    is_right = right(rows, true, labeled.z, "Z_NET")
    table = Table(title=f"ZWARN 0 on {int(known.sum())} labeled spectra of {folder}")
    for heading in ("class", "spectra", "purity", "completeness"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for name in ("STAR", "GALAXY", "QSO"):
        of_class, called_so = (kind == CLASSES.index(name) for kind in (true, called))
        purity = fraction_if_any(is_right[trusted & known & called_so])
        completeness = fraction_if_any((trusted & is_right)[of_class])
        table.add_row(name, f"{int(of_class.sum())}", interval(purity), interval(completeness))
    print_table(table)
    for name in sorted(set(labeled.label[~known])):
        others = labeled.label == name
        print(f"{name}: {int((trusted & others).sum())} of {int(others.sum())} have ZWARN 0")


if __name__ == "__main__":
    command(Config, work, __doc__)
