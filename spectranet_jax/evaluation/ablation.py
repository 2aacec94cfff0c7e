"""What leaving a part out does to scores, against their scatter from seed to seed."""

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any, NamedTuple

import numpy as np

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
