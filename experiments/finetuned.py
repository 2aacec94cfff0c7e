"""Measure the effect of fine-tuning a LineNet on a few labeled real spectra.

    python -m data_prep.download --sets --out real

    python -m experiments.finetuned real

The measurement is a cross-validation. Five times, a fifth of the objects is held out, so that every
spectrum is held out once. Of the other spectra, 40 or 200 are drawn and made into a dataset, and
the model is fine-tuned on it with the defaults of experiments.linenet --init. The held-out spectra
are predicted before and after fine-tuning, as spectranet predict does. The folder contains
index.csv (columns file, label, z) and the spectra. Run the same command again to resume.
"""

from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from spectranet_jax.commands.command import Command, command

if TYPE_CHECKING:
    from experiments.cross_validation import Indices
    from experiments.labeled_index import Labeled
    from spectranet_jax.spectra.spectrum import Spectrum

SEED = 20
"""Seed of the folds, and of the spectra that are drawn."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of the measurement."""

    data: Annotated[Path, tyro.conf.Positional]
    """folder with index.csv and the spectra, as made by data_prep.download --sets"""
    model: str = "linenet"
    """LineNet to fine-tune: shipped model, or run folder"""
    labels: tuple[int, ...] = (40, 200)
    """numbers of labeled spectra to fine-tune on; a fifth of them serves to choose the best epoch,
    and another fifth is the run's own test split"""
    out: Path = Path("runs/finetuned")
    """folder for the datasets and the run folders"""


def work(config: Config) -> None:
    """Do the fine-tuning runs that are not complete yet, and print tables."""
    from spectranet_jax.training.memory import keep_freed_memory

    keep_freed_memory()
    from experiments import cross_validation, labeled_index, linenet, starting_model
    from experiments.labeled_catalog import kinds, read_first
    from spectranet_jax.datasets.atomic import check_writable
    from spectranet_jax.progress import notice_if_slow
    from spectranet_jax.spectra.errors import InputError
    from spectranet_jax.spectra.labels import UNKNOWN
    from spectranet_jax.tables import print_table

    starting_model.described(config.model, linenet.Config.task)
    check_writable(config.out, folder=True)
    there = labeled_index.those_there(config.data, labeled_index.read_index(config.data))
    labeled = there.take(kinds(there.label) != UNKNOWN)
    if not len(labeled.file):
        raise InputError(f"{config.data} has no spectrum of a known class; give another folder")
    spectra = read_first(config.data, labeled)
    objects = cross_validation.objects([spectrum.identity for spectrum in spectra])
    plans = {n: list(cross_validation.folds(objects, n, SEED)) for n in config.labels}
    with notice_if_slow("finetuned: starting"):
        from experiments import finetuned_scores
        from spectranet_jax.inference import load

        before = load(config.model).predict(spectra)
    for labels, plan in plans.items():
        after = before.copy()
        for number, (chosen, held_out) in enumerate(plan):
            folder = config.out / f"{labels}-labels" / f"fold-{number}"
            run = fine_tuned(config.model, folder, spectra, labeled, chosen, objects)
            rows = load(run).predict([spectra[i] for i in held_out])
            for name in finetuned_scores.COLUMNS:
                after[name][held_out] = rows[name]
            print(f"{labels} labels: fine-tuned {run}, and predicted", flush=True)
        for table in finetuned_scores.tables(labels, labeled, before, after):
            print_table(table)


def fine_tuned(
    model: str,
    folder: Path,
    spectra: "Sequence[Spectrum]",
    labeled: "Labeled",
    chosen: "Indices",
    objects: "Indices",
) -> Path:
    """Fine-tune a model on the chosen spectra, as the command does; return the run folder.

    Raises:
        InputError: if the folder has a dataset of other spectra, or of other labels.
    """
    import dataclasses

    from data_prep.arrays import write
    from experiments import linenet
    from experiments.labeled_index import INDEX
    from experiments.settings import defaults
    from spectranet_jax.datasets import manifest
    from spectranet_jax.spectra.errors import InputError

    data, run = folder / "data", folder / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("a", encoding="utf-8") as log, redirect_stdout(log):
        part = labeled.take(chosen)
        sources = [{"labels": INDEX, "sha256": part.sha256}]
        if not (data / manifest.FILE_NAME).exists():
            drawn = [spectra[i] for i in chosen]
            ids = objects[chosen]
            write(data, drawn, part.label, part.z, object_id=ids, sources=sources)
        elif manifest.read(data).sources != sources:
            raise InputError(
                f"{data} was made from other spectra, labels or redshifts than {INDEX} lists now;"
                " choose another --out, or remove it"
            )
        config = defaults(linenet.Config(init=model))
        linenet.work(dataclasses.replace(config, init=model, data=data, out=run))
    return run


if __name__ == "__main__":
    command(Config, work, __doc__)
