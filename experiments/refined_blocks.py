"""Refined redshifts of blocks with native pixels, beside the network's: of mocks or a split."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from rich.table import Table

from experiments import refined_scores
from experiments.refined_methods import by_methods
from experiments.refined_scores import Index, Method
from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.datasets.split import Split
from spectranet_jax.inference import Model
from spectranet_jax.spectra import CLASSES, InputError, labels
from spectranet_jax.spectra.native import NATIVE_GRID

Measured = tuple[Index, dict[str, Method]]
"""label, z and sn of n spectra, and their redshifts by method."""


def measured(
    blocks: Iterable[Block],
    model: Model,
    bases: Mapping[str, Any],
    other_methods: Mapping[str, Callable[[Block], Method]] = MappingProxyType({}),
) -> Measured:
    """Redshifts of galaxies and quasars by each method: see `by_methods`.

    Args:
        blocks: with native pixels.
        model: of the task linenet.
        bases: name of a method -> basis vectors by kind.
        other_methods: name of a method -> function that measures the redshifts of a block.

    Raises:
        InputError: if no spectrum is a galaxy or a quasar with a known redshift.
    """
    known: list[Index] = []
    by_block: list[dict[str, Method]] = []
    for block in blocks:
        block = block.take((block.label > labels.STAR) & np.isfinite(block.z))
        if not len(block):
            continue
        pixels, native = (block.flux, block.ivar), (block.native["flux"], block.native["ivar"])
        ours = by_methods(model, pixels, native, block.native["phase"], block.z, bases)
        by_block.append(ours | {name: find(block) for name, find in other_methods.items()})
        known.append({"label": np.array(CLASSES)[block.label], "z": block.z, "sn": block.sn})
    if not known:
        raise InputError("there is no galaxy or quasar with a redshift to refine; give another set")
    index = {name: np.concatenate([entry[name] for entry in known]) for name in known[0]}
    names = list(by_block[0])
    return index, {
        name: refined_scores.joined([methods[name] for methods in by_block]) for name in names
    }


def tables(index: Index, methods: Mapping[str, Method]) -> list[Table]:
    """Return errors by S/N and by redshift, a line per method, and coverage of p(z)."""
    by_range = refined_scores.ranges(index).items()
    return [
        *(refined_scores.group_table(name, rows, index["z"], methods) for name, rows in by_range),
        refined_scores.coverage_table(index, methods),
    ]


def check_native(split: Split) -> None:
    """Raise InputError unless a split has native pixels that redshifts can be refined at."""
    if split.manifest.native != NATIVE_GRID:
        raise InputError(
            f"{split.folder} has no native pixels to refine redshifts at (--refine); prepare it"
            " with --native, or name another dataset with --data"
        )


def blocks_of(split: Split) -> Iterator[Block]:
    """Yield the spectra of a split with native pixels, in blocks, in order."""
    assert split.native is not None and split.phase is not None
    for start in range(0, len(split), BLOCK_SIZE):
        rows = np.arange(start, min(start + BLOCK_SIZE, len(split)))
        columns: dict[str, Any] = {name: values[rows] for name, values in split.columns.items()}
        flux, ivar = split.pixels(rows)
        at_native: dict[str, Any] = dict(zip(("flux", "ivar"), split.native(rows), strict=True))
        at_native["phase"] = split.phase[rows]
        yield Block(flux=flux, ivar=ivar, native=at_native, **columns)
