"""QuasarNET's task: the position of each line, and broad absorption.

For every line the network gives the box it is in and where within it: `networks.boxes`. A spectrum
is called a quasar if it is confident of one line at least; the redshift is that of the line it is
most confident of (Busca & Balland 2018, arXiv:1808.09955).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation import quasar_scores
from spectranet_jax.evaluation.quasar_scores import Answers, QuasarScores, Truth
from spectranet_jax.evaluation.score_tables import quasar_table, range_table
from spectranet_jax.networks import boxes as coding
from spectranet_jax.spectra.column import Column, Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, QSO, QSO_BAL
from spectranet_jax.spectra.normalize import moments, normalize
from spectranet_jax.tasks.task import Draw, Option, Task

if TYPE_CHECKING:
    from rich.table import Table

LINES = ("LYA", "CIV", "CIII", "MgII", "Hbeta", "Halpha")
BAL_LINES = ("CIV",)
"""The heads of QuasarNET, in its order: lines, then lines in which broad absorption is sought."""

EPSILON = 1e-7
"""Keras's epsilon: the smallest argument of a logarithm, and the smallest divisor."""


def zero_flux(
    flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
) -> Float[Any, "batch bins"]:
    """Normalize spectra as QuasarNET does: a pixel without measurement enters as flux 0.

    `spectra.normalize` puts such a pixel at the mean instead; elsewhere the two are equal. Takes
    NumPy or JAX arrays as that does, (..., pixels).
    """
    xp = flux.__array_namespace__()
    neutral = normalize(flux, ivar)
    mean, rms = moments(flux, ivar)
    zero = (0 - mean) / xp.where(rms > 0, rms, xp.ones_like(rms))
    empty = (ivar <= 0) & neutral.any(axis=-1, keepdims=True)  # a spectrum without data stays 0
    return xp.where(empty, zero, neutral)


EMPTY_PIXELS = {"zero": zero_flux, "mean": normalize}
"""Value of a pixel without measurement -> the normalization that gives it."""


def balanced_loss(
    output: Float[Array, "batch lines answers"], batch: dict[str, Any]
) -> Float[Array, " batch"]:
    """Return each spectrum's contribution to QuasarNET's loss, which is their mean over the batch.

    A head's loss is -mean log p over the boxes that hold a line, -mean log(1 - p) over those that
    hold none, and the mean squared error of the offset over the former: the two kinds of box weigh
    the same however rare one is. The means are over the whole batch, and the heads are summed.

    Args:
        output: (batch, heads, 2 * boxes), as `networks.QuasarNet` gives it.
        batch: the arrays of `QuasarNetTask.targets`, and `weight` (batch,) where some rows are
            filling.

    Returns:
        (batch,).
    """
    boxes = output.shape[-1] // 2
    p, offset = output[..., :boxes], output[..., boxes:]
    weight = batch.get("weight", jnp.ones(len(output), output.dtype))
    counts = (weight[:, None] * batch["counts"])[..., None]  # (batch, heads, 1)
    holds = jax.nn.one_hot(batch["box"], boxes, dtype=output.dtype)  # all 0 for OFF_GRID
    positive, negative = counts * holds, counts * (1 - holds)

    def mean(values: Array, of: Array) -> Array:
        """Each spectrum's contribution to the means over the boxes, summed over the heads."""
        total = of.sum(axis=(0, 2), keepdims=True) + EPSILON
        return (of * values / total).sum(axis=(1, 2))

    error = (offset - batch["offset"][..., None]) ** 2
    missed = -jnp.log(jnp.clip(p, EPSILON, 1 - EPSILON))
    alarm = -jnp.log(jnp.clip(1 - p, EPSILON, 1 - EPSILON))
    contribution = mean(missed + error, positive) + mean(alarm, negative)
    return contribution * weight.sum()


@dataclass(frozen=True)
class QuasarNetTask(Task[QuasarScores]):
    """Lines of quasars, and their broad absorption, in boxes.

    Attributes:
        lines: names of `boxes.LINES`, one head each.
        bal_lines: likewise, for broad absorption.
        boxes: boxes per line.
        threshold: confidence above which one line makes a quasar.
        empty_pixels: what a pixel without measurement enters as, a key of `EMPTY_PIXELS`: "zero"
            flux, as in QuasarNET, or the spectrum's "mean".

    Raises:
        InputError: if a line or `empty_pixels` is unknown, or there is no line.
    """

    lines: tuple[str, ...] = LINES
    bal_lines: tuple[str, ...] = BAL_LINES
    boxes: int = 13
    threshold: float = 0.5
    empty_pixels: str = "zero"

    name: ClassVar[str] = "quasarnet"
    kind: ClassVar[str] = "QuasarNET"
    scored: ClassVar[type] = QuasarScores
    loss_label: ClassVar[str] = "balanced loss, summed over lines"
    options: ClassVar[Mapping[str, Option]] = {"threshold": Option("--threshold", float)}
    counted: ClassVar[Mapping[str, str]] = {"IS_QSO": "called quasar"}

    def __post_init__(self) -> None:
        unknown = [line for line in (*self.lines, *self.bal_lines) if line not in coding.LINES]
        if unknown or not self.lines:
            asked = ", ".join(unknown) or "none"
            raise InputError(f"QuasarNET has the lines {', '.join(coding.LINES)}, not {asked}")
        if self.empty_pixels not in EMPTY_PIXELS:
            raise InputError(
                f"empty_pixels {self.empty_pixels!r} is not {' or '.join(EMPTY_PIXELS)}"
            )

    @property
    def heads(self) -> list[str]:
        """Return the names of the heads; those for broad absorption end in _BAL."""
        return [*self.lines, *(f"{line}_BAL" for line in self.bal_lines)]

    @property
    def columns(self) -> dict[str, Column]:
        """Return the columns of each head's confidence and redshift, and of IS_QSO."""
        return {
            **{f"C_{head}": Column("f4", f"confidence of {_meaning(head)}") for head in self.heads},
            **{f"Z_{head}": Column("f8", f"redshift from {_meaning(head)}") for head in self.heads},
            # Not bool: a masked one would be read back from FITS as False.
            "IS_QSO": Column("i2", f"1 if a line's confidence is above {self.threshold:g}, else 0"),
        }

    @property
    def redshifts(self) -> tuple[str, ...]:
        """Return the redshift columns of the best line, and of each line."""
        return ("Z", *(f"Z_{head}" for head in self.heads))

    def select(self, truth: Columns) -> NDArray[np.bool_]:
        """Spectra of a known class, and of quasars those with a secure redshift, bool (n,)."""
        return quasar_scores.scorable(truth["label"], truth["z"], truth["z_conf"])

    def targets(self, truth: Columns) -> dict[str, NDArray[Any]]:
        """Return the targets of the loss, (n, heads) each.

        box: int32, that of the line, `boxes.OFF_GRID` where it should be in none: off the grid, or
        no quasar, or in a head for broad absorption no BAL. offset: float32. counts: float32, 0
        where the head learns nothing from the spectrum (a BAL label that is unsure), else 1.
        """
        quasar = np.isin(truth["label"], (QSO, QSO_BAL))
        columns: dict[str, list[NDArray[Any]]] = {"box": [], "offset": [], "counts": []}
        for number, line in enumerate((*self.lines, *self.bal_lines)):
            of_bal = number >= len(self.lines)
            positive = quasar & (truth["bal"] == BAL) if of_bal else quasar
            box, offset = coding.encode(truth["z"], coding.LINES[line], self.boxes, self.grid)
            columns["box"].append(np.where(positive, box, coding.OFF_GRID).astype(np.int32))
            columns["offset"].append(offset.astype(np.float32))
            counts = truth["bal"] != BAL_UNSURE if of_bal else np.ones(len(box))
            columns["counts"].append(counts.astype(np.float32))
        return {name: np.stack(values, axis=-1) for name, values in columns.items()}

    def inputs(
        self, flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
    ) -> tuple[Float[Any, "batch bins"]]:
        """Normalized flux."""
        return (EMPTY_PIXELS[self.empty_pixels](flux, ivar),)

    def loss(
        self, output: Float[Array, "batch lines answers"], batch: dict[str, Any]
    ) -> Float[Array, " batch"]:
        """See `balanced_loss`."""
        return balanced_loss(output, batch)

    def decode(self, output: Float[Any, "n lines answers"]) -> dict[str, NDArray[Any]]:
        """Return C_LINE and Z_LINE of each line, IS_QSO, and as Z that of the most confident line.

        Args:
            output: (n, heads, 2 * boxes).
        """
        output = np.asarray(output)
        boxes = output.shape[-1] // 2
        confidence, z = [], []
        for head, line in enumerate((*self.lines, *self.bal_lines)):
            box = output[:, head, :boxes].argmax(axis=-1)
            rows = np.arange(len(output))
            confidence.append(output[rows, head, box])
            offset = output[rows, head, boxes + box]
            z.append(coding.decode(box, offset, coding.LINES[line], boxes, self.grid))
        of_lines = confidence[: len(self.lines)]
        best = np.argmax(of_lines, axis=0)
        return {
            **{f"C_{name}": values for name, values in zip(self.heads, confidence, strict=True)},
            **{f"Z_{name}": values for name, values in zip(self.heads, z, strict=True)},
            "IS_QSO": np.max(of_lines, axis=0) > self.threshold,
            "Z": np.stack(z)[best, np.arange(len(output))],
        }

    def quasars(self, columns: Columns) -> Answers:
        """All answers about quasars; a BAL is taken from its first line above the threshold."""
        p_bal = columns[f"C_{self.bal_lines[0]}_BAL"] if self.bal_lines else None
        return Answers(
            is_qso=columns["IS_QSO"],
            z=columns["Z"],
            is_bal=None if p_bal is None else p_bal > self.threshold,
            p_bal=p_bal,
        )

    def scores(self, columns: Columns, truth: Columns) -> QuasarScores:
        """Return purity, completeness, redshifts and broad absorption."""
        known = Truth(truth["label"], truth["z"], truth["bal"])
        return quasar_scores.scores(known, self.quasars(columns))

    def tables(self, scores: QuasarScores, where: str) -> "list[Table]":
        """Return scores of quasars, and of their redshifts by range."""
        tables = [quasar_table(f"Quasars in {where}", {"here": scores})]
        if scores.redshift_by_range is not None:
            title = "Redshifts of quasars, with 95% intervals"
            tables.append(range_table(title, scores.redshift_by_range))
        return tables

    def figures(self, split: Split, columns: Columns) -> dict[str, Draw]:
        """Return predicted against true z, and residuals, of the quasars."""
        from spectranet_jax.tasks import drawings

        quasar = np.isin(split.columns["label"], (QSO, QSO_BAL))
        return drawings.of_redshifts(split.columns["z"][quasar], columns["Z"][quasar])


def _meaning(head: str) -> str:
    line = head.removesuffix("_BAL")
    return f"the line {line}" if line == head else f"broad absorption in {line}"
