"""Tables of scores as a person reads them on a terminal."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from rich.table import Table

from spectranet_jax.evaluation import ablation, redshift

QUASAR_SECTIONS = (
    (
        "spectra",
        "quasar or not, rightly told",
        "purity (right within 6000 km/s)",
        "completeness (likewise)",
        "quasars called so, beyond 3000 km/s",
    ),
    (
        "quasars with redshift",
        "median dv (km/s)",
        "NMAD(dv) (km/s)",
        *(f"within {limit} km/s" for limit in redshift.LIMITS),
    ),
    ("BAL recall", "BAL rejection", "BAL false alarms", "BAL AUC"),
)
"""What `quasar_table` says of a model."""

SHARES = ("accuracy", "purity", "completeness", "catastrophic")
BAL_SHARES = ("bal_recall", "bal_rejection", "bal_false_alarm")


def quasar_table(title: str, scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """`evaluation.quasars.scores` side by side, a column each; dashes for what is not answered."""
    table = Table(title=title)
    table.add_column("score")
    for name in scores:
        table.add_column(name, justify="right")
    rows = [row for section in QUASAR_SECTIONS for row in section]
    ends = {section[-1] for section in QUASAR_SECTIONS}
    for cells in zip(rows, *map(_quasar_cells, scores.values()), strict=True):
        table.add_row(*cells, end_section=cells[0] in ends)
    return table


def _quasar_cells(scores: Mapping[str, Any]) -> list[str]:
    z = scores["redshift"]
    of_redshift = ["-"] * (3 + len(redshift.LIMITS))
    if z is not None:
        within = (interval(z["within"][str(limit)]) for limit in redshift.LIMITS)
        of_redshift = [f"{z['n']:,}", text(z["median_dv"], ",.0f"), text(z["nmad_dv"], ",.0f")]
        of_redshift += within
    shares = (interval(scores[name]) for name in SHARES)
    bal = (interval(scores[name]) for name in BAL_SHARES)
    return [f"{scores['n']:,}", *shares, *of_redshift, *bal, text(scores["bal_auc"], ".3f")]


def range_table(title: str, scores: Mapping[str, Mapping[str, Any] | None]) -> Table:
    """`redshift.scores_by_range`, a row a range; dashes where there is no spectrum."""
    table = Table(title=title)
    table.add_column("true z")
    within = [f"within {limit} km/s" for limit in redshift.LIMITS]
    for heading in ("spectra", "median dv (km/s)", "NMAD(dv) (km/s)", *within):
        table.add_column(heading, justify="right")
    for name, part in scores.items():
        if part is None:
            table.add_row(name, "0", *["-"] * (2 + len(within)))
            continue
        medians = (_with_interval(part, score) for score in ("median_dv", "nmad_dv"))
        shares = (interval(part["within"][str(limit)]) for limit in redshift.LIMITS)
        table.add_row(name, f"{part['n']:,}", *medians, *shares)
    return table


def coverage_table(title: str, scores: Mapping[str, Any]) -> Table:
    """`posterior_scores.scores`: how often intervals of p(z) hold the true redshift, and CRPS."""
    mean, median = scores["crps_mean"], scores["crps_median"]
    table = Table(
        title=title, caption=f"CRPS {mean:,.0f} km/s in the mean, {median:,.0f} the median"
    )
    table.add_column("interval", justify="right")
    for heading in ("central", "highest density"):
        table.add_column(heading, justify="right")
    for level, central in scores["central"].items():
        densest = scores["highest_density"][level]
        table.add_row(f"{float(level):.0%}", interval(central), interval(densest))
    return table


def ablation_table(
    title: str, whole: Sequence[ablation.Scores], without: Mapping[str, Sequence[ablation.Scores]]
) -> Table:
    """Mean and scatter of `ablation.MEASURES` over seeds, a row a part that was left out."""
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
    for name, scores in {ablation.WHOLE: whole, **without}.items():
        cells = []
        for measure in ablation.MEASURES.values():
            found = ablation.effect(measure, whole, scores)
            mark = " -" if found.worse else " +" if found.better else ""
            numbers = f"{found.mean:{measure.form}} ± {found.scatter:{measure.form}}{mark}"
            cells.append("-" if isnan(found.mean) else numbers)
        table.add_row(name, *cells, end_section=scores is whole)
    return table


def _with_interval(part: Mapping[str, Any], score: str) -> str:
    """A number in km/s with its 95% interval, where there are spectra enough for one."""
    found = part[f"{score}_interval"]
    ends = f" ({found[0]:,.0f} to {found[1]:,.0f})" if found else ""
    return text(part[score], ",.0f") + ends


def text(value: float | None, form: str = ".4f") -> str:
    """A number as a table cell; a dash where there is none."""
    return "-" if value is None else format(value, form)


def interval(part: Mapping[str, Any] | None) -> str:
    """A fraction with its 95% interval; a dash where there is none."""
    if part is None:
        return "-"
    low, high = part["interval"]
    return f"{part['fraction']:.3f} ({low:.3f} to {high:.3f})"
