"""A mock survey as a dataset folder."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from data_prep.mock.empirical import SHIPPED
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.survey import blocks
from data_prep.pictures import contact_sheet
from data_prep.progress import progress
from data_prep.summary import SHEET
from data_prep.write import write_dataset
from spectranet_jax import __version__
from spectranet_jax.spectra import InputError, lines, manifest, noise
from spectranet_jax.spectra.manifest import Manifest
from spectranet_jax.spectra.records import Block

NO_PHYSICS = ("__init__.py", "__main__.py", "compact.py", Path(__file__).name)
"""Files of this folder that do not decide what a mock spectrum looks like."""


def recipe() -> str:
    """sha256 over the source files and templates that decide what a mock spectrum looks like."""
    here = sorted(Path(__file__).parent.glob("*.py"))
    physics = [path for path in here if path.name not in NO_PHYSICS]
    digest = hashlib.sha256()
    templates = sorted(SHIPPED.glob("*.fits"))
    for path in [*physics, *templates, Path(lines.__file__), Path(noise.__file__)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def prepare(
    out: Path,
    counts: Mapping[str, int],
    seed: int,
    workers: int = 2,
    ingredients: Ingredients = EVERYTHING,
) -> Manifest:
    """Make a mock survey and write it as a dataset folder with a contact sheet.

    Raises:
        InputError: if the counts are wrong or `out` cannot be written.
    """
    total = sum(counts.values())
    examples: list[Block] = []
    made = blocks(
        counts, seed, workers, ingredients=ingredients
    )  # tells of wrong counts before any work

    def watched() -> Iterator[Block]:
        seen: set[int] = set()
        with progress("making mock spectra", total) as advance:
            for block in made:
                if int(block.label[0]) not in seen:
                    seen.add(int(block.label[0]))
                    examples.append(block)
                yield block
                advance(len(block))

    written = write_dataset(
        out,
        watched(),
        expected=total,
        seed=seed,
        sources=[],
        creator={
            "program": "spectranet-jax",
            "version": __version__,
            "command": "data_prep.mock",
            "config": {"counts": dict(counts), "seed": seed, **ingredients.as_text()},
            "recipe": recipe(),
        },
        report={"rows_in": total, "reasons": {}},
    )
    contact_sheet(out / SHEET, examples)
    return written


def check_recipe(folder: Path) -> None:
    """Raise InputError if a mock survey was made by another version of this code."""
    if manifest.read(folder).creator.get("recipe") != recipe():
        raise InputError(
            f"{folder} holds a mock survey of another version of this code; remove it to have it"
            " made anew, or name it with --data to use it as it is"
        )
