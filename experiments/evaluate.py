"""Evaluate a trained run, or a shipped model, on a split of a dataset: scores, tables, figures.

Needs only the run folder and the data. Gives exactly the same numbers as at the end of training.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from spectranet_jax.commands.command import Command, command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spectranet_jax.datasets.split import Split
    from spectranet_jax.inference.model import Model
    from spectranet_jax.tasks import Task
    from spectranet_jax.training.scoring import Evaluation

FIGURES = {"test": "figures", "valid": "figures-valid", "train": "figures-train"}
"""Split -> folder of its figures."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of an evaluation."""

    run: Annotated[str, tyro.conf.Positional]
    """run folder, file of Keras weights, or name of a shipped model"""
    data: Path | None = None
    """dataset folder; by default the one on which the model was trained"""
    split: Literal["train", "valid", "test"] = "test"
    """split of the dataset"""
    out: Path | None = None
    """folder for figures/ and evaluation.json (earlier scores of the same split are replaced); by
    default the run folder, or evaluations/ in it if --data is not the run's own dataset"""
    refine: bool = False
    """also compare refined redshifts with the network's, by S/N and redshift; needs a dataset with
    native pixels"""
    skip_damaged: bool = False
    """leave out damaged blocks of the dataset and count them, instead of stopping"""


def work(config: Config) -> None:
    """Evaluate as configured."""
    from spectranet_jax.datasets import manifest
    from spectranet_jax.datasets.atomic import check_writable
    from spectranet_jax.inference.finding import find
    from spectranet_jax.progress import notice_if_slow

    find(config.run)
    if config.data is not None:
        manifest.read(config.data)
    if config.out is not None:
        check_writable(config.out, folder=True)
    with notice_if_slow(f"evaluating {config.run}"):
        import spectranet_jax.inference.loading  # noqa: F401
    evaluate_run(
        config.run, config.data, config.split, config.out, config.refine, config.skip_damaged
    )


def evaluate_run(
    model_or_run: str | Path,
    data: Path | None,
    split_name: str,
    out: Path | None,
    refine: bool = False,
    skip_damaged: bool = False,
) -> None:
    """Write evaluation.json and figures of a model, and print its scores.

    Args:
        model_or_run: run folder, file of Keras weights, or name of a shipped model.
        data: dataset folder; None for the one of the model's config, which must be unchanged.
        split_name: "train", "valid" or "test".
        out: folder to write to; None for the run folder, or evaluations/NAME in it for data of
            that name that the model was not trained on.
        refine: print tables of refined redshifts too.
        skip_damaged: leave out damaged parts of the data.

    Raises:
        InputError: if the model or the data cannot be used.
    """
    from experiments.measured_on import measured_on
    from experiments.training_data import warn_of_damage
    from spectranet_jax.inference import load, versions
    from spectranet_jax.inference.finding import find
    from spectranet_jax.spectra import InputError
    from spectranet_jax.training import run
    from spectranet_jax.training.distributed import leads
    from spectranet_jax.training.scoring import make_evaluate

    folder, model = find(model_or_run), load(model_or_run)
    alone = (folder / run.CONFIG).is_file() and folder not in versions.shipped().values()
    if out is None and not alone:
        raise InputError(
            f"{model_or_run} is not a run folder; name the folder to write to with --out, and the"
            " dataset with --data"
        )
    trained_on = model.config["data"]
    select = model.task.select
    split = warn_of_damage(
        measured_on(data, split_name, select, model_or_run, trained_on, skip_damaged)
    )
    if refine:
        from experiments.refined_blocks import check_native

        check_native(split)
    is_own_data = split.manifest.fingerprint == trained_on["fingerprint"]
    if out is None:  # other data's scores do not replace the run's own
        out = folder if is_own_data else folder / "evaluations" / split.folder.resolve().name
    evaluation = make_evaluate(model.network, model.task, split)(model.variables)
    if not leads():
        return
    record(out, model, split, evaluation)
    paths = show(model.task, split, evaluation, run.read_metrics(folder), out / FIGURES[split_name])
    print(f"scores: {out / run.EVALUATION}")
    print("figures: " + ", ".join(map(str, paths)))
    if refine:
        show_refined(model, split)


def record(out: Path, model: "Model", split: "Split", evaluation: "Evaluation") -> None:
    """Write a model's scores on a split into evaluation.json, with the sources of both."""
    from experiments.training_data import left_out
    from spectranet_jax import __version__
    from spectranet_jax.training import run

    run.write_evaluation(
        out,
        split.name,
        {
            "model": model.name,
            "sha256": model.sha256,
            "config": model.config,
            "version": __version__,
            "data": {
                "folder": str(split.folder),
                "fingerprint": split.manifest.fingerprint,
                **left_out(split),
            },
            "scores": evaluation.to_json(),
        },
    )


def show_refined(model: "Model", split: "Split") -> None:
    """Print tables of refined redshifts of a split, beside the network's."""
    from experiments import refined_blocks, refined_scores
    from spectranet_jax.inference.basis import shipped
    from spectranet_jax.tables import print_table

    blocks = refined_blocks.blocks_of(split)
    index, methods = refined_blocks.measured(blocks, model, {"refined": shipped()})
    print(refined_scores.EXCLUDED)
    for table in refined_blocks.tables(index, methods):
        print_table(table)


def show(
    task: "Task",
    split: "Split",
    evaluation: "Evaluation",
    metrics: "Sequence[Mapping[str, Any]]",
    folder: Path,
) -> list[Path]:
    """Print the tables of a task, draw its figures, and return their paths.

    Args:
        task: the model's task.
        split: the evaluated spectra.
        evaluation: its answers and scores.
        metrics: log of the training, for the loss curve; empty without one.
        folder: where the figures go.
    """
    from functools import partial

    from spectranet_jax.evaluation.figures import loss_curve
    from spectranet_jax.tables import print_table

    for table in task.tables(evaluation.scores, f"the {split.name} split"):
        print_table(table)
    figures = task.figures(split, evaluation.columns)
    if metrics:
        figures["loss"] = partial(loss_curve, metrics, ylabel=task.loss_label)
    paths = {folder / f"{name}.png": draw for name, draw in figures.items()}
    for path, draw in paths.items():
        draw(path)
    return list(paths)


if __name__ == "__main__":
    command(Config, work, __doc__)
