"""The spectra of a training command, and their augmentation in each step."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.dataset import survey_in
from data_prep.mock.ingredients import at_hand
from experiments.settings import Training
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.split import Split, open_split
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.spectrographs import Spectrographs
from spectranet_jax.training.augment import Augment, as_stored, observe


def dataset_folder(
    config: Training, kind: str, classes: Sequence[str], noiseless: bool = False
) -> Path:
    """Return the dataset to train on: that of --data, or a mock survey, made if it does not exist.

    A mock survey has the templates in the folder of RR_TEMPLATE_DIR, if that is set.

    Args:
        config: settings of the run.
        kind: what the mock survey holds, for its folder's name.
        classes: classes of the mock survey, in equal numbers.
        noiseless: make a noise-free mock survey, which every step observes anew.
    """
    if config.data is not None:
        return config.data
    counts = dict.fromkeys(classes, config.spectra // len(classes))
    folder = Path(f"data/mock-{kind}-{config.spectra}-seed{config.seed}")
    there = (folder / manifest.FILE_NAME).exists()
    if config.distributed and not there:
        raise InputError(
            f"there is no mock survey in {folder}, and several processes cannot make one; make it"
            " with data_prep.mock, and name it, or another dataset, with --data"
        )
    print(f"{'using the' if there else 'making a'} mock survey in {folder}", flush=True)
    return survey_in(folder, counts, config.seed, QUASARNET_GRID, noiseless, at_hand())


def training_split(
    data: Path, select: Callable[[Columns], NDArray[np.bool_]], skip_damaged: bool = False
) -> Split:
    """Return a dataset's training split: with noise, or noise-free for each step to observe."""
    return warn_of_damage(open_split(data, "train", select, True, skip_damaged))


def warn_of_damage(split: Split) -> Split:
    """Return the same split, after a warning about damaged spectra that are left out."""
    if split.left_out:
        spectra = sum(part.spectra for part in split.left_out)
        first, more = split.left_out[0].why.partition(";")[0], len(split.left_out) - 1
        print(
            f"warning: {spectra:,} spectra of the {split.name} split are left out, since {first}"
            + (f", and {more} more places" if more else ""),
            file=sys.stderr,
            flush=True,
        )
    return split


def left_out(*splits: Split) -> dict[str, Any]:
    """Return what is left out of splits, for config.json and evaluation.json; {} if nothing.

    A run that was begun without a block is not resumed with it, nor the other way round.
    """
    parts = [
        f"{part.shard}, all of it" if part.block is None else f"{part.shard}, block {part.block}"
        for split in splits
        for part in split.left_out
    ]
    spectra = sum(part.spectra for split in splits for part in split.left_out)
    return {"left_out": {"spectra": spectra, "places": parts}} if parts else {}


def observation(training: Split) -> Augment:
    """Return the augmentation: noise-free spectra are observed anew, others left as they are.

    Raises:
        InputError: if a noise-free dataset does not name the effects to observe with.
    """
    if not training.noiseless:
        return as_stored
    effects = training.manifest.effects
    if effects is None:
        raise InputError(
            f"{training.folder / manifest.FILE_NAME} names no effects to observe its noise-free"
            " spectra with; make the dataset again with data_prep.mock --noiseless"
        )
    spectrographs = Spectrographs.of(training.manifest.instruments, training.grid)
    return partial(observe, spectrographs=spectrographs, effects=effects)
