"""Tell which ingredients of the mock survey matter: leave each out, train, score on known spectra.

    python -m experiments.ablate data/real

LineNet is trained on the whole survey and on it without one ingredient at a time, from several
seeds each, and scored on labeled spectra. What is begun goes on when the same command is given
again. By default networks are smaller than the shipped one and trained for a seventh of its time.
"""

from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from experiments.command import Command, command

if TYPE_CHECKING:
    from data_prep.mock.ingredients import Ingredients
    from spectranet_jax.training.stream import Split


@dataclass(frozen=True)
class Config(Command):
    """Settings of an ablation."""

    data: Annotated[Path, tyro.conf.Positional]
    """dataset folder of labeled spectra to score on"""
    split: Literal["train", "valid", "test"] = "test"
    """which of the dataset's splits"""
    out: Path = Path("runs/ablation")
    """folder for the surveys, a run folder each training, scores.json and ablation.png"""
    ingredients: tuple[str, ...] = ()
    """which to leave out in turn, by default all of those that data_prep.mock names"""
    seeds: int = 3
    """trainings of each kind"""
    spectra: int = 40_000
    """spectra of each survey"""
    epochs: int = 4
    """passes over a survey"""
    features: int = 32
    """channels of the trunk"""


WHOLE = "nothing left out"


def work(config: Config) -> None:
    """Train what is not trained yet, score all of it, and tell."""
    print("ablate: starting", flush=True)
    import json

    from rich.console import Console

    from data_prep.mock.ingredients import NAMES, Ingredients
    from experiments.tables import ablation_table
    from spectranet_jax.evaluation.ablation import ablation_figure
    from spectranet_jax.spectra import InputError
    from spectranet_jax.spectra.atomic import write_text
    from spectranet_jax.tasks import build
    from spectranet_jax.training.stream import open_split

    if config.seeds < 2:
        raise InputError(f"--seeds {config.seeds} tells no scatter; give 2 or more")
    known = open_split(config.data, config.split, build("linenet").select)
    names = config.ingredients or tuple(NAMES)
    kinds = {WHOLE: Ingredients()} | {name: Ingredients(frozenset({name})) for name in names}
    scores: dict[str, list[dict[str, Any]]] = {name: [] for name in kinds}
    for name, run in _trained(config, kinds):
        scores[name].append(_scores(run, known))
        print(f"trained {run}, and scored", flush=True)
    whole, without = scores[WHOLE], {f"without {name}": scores[name] for name in names}
    title = f"{len(known):,} {config.split} spectra of {config.data}"
    Console().print(ablation_table(title, whole, without))
    write_text(config.out / "scores.json", json.dumps(scores, indent=1) + "\n")
    print(f"scores: {config.out / 'scores.json'}")
    figure = ablation_figure(whole, without, config.out / "ablation.png")
    print(f"figure: {figure}")


def _trained(config: Config, kinds: dict[str, "Ingredients"]) -> Iterator[tuple[str, Path]]:
    """What is left out and the run folder of every training; each is done when its turn comes."""
    from experiments import linenet

    for name, ingredients in kinds.items():
        folder = config.out / name.replace(" ", "-")
        survey = _survey(folder / "survey", config.spectra, ingredients)
        for seed in range(config.seeds):
            run = folder / f"seed{seed}"
            settings = linenet.Config(
                data=survey, out=run, seed=seed, epochs=config.epochs, features=config.features
            )
            log = folder / f"seed{seed}.log"
            with log.open("w", encoding="utf-8") as file, redirect_stdout(file):
                linenet.work(settings)
            yield name, run


def _survey(folder: Path, spectra: int, ingredients: "Ingredients") -> Path:
    """The survey of light made of those ingredients; it is made if it is not there."""
    from data_prep.mock.dataset import check_recipe, creator, prepare
    from spectranet_jax.spectra import CLASSES, manifest

    counts = dict.fromkeys(CLASSES, spectra // len(CLASSES))
    if (folder / manifest.FILE_NAME).exists():
        check_recipe(folder, creator(counts, 0, noiseless=True, ingredients=ingredients))
    else:
        prepare(folder, counts, seed=0, noiseless=True, ingredients=ingredients)
    return folder


def _scores(run: Path, known: "Split") -> dict[str, Any]:
    """Scores of a run on known spectra."""
    from spectranet_jax.inference import load
    from spectranet_jax.training.evaluate import make_evaluate

    model = load(run)
    return make_evaluate(model.network, model.task, known)(model.variables).scores


if __name__ == "__main__":
    command(Config, work, __doc__)
