"""Where is each line, and is there broad absorption? QuasarNET's question.

Of every line the network says in which box it is and where within it: `networks.boxes`. A spectrum
is called a quasar if it is confident of one line at least; the redshift is that of the line it is
most confident of (Busca & Balland 2018, arXiv:1808.09955).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.evaluation import quasars
from spectranet_jax.networks import boxes as coding
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, CONFIDENT, QSO, QSO_BAL, UNKNOWN
from spectranet_jax.spectra.normalize import moments, normalize
from spectranet_jax.tasks.task import Columns, Task

LINES = ("LYA", "CIV", "CIII", "MgII", "Hbeta", "Halpha")
BAL_LINES = ("CIV",)
"""The heads of QuasarNET, in its order: lines, then lines in which broad absorption is sought."""

EPSILON = 1e-7
"""Keras's: no logarithm of less, and no division by less."""


def select(truth: Columns) -> NDArray[np.bool_]:
    """The spectra of a known class, and of quasars those with a secure redshift, bool (n,)."""
    quasar = np.isin(truth["label"], (QSO, QSO_BAL))
    secure = (truth["z_conf"] == CONFIDENT) & np.isfinite(truth["z"])
    return (truth["label"] != UNKNOWN) & (~quasar | secure)


def target(
    truth: Columns, lines: Sequence[str], bal_lines: Sequence[str], boxes: int, grid: LogGrid
) -> dict[str, NDArray[Any]]:
    """What the loss reads, (n, heads) each.

    box: int32, that of the line, `boxes.OFF_GRID` where it should be in none: off the grid, or no
    quasar, or in a head for broad absorption no BAL. offset: float32. counts: float32, 0 where the
    head learns nothing from the spectrum (a BAL label that is unsure), else 1.
    """
    quasar = np.isin(truth["label"], (QSO, QSO_BAL))
    columns: dict[str, list[NDArray[Any]]] = {"box": [], "offset": [], "counts": []}
    for number, line in enumerate((*lines, *bal_lines)):
        of_bal = number >= len(lines)
        positive = quasar & (truth["bal"] == BAL) if of_bal else quasar
        box, offset = coding.encode(truth["z"], coding.LINES[line], boxes, grid)
        columns["box"].append(np.where(positive, box, coding.OFF_GRID).astype(np.int32))
        columns["offset"].append(offset.astype(np.float32))
        counts = truth["bal"] != BAL_UNSURE if of_bal else np.ones(len(box))
        columns["counts"].append(counts.astype(np.float32))
    return {name: np.stack(parts, axis=-1) for name, parts in columns.items()}


def zero_flux(
    flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
) -> Float[Any, "batch bins"]:
    """Spectra normalized as QuasarNET does: a pixel without measurement enters as flux 0.

    `spectra.normalize` puts such a pixel at the mean instead; elsewhere the two are equal. Takes
    NumPy or JAX arrays as that does, (..., pixels).
    """
    xp = flux.__array_namespace__()
    neutral = normalize(flux, ivar)
    mean, rms = moments(flux, ivar)
    zero = (0 - mean) / xp.where(rms > 0, rms, xp.ones_like(rms))
    empty = (ivar <= 0) & neutral.any(axis=-1, keepdims=True)  # a dead spectrum stays 0
    return xp.where(empty, zero, neutral)


EMPTY_PIXELS = {"zero": zero_flux, "mean": normalize}
"""What a pixel without measurement enters as -> the normalization that does it."""


def balanced_loss(
    output: Float[Array, "batch lines answers"], batch: dict[str, Any]
) -> Float[Array, " batch"]:
    """QuasarNET's loss, as each spectrum's part in it; the mean over the batch is the loss.

    A head's loss is -mean log p over the boxes that hold a line, -mean log(1 - p) over those that
    hold none, and the mean squared error of the offset over the former: the two kinds of box weigh
    the same however rare one is. The means are over the whole batch, and the heads are summed.

    Args:
        output: (batch, heads, 2 * boxes), as `networks.QuasarNet` says it.
        batch: the arrays of `target`, and `weight` (batch,) where some rows are filling.

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
        """Each spectrum's part in the mean of every head over the boxes, summed over the heads."""
        total = of.sum(axis=(0, 2), keepdims=True) + EPSILON
        return (of * values / total).sum(axis=(1, 2))

    error = (offset - batch["offset"][..., None]) ** 2
    found = -jnp.log(jnp.clip(p, EPSILON, 1 - EPSILON))
    alarm = -jnp.log(jnp.clip(1 - p, EPSILON, 1 - EPSILON))
    parts = mean(found + error, positive) + mean(alarm, negative)
    return parts * weight.sum()


def decode(
    output: Float[Any, "n lines answers"],
    lines: Sequence[str],
    bal_lines: Sequence[str],
    threshold: float,
    grid: LogGrid,
) -> dict[str, NDArray[Any]]:
    """C_LINE and Z_LINE of each line, IS_QSO, and as Z the redshift of the most confident line.

    Args:
        output: (n, heads, 2 * boxes).
        lines: names of the first heads.
        bal_lines: names of the last heads; their columns end in _BAL.
        threshold: confidence above which one line makes a quasar.
        grid: the bins of the spectra.
    """
    output = np.asarray(output)
    boxes = output.shape[-1] // 2
    names = [*lines, *(f"{line}_BAL" for line in bal_lines)]
    confidence, z = [], []
    for head, line in enumerate((*lines, *bal_lines)):
        box = output[:, head, :boxes].argmax(axis=-1)
        rows = np.arange(len(output))
        confidence.append(output[rows, head, box])
        offset = output[rows, head, boxes + box]
        z.append(coding.decode(box, offset, coding.LINES[line], boxes, grid))
    best = np.argmax(confidence[: len(lines)], axis=0)
    return {
        **{f"C_{name}": values for name, values in zip(names, confidence, strict=True)},
        **{f"Z_{name}": values for name, values in zip(names, z, strict=True)},
        "IS_QSO": np.max(confidence[: len(lines)], axis=0) > threshold,
        "Z": np.stack(z)[best, np.arange(len(output))],
    }


def scores(columns: Columns, truth: Columns, bal_line: str | None, threshold: float) -> Any:
    """The scores of `evaluation.quasars`; a BAL is called by its confidence above the threshold."""
    p_bal = None if bal_line is None else columns[f"C_{bal_line}_BAL"]
    return quasars.scores(
        truth["label"],
        truth["z"],
        truth["bal"],
        is_qso=columns["IS_QSO"],
        z=columns["Z"],
        is_bal=None if p_bal is None else p_bal > threshold,
        p_bal=p_bal,
    )


def task(
    grid: LogGrid,
    lines: Sequence[str] = LINES,
    bal_lines: Sequence[str] = BAL_LINES,
    boxes: int = 13,
    threshold: float = 0.5,
    empty_pixels: str = "zero",
) -> Task:
    """Lines of quasars, and their broad absorption, in boxes.

    Args:
        grid: the bins of the spectra.
        lines: names of `boxes.LINES`, one head each.
        bal_lines: likewise, for broad absorption.
        boxes: boxes a line.
        threshold: confidence above which one line makes a quasar.
        empty_pixels: what a pixel without measurement enters as, a key of `EMPTY_PIXELS`: "zero"
            flux, as in QuasarNET, or the spectrum's "mean".

    Raises:
        InputError: if a line or `empty_pixels` is unknown, or there is no line.
    """
    unknown = [line for line in (*lines, *bal_lines) if line not in coding.LINES]
    if unknown or not lines:
        asked = ", ".join(unknown) or "none"
        raise InputError(f"QuasarNET knows the lines {', '.join(coding.LINES)}, not {asked}")
    if empty_pixels not in EMPTY_PIXELS:
        raise InputError(f"empty pixels enter as {' or '.join(EMPTY_PIXELS)}, not {empty_pixels!r}")
    normalization = EMPTY_PIXELS[empty_pixels]
    names = [*lines, *(f"{line}_BAL" for line in bal_lines)]
    return Task(
        grid=grid,
        config={
            "name": "quasarnet",
            "lines": list(lines),
            "bal_lines": list(bal_lines),
            "boxes": boxes,
            "threshold": threshold,
            "empty_pixels": empty_pixels,
        },
        select=select,
        target=partial(target, lines=lines, bal_lines=bal_lines, boxes=boxes, grid=grid),
        inputs=lambda flux, ivar: (normalization(flux, ivar),),
        loss=balanced_loss,
        decode=partial(decode, lines=lines, bal_lines=bal_lines, threshold=threshold, grid=grid),
        scores=partial(scores, bal_line=bal_lines[0] if bal_lines else None, threshold=threshold),
        applies_to=tuple(range(4)),
        columns={
            **{f"C_{name}": ("f4", f"confidence of {_meaning(name)}") for name in names},
            **{f"Z_{name}": ("f8", f"redshift by {_meaning(name)}") for name in names},
            # Not bool: a masked one would be read back from FITS as False.
            "IS_QSO": ("i2", f"1 if a line's confidence is above {threshold:g}, else 0"),
        },
    )


def _meaning(name: str) -> str:
    line = name.removesuffix("_BAL")
    return f"the line {line}" if line == name else f"broad absorption in {line}"
