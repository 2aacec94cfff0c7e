"""What leaving a part out does to scores, against their scatter from seed to seed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spectranet_jax.evaluation.style import ACCENT, INK, LIGHT, MAIN, png

Scores = Mapping[str, Any]
"""Those of `tasks.linenet`."""


class Measure(NamedTuple):
    """A number of the scores: how it is found, NaN where there is none, and which end is better."""

    read: Callable[[Scores], float]
    form: str
    better: int


def _of(path: str) -> Callable[[Scores], float]:
    """Reads the number under keys parted by /."""

    def read(scores: Any) -> float:
        for key in path.split("/"):
            scores = None if scores is None else scores[key]
        return np.nan if scores is None else float(scores)

    return read


MEASURES = {
    "three classes": Measure(_of("accuracy_three_class"), ".3f", 1),
    "log-loss of four": Measure(_of("log_loss"), ".3f", -1),
    "quasars: NMAD (km/s)": Measure(_of("quasars/redshift/nmad_dv"), ".0f", -1),
    "within 1000": Measure(_of("quasars/redshift/within/1000/fraction"), ".3f", 1),
    "within 3000": Measure(_of("quasars/redshift/within/3000/fraction"), ".3f", 1),
    "galaxies within 1000": Measure(_of("galaxies/within/1000/fraction"), ".3f", 1),
}


class Effect(NamedTuple):
    """A measure of one kind of training.

    Attributes:
        mean: over the seeds.
        scatter: their standard deviation.
        worse: every seed is worse than every seed of the whole.
        better: every seed is better.
    """

    mean: float
    scatter: float
    worse: bool
    better: bool


def effect(measure: Measure, whole: Sequence[Scores], without: Sequence[Scores]) -> Effect:
    """What a part does to a measure.

    Where it does nothing, n seeds of either kind stand apart in one given direction with a chance
    of n! n! / (2n)!: one in twenty for three.

    Args:
        measure: one of `MEASURES`.
        whole: scores of each seed with nothing left out.
        without: scores of each seed without the part.
    """
    before = measure.better * np.array([measure.read(scores) for scores in whole])
    after = measure.better * np.array([measure.read(scores) for scores in without])
    return Effect(
        mean=float(measure.better * after.mean()),
        scatter=float(after.std(ddof=1)),
        worse=bool(after.max() < before.min()),
        better=bool(after.min() > before.max()),
    )


def ablation_figure(
    whole: Sequence[Scores], without: Mapping[str, Sequence[Scores]], path: Path
) -> Path:
    """Every training a dot, a panel a measure, a row a part; the band is the range of the whole.

    Args:
        whole: scores of each seed with nothing left out.
        without: the same by the part that is left out.
        path: PNG file to write.
    """
    rows = {"nothing left out": whole, **without}
    with png(path, 9.5, 1.4 + 0.32 * len(rows)) as figure:
        panels = figure.subplots(1, len(MEASURES), sharey=True)
        for axes, (title, measure) in zip(panels, MEASURES.items(), strict=True):
            band = [measure.read(scores) for scores in whole]
            axes.axvspan(min(band), max(band), color=LIGHT, alpha=0.5, linewidth=0)
            for place, scores in enumerate(rows.values()):
                values = [measure.read(one) for one in scores]
                found = effect(measure, whole, scores)
                color = ACCENT if found.worse else MAIN if found.better else INK
                axes.plot(values, [place] * len(values), "o", color=color, ms=4, alpha=0.7, mew=0)
            axes.set_title(title, fontsize=8)
            axes.tick_params(labelsize=7)
        panels[0].set_yticks(range(len(rows)), list(rows))
        panels[0].invert_yaxis()
    return path
