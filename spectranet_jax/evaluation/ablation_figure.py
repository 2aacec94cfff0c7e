"""Figure of an ablation: the effect of each part, with every training as a dot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from spectranet_jax.evaluation.ablation import MEASURES, WHOLE, effect, values
from spectranet_jax.evaluation.combined_scores import CombinedScores
from spectranet_jax.evaluation.style import ACCENT, INK, LIGHT, MAIN, picture


def ablation_figure(
    whole: Sequence[CombinedScores], without: Mapping[str, Sequence[CombinedScores]], path: Path
) -> Path:
    """Plot every training as a dot; a panel per measure, a row per part, a band for the whole.

    Args:
        whole: scores of each seed with nothing left out.
        without: the same by the part that is left out.
        path: PNG file to write.
    """
    rows = {WHOLE: whole, **without}
    with picture(path, 10, 1.6 + 0.32 * len(rows)) as figure:
        panels = figure.subplots(1, len(MEASURES), sharey=True)
        for axes, (title, measure) in zip(panels, MEASURES.items(), strict=True):
            band = values(measure, whole)
            axes.axvspan(min(band), max(band), color=LIGHT, alpha=0.5, linewidth=0)
            for place, runs in enumerate(rows.values()):
                change = effect(measure, whole, runs)
                color = ACCENT if change.worse else MAIN if change.better else INK
                numbers = values(measure, runs)
                axes.plot(numbers, [place] * len(numbers), "o", color=color, ms=4, alpha=0.7, mew=0)
            axes.set_title(title, fontsize=8)
            axes.set_xlabel("better →" if measure.better > 0 else "← better", fontsize=7)
            axes.tick_params(labelsize=7)
        panels[0].set_yticks(range(len(rows)), list(rows))
        panels[0].invert_yaxis()
        figure.suptitle(
            "each dot is a training; band: range with nothing left out; orange: every seed is"
            " worse",
            fontsize=8,
            color=INK,
        )
    return path
