"""Table of an ablation for the terminal: the effect of each part on the scores."""

from collections.abc import Mapping, Sequence
from math import isnan

from rich.table import Table

from spectranet_jax.evaluation import ablation
from spectranet_jax.evaluation.combined_scores import CombinedScores


def ablation_table(
    title: str,
    whole: Sequence[CombinedScores],
    without: Mapping[str, Sequence[CombinedScores]],
) -> Table:
    """Return mean and scatter of `ablation.MEASURES` over seeds, one row per part left out.

    Args:
        title: of the table.
        whole: scores of each seed with nothing left out.
        without: the same by the part that is left out.
    """
    chance = ablation.by_chance(len(whole)) * len(ablation.MEASURES) * len(without)
    table = Table(
        title=title,
        caption=f"mean ± standard deviation of {len(whole)} seeds; -: every seed is worse than"
        " every seed with nothing left out, +: better;"
        f" by chance there are {chance:.1f} such marks in this table",
    )
    table.add_column("")
    for heading in ablation.MEASURES:
        table.add_column(heading, justify="right")
    for name, runs in {ablation.WHOLE: whole, **without}.items():
        cells = [_cell(measure, whole, runs) for measure in ablation.MEASURES.values()]
        table.add_row(name, *cells, end_section=runs is whole)
    return table


def _cell(
    measure: ablation.Measure, whole: Sequence[CombinedScores], runs: Sequence[CombinedScores]
) -> str:
    change = ablation.effect(measure, whole, runs)
    if isnan(change.mean):
        return "-"
    mark = " -" if change.worse else " +" if change.better else ""
    return f"{change.mean:{measure.form}} ± {change.scatter:{measure.form}}{mark}"
