"""Effect of leaving out parts of training on scores, compared with the scatter over seeds."""

from collections.abc import Callable, Sequence
from math import comb
from typing import NamedTuple

import numpy as np

from spectranet_jax.evaluation.combined_scores import CombinedScores
from spectranet_jax.evaluation.redshift_scores import RedshiftScores

WHOLE = "nothing left out"


class Measure(NamedTuple):
    """A number of the scores, None where there is none; its format; and +1 if more is better."""

    number: Callable[[CombinedScores], float | None]
    form: str
    better: int


def _within(scores: RedshiftScores | None, limit: int) -> float | None:
    """Return the fraction of redshifts within a limit of `redshift_scores.LIMITS`."""
    return None if scores is None else scores.within[str(limit)].fraction


def _nmad_of_quasars(scores: CombinedScores) -> float | None:
    of_quasars = scores.quasars.redshift
    return None if of_quasars is None else of_quasars.nmad_dv


MEASURES = {
    "three classes": Measure(lambda scores: scores.accuracy_three_class, ".3f", 1),
    "log-loss of four": Measure(lambda scores: scores.log_loss, ".3f", -1),
    "quasars: NMAD (km/s)": Measure(_nmad_of_quasars, ".0f", -1),
    "quasars within 1000": Measure(lambda s: _within(s.quasars.redshift, 1000), ".3f", 1),
    "quasars within 3000": Measure(lambda s: _within(s.quasars.redshift, 3000), ".3f", 1),
    "galaxies within 1000": Measure(lambda s: _within(s.galaxies, 1000), ".3f", 1),
}


class Effect(NamedTuple):
    """A measure over the seeds of one kind of training.

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


def values(measure: Measure, runs: Sequence[CombinedScores]) -> list[float]:
    """Return the measure of each run, NaN where there is none."""
    numbers = map(measure.number, runs)
    return [np.nan if number is None else float(number) for number in numbers]


def effect(
    measure: Measure, whole: Sequence[CombinedScores], without: Sequence[CombinedScores]
) -> Effect:
    """Return the effect of a part on a measure; see `by_chance` for how far to trust it.

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
    """Return how often a part without any effect is marked worse or better by chance.

    Of the ways to order n seeds of either kind two keep them apart: 2 n! n! / (2n)!.
    """
    return 2 / comb(2 * seeds, seeds)
