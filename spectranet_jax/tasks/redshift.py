"""At what redshift is it? The report's second question: one number, by regression."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.evaluation import redshift
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import CONFIDENT, QSO, QSO_BAL
from spectranet_jax.spectra.normalize import normalize
from spectranet_jax.tasks.task import Columns, Task

TARGETS = {"qso": (QSO,), "bal": (QSO_BAL,), "all": (QSO, QSO_BAL)}
"""What is regressed -> the labels that take part."""


def select(target: str, truth: Columns) -> NDArray[np.bool_]:
    """The spectra of the target's classes with a secure redshift, bool (n,)."""
    right_class = np.isin(truth["label"], TARGETS[target])
    return right_class & (truth["z_conf"] == CONFIDENT) & np.isfinite(truth["z"])


def standardization(z: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of the training redshifts, (n,); 1 where all are equal."""
    return float(z.mean()), float(z.std()) or 1.0


def task(grid: LogGrid, target: str, mean: float, std: float) -> Task:
    """Regression of z with squared error, standardized inside and reported in z.

    Args:
        grid: the bins of the spectra.
        target: "qso", "bal" or "all" (both).
        mean: of z in the training spectra.
        std: standard deviation of z in the training spectra.

    Raises:
        InputError: if there is no such target.
    """
    if target not in TARGETS:
        raise InputError(f"no redshift target is called {target!r}; there are {', '.join(TARGETS)}")

    def squared_error(
        output: Float[Array, " batch"], batch: dict[str, Any]
    ) -> Float[Array, " batch"]:
        return (output - batch["z"]) ** 2

    def decode(output: Float[Any, " n"]) -> dict[str, NDArray[Any]]:
        return {"Z": np.asarray(output, np.float64) * std + mean}

    return Task(
        grid=grid,
        config={"name": "redshift", "target": target, "mean": mean, "std": std},
        select=lambda truth: select(target, truth),
        target=lambda truth: {"z": ((truth["z"] - mean) / std).astype(np.float32)},
        inputs=lambda flux, ivar: (normalize(flux, ivar),),
        loss=squared_error,
        decode=decode,
        scores=lambda columns, truth: redshift.scores(columns["Z"], truth["z"]),
        applies_to=TARGETS[target],
    )
