"""The refinement of a catalog's redshifts: basis vectors, and where they come from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.inference import basis, redrock
from spectranet_jax.inference.basis import Basis
from spectranet_jax.inference.refined_columns import refined_columns
from spectranet_jax.readers.native_reading import Native
from spectranet_jax.spectra import phase
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.tasks import Task


@dataclass(frozen=True)
class Refinement:
    """Basis vectors by kind of spectrum; none to keep the network's redshifts.

    Attributes:
        bases: "GALAXY" and "QSO" -> vectors.
        source: what they are, for the header of a catalog: names and sha256.
    """

    bases: Mapping[str, Basis]
    source: str

    def fits(self, task: Task[Any]) -> bool:
        """Return whether it can refine a task's answers, which requires p(z)."""
        return bool(self.bases) and task.posterior is not None


@cache
def shipped() -> Refinement:
    """Return the basis vectors that come with the package."""
    bases = basis.shipped()
    return Refinement(bases, _source("shipped", bases))


def of_redrock(folder: Path) -> Refinement:
    """Return the refinement with redrock's templates in a folder.

    Raises:
        InputError: if one of them is missing or cannot be read.
    """
    bases = redrock.redrock(folder)
    return Refinement(bases, _source("redrock templates", bases))


NONE = Refinement({}, "none")


def _source(name: str, bases: Mapping[str, Basis]) -> str:
    digest = hashlib.sha256()
    for kind, vectors in sorted(bases.items()):
        digest.update(f"{kind} {vectors.start}".encode() + vectors.vectors.tobytes())
    return f"{name}, sha256 {digest.hexdigest()}"


def refined_answer(
    task: Task[Any], answer: Columns, grid: LogGrid, native: Native, refinement: Refinement
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int32]]:
    """Return a model's answer with redshifts refined where possible, and corrected for the phase.

    Args:
        task: of the model.
        answer: its decoded columns, (n, ...) each.
        grid: that of the model.
        native: the same spectra; without their pixels nothing is refined.
        refinement: what to refine with.

    Returns:
        the columns, and quality bits, int32 (n,): NOT_REFINED and FIT_AT_EDGE.
    """
    offset = native.phase[grid]
    bits = np.zeros(len(offset), np.int32)
    if task.posterior is None:
        moved = {name: _moved(answer[name], offset) for name in task.redshifts if name in answer}
        return {**answer, **moved}, bits
    bases = refinement.bases if native.flux.shape[1] else {}
    refined = refined_columns(answer, task.posterior, offset, native.flux, native.ivar, bases)
    wanted, refined_rows, edge = (refined.pop(name) for name in ("WANTED", "REFINED", "AT_EDGE"))
    if refinement.bases:
        bits |= np.where(wanted & ~refined_rows, Flag.NOT_REFINED, 0).astype(np.int32)
        bits |= np.where(edge, Flag.FIT_AT_EDGE, 0).astype(np.int32)
    return {**answer, **refined}, bits


def _moved(z: NDArray[Any], offset: NDArray[np.float64]) -> NDArray[Any]:
    """Return redshifts corrected for the phase of the pixels; masked where they were."""
    values = phase.corrected(np.ma.getdata(z), offset)
    return np.ma.masked_array(values, np.ma.getmaskarray(z)) if np.ma.isMaskedArray(z) else values
