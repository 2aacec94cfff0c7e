"""Export a trained run as weights to ship: safetensors, configuration and model card.

python -m experiments.export runs/classify --name classifier --also runs/real
"""

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.model_card import write_card
from experiments.settings import of_fine_tuning
from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import notice_if_slow


@dataclass(frozen=True)
class Config(Command):
    """Settings of an export."""

    run: Annotated[Path, tyro.conf.Positional]
    """run folder; must have been evaluated"""
    name: str
    """name of the model, by which load and --model find it. Its folder is NAME@VERSION, with the
    next version, or the existing version if the weights are the same"""
    also: tuple[Path, ...] = ()
    """folders with more evaluations for the model card, written by experiments.evaluate --out"""
    out: Path = Path("spectranet_jax/weights")
    """folder in which the model's folder is made"""


def work(config: Config) -> None:
    """Export as configured."""
    from spectranet_jax.datasets import checksums
    from spectranet_jax.datasets.atomic import check_writable, write_text
    from spectranet_jax.inference.finding import find
    from spectranet_jax.spectra import InputError

    if config.name in ("", "..") or Path(config.name).name != config.name or "@" in config.name:
        raise InputError(
            f"--name {config.name!r} is not a model's name; give one without slashes and @"
        )
    check_writable(config.out, folder=True)
    find(config.run)
    with notice_if_slow(f"exporting {config.run}"):
        from spectranet_jax.inference import load, weights
        from spectranet_jax.tasks import TASKS
        from spectranet_jax.training import run

        model = load(config.run)
    if model.task.noiseless_survey is None:
        shipped = [name for name, task in TASKS.items() if task.noiseless_survey is not None]
        raise InputError(
            f"{config.run} is a run of experiments.{model.config['experiment']}; only those of"
            f" {' and '.join(shipped)} are shipped"
        )
    evaluations = {
        f"{evaluation['data']['folder']}, {split} split": evaluation
        for folder in (config.run, *config.also)
        for split, evaluation in run.read_evaluation(folder).items()
    }
    for evaluated in (config.run, *config.also):
        if not run.read_evaluation(evaluated):
            raise InputError(f"{evaluated} holds no evaluation; make one with experiments.evaluate")
    if any(
        evaluation["sha256"] != model.sha256 or evaluation["config"]["task"] != model.config["task"]
        for evaluation in evaluations.values()
    ):
        raise InputError(
            f"an evaluation in {config.run} or --also is of other weights, or of another"
            " calibration; evaluate this run anew"
        )
    name = version_of(model.sha256, config.name, config.out)
    folder = config.out / name
    card = write_card(name, model, rebuild_command(model.config), evaluations)
    weights.save(folder / weights.FILE_NAME, model.variables)
    write_text(folder / run.CONFIG, json.dumps(model.config, indent=1) + "\n")
    write_text(folder / "CARD.md", card)
    checksums.write(folder, [weights.FILE_NAME, run.CONFIG])
    print(f"{folder}: sha256 {model.sha256}")


def version_of(sha256: str, name: str, out: Path) -> str:
    """Return NAME@VERSION for weights: their existing version, or the next."""
    from spectranet_jax.inference import load, versions

    for folder in versions.shipped(out).values():
        if versions.split_version(folder.name)[0] == name and load(folder).sha256 == sha256:
            return folder.name
    return versions.next_version(name, out)


def rebuild_command(config: Mapping[str, Any]) -> str:
    """Return the command that trains a run again, with every setting that is not the default.

    A run does not record the folder of its survey's templates; TEMPLATES stands for it.
    """
    from data_prep.mock.dataset import creator
    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.tasks import TASKS

    training = importlib.import_module(f"experiments.{config['experiment']}").Config
    settings = config["settings"] | {"seed": config["seed"]}
    counts = dict.fromkeys(CLASSES, settings["spectra"] // len(CLASSES))
    noiseless = bool(TASKS[config["task"]["name"]].noiseless_survey)
    current = creator(counts, config["seed"], noiseless=noiseless)
    made = config["data"]["creator"].get("config", {})
    templates = made.get("templates")
    if made != current["config"] | {"templates": templates}:
        settings["data"], templates = config["data"]["folder"], None
    defaults = asdict(training())
    if "init" in settings:
        defaults |= of_fine_tuning(training())
    flags = [f"--{key} {value}" for key, value in settings.items() if value != defaults[key]]
    place = ["RR_TEMPLATE_DIR=TEMPLATES"] if templates else []
    return " ".join([*place, f"python -m experiments.{config['experiment']}", *flags])


if __name__ == "__main__":
    command(Config, work, __doc__)
