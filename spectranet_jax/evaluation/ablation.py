"""What leaving a part out does to scores, against their scatter from seed to seed."""

from collections.abc import Mapping, Sequence
from math import comb
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spectranet_jax.evaluation.style import ACCENT, INK, LIGHT, MAIN, png

WHOLE = "nothing left out"

Scores = Mapping[str, Any]
"""Those of `tasks.linenet`."""


class Measure(NamedTuple):
    """A number of the scores: the keys that lead to it, its format, and +1 where more is better."""

    keys: tuple[str, ...]
    form: str
    better: int


MEASURES = {
    "three classes": Measure(("accuracy_three_class",), ".3f", 1),
    "log-loss of four": Measure(("log_loss",), ".3f", -1),
    "quasars: NMAD (km/s)": Measure(("quasars", "redshift", "nmad_dv"), ".0f", -1),
    "quasars within 1000": Measure(("quasars", "redshift", "within", "1000", "fraction"), ".3f", 1),
    "quasars within 3000": Measure(("quasars", "redshift", "within", "3000", "fraction"), ".3f", 1),
    "galaxies within 1000": Measure(("galaxies", "within", "1000", "fraction"), ".3f", 1),
}


class Effect(NamedTuple):
    """A measure of one kind of training.

    Attributes:
        mean: over the seeds, NaN where one has no such number.
        scatter: their standard deviation, likewise.
        worse: every seed is worse than every seed of the whole.
        better: every seed is better.
    """

    mean: float
    scatter: float
    worse: bool
    better: bool


def values(measure: Measure, several: Sequence[Scores]) -> list[float]:
    """The measure of each, NaN where there is none."""
    found = []
    for scores in several:
        value: Any = scores
        for key in measure.keys:
            value = None if value is None else value[key]
        found.append(np.nan if value is None else float(value))
    return found


def effect(measure: Measure, whole: Sequence[Scores], without: Sequence[Scores]) -> Effect:
    """What a part does to a measure; see `by_chance` for how far to trust it.

    Args:
        measure: one of `MEASURES`.
        whole: scores of each seed with nothing left out.
        without: scores of each seed without the part.
    """
    before = measure.better * np.array(values(measure, whole))
    after = measure.better * np.array(values(measure, without))
    return Effect(
        mean=float(measure.better * after.mean()),
        scatter=float(after.std(ddof=1)),
        worse=bool(after.max() < before.min()),
        better=bool(after.min() > before.max()),
    )


def by_chance(seeds: int) -> float:
    """How often a part that does nothing is called worse or better, if only seeds differ.

    Of the ways to order n seeds of either kind two keep them apart: 2 n! n! / (2n)!.
    """
    return 2 / comb(2 * seeds, seeds)


def ablation_figure(
    whole: Sequence[Scores], without: Mapping[str, Sequence[Scores]], path: Path
) -> Path:
    """Every training a dot, a panel a measure, a row a part; the band is the range of the whole.

    Args:
        whole: scores of each seed with nothing left out.
        without: the same by the part that is left out.
        path: PNG file to write.
    """
    rows = {WHOLE: whole, **without}
    with png(path, 10, 1.6 + 0.32 * len(rows)) as figure:
        panels = figure.subplots(1, len(MEASURES), sharey=True)
        for axes, (title, measure) in zip(panels, MEASURES.items(), strict=True):
            band = values(measure, whole)
            axes.axvspan(min(band), max(band), color=LIGHT, alpha=0.5, linewidth=0)
            for place, several in enumerate(rows.values()):
                found = effect(measure, whole, several)
                color = ACCENT if found.worse else MAIN if found.better else INK
                numbers = values(measure, several)
                axes.plot(numbers, [place] * len(numbers), "o", color=color, ms=4, alpha=0.7, mew=0)
            axes.set_title(title, fontsize=8)
            axes.set_xlabel("better →" if measure.better > 0 else "← better", fontsize=7)
            axes.tick_params(labelsize=7)
        panels[0].set_yticks(range(len(rows)), list(rows))
        panels[0].invert_yaxis()
        figure.suptitle(
            "A dot a training, the band those with nothing left out; orange: every seed is worse",
            fontsize=8,
            color=INK,
        )
    return path
