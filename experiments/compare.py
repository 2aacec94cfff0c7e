"""Measure models on the same spectra and print one table, with one column per model.

    python -m experiments.compare runs/classify runs/redshift-qso runs/quasarnet

A classifier predicts whether a spectrum is a quasar and whether it is a BAL; a regressor predicts
the redshift; a QuasarNET predicts all three. A dash means that a model does not predict a quantity.
Spectra of unknown class, and quasars without a secure redshift, are left out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from spectranet_jax.command_line import one_or_more
from spectranet_jax.commands.command import Command, command

if TYPE_CHECKING:
    from spectranet_jax.datasets.split import Split
    from spectranet_jax.evaluation.quasar_scores import QuasarScores
    from spectranet_jax.inference import Model

AT_ONCE = 32 << 20
"""Bytes of spectra in memory; predictions, p(z) included, take some four times as much."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of a comparison."""

    models: Annotated[tuple[str, ...], tyro.conf.Positional, one_or_more("MODEL")]
    """run folders, files of Keras weights, or names of shipped models"""
    data: Path | None = None
    """dataset folder; by default the one on which all models were trained"""
    split: Literal["train", "valid", "test"] = "test"
    """split of the dataset"""
    json: Path | None = None
    """file to write the scores to, as JSON"""


def work(config: Config) -> None:
    """Compare as configured."""
    import json

    from spectranet_jax.datasets import manifest
    from spectranet_jax.datasets.atomic import check_writable, write_text
    from spectranet_jax.inference.finding import find
    from spectranet_jax.progress import notice_if_slow, progress
    from spectranet_jax.spectra import InputError
    from spectranet_jax.tables import print_table

    if not config.models:
        raise InputError("there is nothing to compare; name run folders or other models")
    for name in config.models:
        find(name)
    if config.data is not None:
        manifest.read(config.data)
    if config.json is not None:
        check_writable(config.json)
    with notice_if_slow("compare: starting"):
        from experiments.measured_on import measured_on
        from spectranet_jax.evaluation.quasar_scores import scorable
        from spectranet_jax.evaluation.score_tables import quasar_table
        from spectranet_jax.evaluation.scores_json import to_json
        from spectranet_jax.inference import load

        models = [load(name) for name in config.models]
    trained_on = [model.config["data"] for model in models]
    if config.data is None and len({data["fingerprint"] for data in trained_on}) > 1:
        raise InputError(
            "the models were trained on different datasets"
            f" ({', '.join(data['folder'] for data in trained_on)});"
            " name the one to compare them on with --data"
        )
    split = measured_on(
        config.data,
        config.split,
        lambda truth: scorable(truth["label"], truth["z"], truth["z_conf"]),
        config.models[0],
        trained_on[0],
    )
    short = [model.name for model in models]
    names = short if len(set(short)) == len(short) else config.models
    scores = {}
    with progress("measuring", total=len(models)) as report:
        for name, model in zip(names, models, strict=True):
            scores[name] = measure(model, split)
            report(1, name)
    print_table(quasar_table(f"On the {config.split} spectra of {split.folder}", scores))
    if config.json is not None:
        write_text(config.json, json.dumps(to_json(scores), indent=1) + "\n")
        print(f"scores: {config.json}")


def measure(model: "Model", split: "Split") -> "QuasarScores":
    """Score a model's answers about quasars on the spectra of a split."""
    import numpy as np

    from spectranet_jax.datasets.split import check_grid
    from spectranet_jax.evaluation.quasar_scores import Answers, Truth, scores

    check_grid(split, model.grid)
    pieces = -(-len(split) * model.grid.bytes_per_spectrum // AT_ONCE)
    answers = [
        vars(model.task.quasars(model.columns(*split.pixels(rows))))
        for rows in np.array_split(np.arange(len(split)), pieces)
    ]
    joined = {
        name: None if values is None else np.concatenate([answer[name] for answer in answers])
        for name, values in answers[0].items()
    }
    columns = split.columns
    applies = np.isin(columns["label"], model.task.applies_to)
    truth = Truth(columns["label"], columns["z"], columns["bal"], applies)
    return scores(truth, Answers(**joined))


if __name__ == "__main__":
    command(Config, work, __doc__)
