"""A mock survey as a dataset folder."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.division import by_hash
from data_prep.mock.bare_code import bare_code
from data_prep.mock.ingredients import ANALYTIC, EVERYTHING, Ingredients
from data_prep.mock.survey import blocks, select_none
from data_prep.mock.template_folder import VARIABLE
from data_prep.pictures import contact_sheet
from data_prep.summary import SHEET
from data_prep.write import Plan, Provenance, write_dataset
from spectranet_jax import __version__
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.manifest import Manifest
from spectranet_jax.datasets.records import Block
from spectranet_jax.progress import progress
from spectranet_jax.spectra import (
    InputError,
    LogGrid,
    defects,
    instruments,
    lines,
    noise,
    observation,
    random_fields,
    spectrographs,
)
from spectranet_jax.spectra import grid as grids
from spectranet_jax.spectra.native import NATIVE_GRID

NO_PHYSICS = ("__init__.py", "__main__.py", "bare_code.py", Path(__file__).name)
"""Files of this folder that do not affect mock spectra."""


OBSERVATION = (
    grids, lines, instruments, spectrographs, random_fields, noise, defects, observation,
)  # fmt: skip
"""Modules of the library that affect mock spectra."""


def recipe() -> str:
    """Return the sha256 over the code that determines mock spectra."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    physics = [path for path in sources if path.name not in NO_PHYSICS]
    physics += [Path(str(module.__file__)) for module in OBSERVATION]
    digest = hashlib.sha256()
    for path in physics:
        digest.update(path.name.encode() + b"\0" + bare_code(path))
    return digest.hexdigest()


def prepare(
    out: Path,
    counts: Mapping[str, int],
    seed: int,
    grid: LogGrid,
    workers: int = 2,
    noiseless: bool = False,
    ingredients: Ingredients = EVERYTHING,
    native: bool = False,
) -> Manifest:
    """Make a mock survey and write it as a dataset folder with a contact sheet.

    Args:
        out: the folder to make.
        counts: class name -> spectra.
        seed: of every draw and of the split.
        grid: the bins.
        workers: threads.
        noiseless: store the training spectra noise-free, for training that draws the noise; the
            validation and test spectra are observed once in any case.
        ingredients: what spectra are made of.
        native: draw spectra at native pixels, and store these beside the bins.

    Raises:
        InputError: if the counts are wrong or `out` cannot be written.
    """
    total = sum(counts.values())
    examples: list[Block] = []
    division = by_hash(seed)

    def to_train_on(object_id: NDArray[np.int64], name: NDArray[np.bytes_]) -> NDArray[np.bool_]:
        return division.of(object_id, name) == manifest.SPLITS.index("train")

    made = blocks(  # reports wrong counts before any work
        counts,
        seed,
        grid,
        workers,
        noiseless=to_train_on if noiseless else select_none,
        ingredients=ingredients,
        native=native,
    )

    def watched() -> Iterator[Block]:
        seen: set[int] = set()
        with progress("making mock spectra", total) as advance:
            for block in made:
                if int(block.label[0]) not in seen:
                    seen.add(int(block.label[0]))
                    examples.append(block)
                yield block
                advance(len(block))

    if ingredients.lacks_templates:
        print(ANALYTIC, flush=True)
    plan = Plan(grid, total, seed, division, native=NATIVE_GRID if native else None)
    if noiseless:
        plan = replace(
            plan,
            noiseless=("train",),
            effects=ingredients.effects,
            instruments=ingredients.instruments,
        )
    written = write_dataset(
        out,
        watched(),
        plan,
        Provenance(
            creator(counts, seed, noiseless, ingredients, native),
            report={"rows_in": total, "reasons": {}},
        ),
    )
    contact_sheet(out / SHEET, examples, grid)
    return written


def creator(
    counts: Mapping[str, int],
    seed: int,
    noiseless: bool = False,
    ingredients: Ingredients = EVERYTHING,
    native: bool = False,
) -> dict[str, Any]:
    """Return the manifest's account of how a mock survey was made."""
    return {
        "program": "spectranet-jax",
        "version": __version__,
        "command": "data_prep.mock",
        "config": {
            "counts": dict(counts),
            "seed": seed,
            "noiseless": noiseless,
            **ingredients.as_text(),
            "effects": list(ingredients.effects),
            "instruments": list(ingredients.instruments),
            **({"native": True} if native else {}),
        },
        "recipe": recipe(),
    }


def survey_in(
    folder: Path,
    counts: Mapping[str, int],
    seed: int,
    grid: LogGrid,
    noiseless: bool = False,
    ingredients: Ingredients = EVERYTHING,
    instead: str = "name it with --data to use it as it is",
) -> Path:
    """Return the folder of a mock survey; make the survey if the folder has none.

    Args:
        folder: of the survey.
        counts: class name -> spectra.
        seed: of every draw and of the split.
        grid: the bins.
        noiseless: as for `prepare`.
        ingredients: what spectra are made of.
        instead: advice in an error to users who want to keep another survey in the folder.

    Raises:
        InputError: if the folder holds another survey, or one of another version of this code.
    """
    if (folder / manifest.FILE_NAME).exists():
        check_recipe(folder, creator(counts, seed, noiseless, ingredients), instead)
    else:
        prepare(folder, counts, seed, grid, noiseless=noiseless, ingredients=ingredients)
    return folder


def check_recipe(
    folder: Path,
    expected: Mapping[str, Any],
    instead: str = "name it with --data to use it as it is",
) -> None:
    """Raise InputError if a mock survey is not the one that this code would make.

    Args:
        folder: of the survey.
        expected: `creator` of the requested survey.
        instead: advice in an error to users who want to keep the survey.
    """
    made = manifest.read(folder).creator
    config = made.get("config", {})
    if config != expected["config"]:
        if {**config, "templates": None} == {**expected["config"], "templates": None}:
            raise InputError(
                f"{folder} holds a mock survey made with other templates than {VARIABLE} names now;"
                f" set {VARIABLE} as before, remove {folder} to make the survey again, or {instead}"
            )
        raise InputError(
            f"{folder} holds a mock survey with other settings; remove it to make the requested"
            f" survey, or {instead}"
        )
    if made.get("recipe") != expected["recipe"]:
        raise InputError(
            f"{folder} holds a mock survey made by another version of this code; remove it to make"
            f" the survey again, or {instead}"
        )
