"""The task of redshift regression: the report's second question."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation import redshift_scores
from spectranet_jax.evaluation.quasar_scores import Answers
from spectranet_jax.evaluation.redshift_scores import RedshiftScores
from spectranet_jax.evaluation.score_tables import redshift_table
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.labels import CONFIDENT, QSO, QSO_BAL
from spectranet_jax.spectra.normalize import normalize
from spectranet_jax.tasks.task import Draw, Task

if TYPE_CHECKING:
    from rich.table import Table

TARGETS = {"qso": (QSO,), "bal": (QSO_BAL,), "all": (QSO, QSO_BAL)}
"""Target of the regression -> the labels that take part."""


def select(target: str, truth: Columns) -> NDArray[np.bool_]:
    """Return the spectra of the target's classes with a secure redshift, bool (n,)."""
    right_class = np.isin(truth["label"], TARGETS[target])
    return right_class & (truth["z_conf"] == CONFIDENT) & np.isfinite(truth["z"])


def standardization(z: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of the training redshifts, (n,); 1 where all are equal."""
    return float(z.mean()), float(z.std()) or 1.0


@dataclass(frozen=True)
class RedshiftTask(Task[RedshiftScores]):
    """Regression of z with squared error, standardized inside and reported in z.

    Attributes:
        target: "qso", "bal" or "all" (both).
        mean: of z in the training spectra.
        std: standard deviation of z in the training spectra.

    Raises:
        InputError: if there is no such target.
    """

    target: str
    mean: float
    std: float

    name: ClassVar[str] = "redshift"
    kind: ClassVar[str] = "redshift model"
    scored: ClassVar[type] = RedshiftScores
    loss_label: ClassVar[str] = "squared error (standardized z)"

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise InputError(
                f"no redshift target is called {self.target!r}; there are {', '.join(TARGETS)}"
            )

    @property
    def applies_to(self) -> tuple[int, ...]:
        """Labels of the target."""
        return TARGETS[self.target]

    def select(self, truth: Columns) -> NDArray[np.bool_]:
        """Return the spectra of the target's classes with a secure redshift, bool (n,)."""
        return select(self.target, truth)

    def targets(self, truth: Columns) -> dict[str, NDArray[Any]]:
        """z: float32, standardized."""
        return {"z": ((truth["z"] - self.mean) / self.std).astype(np.float32)}

    def inputs(
        self, flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
    ) -> tuple[Float[Any, "batch bins"]]:
        """Normalized flux."""
        return (normalize(flux, ivar),)

    def loss(self, output: Float[Array, " batch"], batch: dict[str, Any]) -> Float[Array, " batch"]:
        """Return the squared error of the standardized redshift, (batch,)."""
        return (output - batch["z"]) ** 2

    def decode(self, output: Float[Any, " n"]) -> dict[str, NDArray[Any]]:
        """Return Z."""
        return {"Z": np.asarray(output, np.float64) * self.std + self.mean}

    def quasars(self, columns: Columns) -> Answers:
        """Return the redshift alone."""
        return Answers(z=columns["Z"])

    def scores(self, columns: Columns, truth: Columns) -> RedshiftScores:
        """Return errors of z."""
        return redshift_scores.scores(columns["Z"], truth["z"])

    def tables(self, scores: RedshiftScores, where: str) -> "list[Table]":
        """Return errors in z and in km/s beside the report's."""
        return [redshift_table(scores, where)]

    def figures(self, split: Split, columns: Columns) -> dict[str, Draw]:
        """Return predicted against true z, and residuals."""
        from spectranet_jax.tasks import drawings

        return drawings.of_redshifts(split.columns["z"], columns["Z"])
