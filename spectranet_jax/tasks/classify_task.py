"""The task of four-class classification: the report's first question."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation import class_scores, report
from spectranet_jax.evaluation.class_scores import ClassScores
from spectranet_jax.evaluation.quasar_scores import Answers
from spectranet_jax.evaluation.score_markdown import class_section
from spectranet_jax.evaluation.score_tables import class_tables
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.labels import CLASSES, UNKNOWN
from spectranet_jax.spectra.normalize import normalize
from spectranet_jax.tasks.task import Draw, Task

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class ClassifyTask(Task[ClassScores]):
    """Four-class classification from the normalized flux, with cross-entropy."""

    name: ClassVar[str] = "classify"
    kind: ClassVar[str] = "classifier"
    scored: ClassVar[type] = ClassScores
    loss_label: ClassVar[str] = "cross-entropy (nats)"
    noiseless_survey: ClassVar[bool | None] = False

    def select(self, truth: Columns) -> NDArray[np.bool_]:
        """Return the spectra of a known class."""
        return truth["label"] != UNKNOWN

    def targets(self, truth: Columns) -> dict[str, NDArray[Any]]:
        """label: int32."""
        return {"label": truth["label"].astype(np.int32)}

    def inputs(
        self, flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
    ) -> tuple[Float[Any, "batch bins"]]:
        """Normalized flux."""
        return (normalize(flux, ivar),)

    def loss(
        self, output: Float[Array, "batch classes"], batch: dict[str, Any]
    ) -> Float[Array, " batch"]:
        """Return -log p of the true class, (batch,); the output is log-probabilities."""
        return -jnp.take_along_axis(output, batch["label"][:, None], axis=-1)[:, 0]

    def decode(self, output: Float[Any, "n classes"]) -> dict[str, NDArray[Any]]:
        """Return CLASS, and one probability per class (columns P_STAR, ...)."""
        # In float64 and renormalized, so that the probabilities of a row sum to 1.
        p = np.exp(np.asarray(output, np.float64))
        p /= p.sum(axis=-1, keepdims=True)
        columns = {f"P_{name}": p[:, i].astype(np.float32) for i, name in enumerate(CLASSES)}
        return {"CLASS": np.array(CLASSES)[p.argmax(axis=-1)], **columns}

    def quasars(self, columns: Columns) -> Answers:
        """Return which spectra are quasars, and which are BALs."""
        return quasars_of_classes(columns["CLASS"])

    def scores(self, columns: Columns, truth: Columns) -> ClassScores:
        """Return scores by class."""
        return class_scores.scores(truth["label"], log_prob(columns))

    def tables(self, scores: ClassScores, where: str) -> "list[Table]":
        """Scores by class beside the report's Table 2, and where that table contradicts itself."""
        return class_tables(scores, where, note=" ".join(report.contradictions()))

    def figures(self, split: Split, columns: Columns) -> dict[str, Draw]:
        """Return the confusion matrix, and examples."""
        from spectranet_jax.tasks import drawings

        return drawings.of_classes(split, columns)

    def card(self, scores: ClassScores) -> list[str]:
        """Return scores by class."""
        return [class_section(scores)]


def log_prob(columns: Columns) -> NDArray[np.floating]:
    """Return the logarithms of the probabilities of the four classes, (n, 4)."""
    p = np.stack([columns[f"P_{name}"] for name in CLASSES], axis=-1)
    return np.log(np.maximum(p, 1e-30))


def quasars_of_classes(called: NDArray[Any]) -> Answers:
    """Return the answers about quasars that predicted classes, (n,) of names, imply."""
    return Answers(is_qso=np.isin(called, ("QSO", "QSO_BAL")), is_bal=called == "QSO_BAL")
