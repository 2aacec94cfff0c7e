"""Measure how much each ingredient of the mock survey matters for scores on labeled spectra.

    python -m experiments.ablate data/real

Trains LineNet on the complete survey, and on surveys without one ingredient at a time, from several
seeds each. Observed templates are an ingredient if RR_TEMPLATE_DIR names a folder of them. Scores
all networks on labeled spectra. Run the same command again to resume an interrupted ablation. By
default there are 39 training runs (36 without templates), of networks with half the channels of the
shipped one, with a seventh of the spectra drawn in its training; a run takes about 2.4 minutes on
two quiet cores. Only the seed of the training varies. All surveys have the same seed, so the
scatter is that of training alone.
"""

from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from spectranet_jax.commands.command import Command, command

if TYPE_CHECKING:
    from data_prep.mock.ingredients import Ingredients
    from spectranet_jax.datasets.split import Split
    from spectranet_jax.training.scoring import Evaluation

LEAST = {"seeds": 3, "spectra": 1000}
"""Smallest sensible values."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of an ablation."""

    data: Annotated[Path, tyro.conf.Positional]
    """dataset folder of labeled spectra to measure scores on"""
    split: Literal["train", "valid", "test"] = "test"
    """split of the dataset"""
    out: Path = Path("runs/ablation")
    """folder for the surveys, the run folders, the scores and a figure"""
    ingredients: tuple[str, ...] = ()
    """ingredients to leave out one at a time, such as "host and iron" "blueshifts"; by default all
    in data_prep/mock/ingredients.py, templates only if RR_TEMPLATE_DIR names a folder"""
    seeds: int = 3
    """training runs per survey, each with another seed"""
    spectra: int = 40_000
    """spectra of each survey"""
    epochs: int = 4
    """passes over a survey"""
    features: int = 32
    """channels of the trunk"""


def work(config: Config) -> None:
    """Run the missing trainings, and score all."""
    from spectranet_jax.training.memory import keep_freed_memory

    keep_freed_memory()
    import json

    from data_prep.mock.ingredients import NAMES, TEMPLATES, at_hand
    from experiments.linenet import check
    from spectranet_jax.datasets import manifest
    from spectranet_jax.datasets.atomic import check_writable, write_text
    from spectranet_jax.evaluation.ablation import WHOLE
    from spectranet_jax.progress import notice_if_slow
    from spectranet_jax.spectra import InputError
    from spectranet_jax.tables import print_table

    for flag, least in LEAST.items():
        if getattr(config, flag) < least:
            raise InputError(f"--{flag} {getattr(config, flag)} is too small; give {least} or more")
    check(_training(config, 0, config.out, config.out))
    whole_survey = at_hand()
    if TEMPLATES in config.ingredients and whole_survey.lacks_templates:
        raise InputError(
            f"{TEMPLATES} cannot be left out of a survey that has none; set RR_TEMPLATE_DIR to a"
            " folder that `python -m data_prep.download --templates --out DIR` made"
        )
    names = config.ingredients or tuple(
        name for name in NAMES if name != TEMPLATES or not whole_survey.lacks_templates
    )
    kinds = {WHOLE: whole_survey} | {name: at_hand(frozenset({name})) for name in names}
    check_writable(config.out, folder=True)
    manifest.read(config.data)
    with notice_if_slow("ablate: starting"):
        from spectranet_jax.datasets.split import open_split
        from spectranet_jax.evaluation.ablation_figure import ablation_figure
        from spectranet_jax.evaluation.ablation_table import ablation_table
        from spectranet_jax.tasks import build

    known = open_split(
        config.data, config.split, build("linenet", manifest.read(config.data).grid).select
    )
    evaluations: dict[str, list[Evaluation]] = {name: [] for name in kinds}
    for name, run in _trained(config, kinds):
        evaluations[name].append(_evaluation(run, known))
        print(f"trained {run}, and scored", flush=True)
    scores = {name: [seed.scores for seed in seeds] for name, seeds in evaluations.items()}
    whole, without = scores[WHOLE], {f"without {name}": scores[name] for name in names}
    title = f"{len(known):,} {config.split} spectra of {config.data}"
    print_table(ablation_table(title, whole, without))
    content = {
        "data": {"folder": str(config.data), "fingerprint": known.manifest.fingerprint},
        "split": config.split,
        "scores": {n: [seed.to_json() for seed in seeds] for n, seeds in evaluations.items()},
    }
    result = config.out / f"{config.data.resolve().name}-{config.split}"
    write_text(result.with_suffix(".json"), json.dumps(content, indent=1) + "\n")
    figure = ablation_figure(whole, without, result.with_suffix(".png"))
    print(f"scores: {result.with_suffix('.json')}\nfigure: {figure}")


def _training(config: Config, seed: int, survey: Path, run: Path) -> Any:
    """Return the settings of one training."""
    from experiments import linenet

    return linenet.Config(
        data=survey,
        out=run,
        seed=seed,
        epochs=config.epochs,
        features=config.features,
    )


def _trained(config: Config, kinds: dict[str, "Ingredients"]) -> Iterator[tuple[str, Path]]:
    """Yield what is left out and the run folder of every training, each done in its turn."""
    from experiments import linenet
    from spectranet_jax.spectra import InputError

    for name, ingredients in kinds.items():
        folder = config.out / name.replace(" ", "-")
        survey = _survey(folder / "survey", config.spectra, ingredients)
        for seed in range(config.seeds):
            run = folder / f"seed{seed}"
            try:
                log = (folder / f"seed{seed}.log").open("a", encoding="utf-8")
            except OSError as error:
                raise InputError(
                    f"{folder} cannot be written ({error}); choose another --out"
                ) from error
            with log, redirect_stdout(log):
                linenet.work(_training(config, seed, survey, run))
            yield name, run


def _survey(folder: Path, spectra: int, ingredients: "Ingredients") -> Path:
    """Return the noise-free survey of those ingredients, made if it does not exist."""
    from data_prep.mock.dataset import survey_in
    from spectranet_jax.spectra import CLASSES, QUASARNET_GRID

    counts = dict.fromkeys(CLASSES, spectra // len(CLASSES))
    return survey_in(folder, counts, 0, QUASARNET_GRID, True, ingredients, "choose another --out")


def _evaluation(run: Path, known: "Split") -> "Evaluation":
    """Evaluate a run on labeled spectra."""
    from spectranet_jax.inference import load
    from spectranet_jax.training.scoring import make_evaluate

    model = load(run)
    return make_evaluate(model.network, model.task, known)(model.variables)


if __name__ == "__main__":
    command(Config, work, __doc__)
