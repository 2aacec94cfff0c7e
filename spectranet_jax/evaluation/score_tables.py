"""Tables of scores for the terminal."""

from collections.abc import Callable, Mapping

from rich.table import Table

from spectranet_jax.evaluation import report
from spectranet_jax.evaluation.class_scores import ClassScores
from spectranet_jax.evaluation.combined_scores import CombinedScores
from spectranet_jax.evaluation.fraction import Fraction
from spectranet_jax.evaluation.posterior_scores import PosteriorScores
from spectranet_jax.evaluation.quasar_scores import QuasarScores
from spectranet_jax.evaluation.redshift_scores import LIMITS, RedshiftScores


def class_tables(scores: ClassScores, where: str, note: str = "") -> list[Table]:
    """Return the confusion matrix, and scores by class beside those of the report's Table 2.

    Args:
        scores: what to show.
        where: the spectra, in words.
        note: what else stands below the second table.
    """
    matrix = Table(title="Confusion matrix: spectra, and fractions of the true class")
    matrix.add_column("true \\ predicted")
    for name in scores.classes:
        matrix.add_column(name, justify="right")
    confusion = scores.confusion
    rows = zip(scores.classes, confusion.counts, confusion.fractions, strict=True)
    for name, counts, fractions in rows:
        cells = (f"{n:,} {text(of):>5}" for n, of in zip(counts, fractions, strict=True))
        matrix.add_row(name, *cells)

    low, high = scores.accuracy_interval
    table = Table(
        title=f"Scores on {where}, and those of the report's Table 2 (BOSS DR12)",
        caption=f"accuracy {scores.accuracy:.4f} (95%: {low:.4f} to {high:.4f}),"
        f" with QSO and QSO_BAL as one {scores.accuracy_three_class:.4f};"
        f" log-loss {text(scores.log_loss)},"
        f" calibration error {text(scores.calibration_error)}. {note}".rstrip(),
    )
    for heading in ("class", "", "precision", "recall", "F1", "F1 implied", "support"):
        table.add_column(heading, justify="left" if heading in ("class", "") else "right")
    for row in report.comparison_rows(scores):
        ours = (text(row.precision), text(row.recall), text(row.f1), "", f"{row.support:,}")
        theirs = map(text, (row.report_precision, row.report_recall, row.report_f1, row.implied_f1))
        table.add_row(row.name, "here", *ours)
        table.add_row("", "report", *theirs, f"{row.report_support:,}", style="dim")
    return [matrix, table]


def redshift_table(scores: RedshiftScores, where: str) -> Table:
    """Return errors in z and in km/s, beside the report's of QSO_BAL."""
    table = Table(
        title=f"Redshift on {where}, and the report's figures for QSO_BAL",
        caption="The report's 1.72% and 10.1% are read as errors in z; it leaves those of QSO"
        " blank.",
    )
    table.add_column("score")
    table.add_column("here", justify="right")
    table.add_column("report", justify="right", style="dim")
    table.add_row("spectra", f"{scores.n:,}", "")
    table.add_row("MSE (z)", text(scores.mse), f"{report.QSO_BAL_MSE:.4f}")
    table.add_row("MAE (z)", text(scores.mae), f"{report.QSO_BAL_MAE:.4f}")
    table.add_row("bias, mean (z)", text(scores.bias_mean), "")
    table.add_row("median dv (km/s)", text(scores.median_dv, ",.0f"), "")
    table.add_row("NMAD(dv) (km/s)", text(scores.nmad_dv, ",.0f"), "")
    for limit, within in scores.within.items():
        table.add_row(f"within {limit} km/s", interval(within), "")
    table.add_row("catastrophic, |dv| > 3000 km/s", interval(scores.catastrophic), "")
    return table


Cell = Callable[[QuasarScores], str]


def _of_redshift(cell: Callable[[RedshiftScores], str]) -> Cell:
    """Return a cell of the redshifts of quasars; a dash without any."""
    return lambda scores: "-" if scores.redshift is None else cell(scores.redshift)


def _within(limit: int) -> Cell:
    return _of_redshift(lambda z: interval(z.within[str(limit)]))


QUASAR_ROWS: tuple[dict[str, Cell], ...] = (
    {
        "spectra": lambda scores: f"{scores.n:,}",
        "quasar/other accuracy": lambda scores: interval(scores.accuracy),
        "purity": lambda scores: interval(scores.purity),
        "completeness": lambda scores: interval(scores.completeness),
        "catastrophic redshifts": lambda scores: interval(scores.catastrophic),
    },
    {
        "quasars with redshift": _of_redshift(lambda z: f"{z.n:,}"),
        "median dv (km/s)": _of_redshift(lambda z: text(z.median_dv, ",.0f")),
        "NMAD(dv) (km/s)": _of_redshift(lambda z: text(z.nmad_dv, ",.0f")),
        **{f"within {limit} km/s": _within(limit) for limit in LIMITS},
    },
    {
        "BAL recall": lambda scores: interval(scores.bal_recall),
        "BAL rejection": lambda scores: interval(scores.bal_rejection),
        "BAL false alarms": lambda scores: interval(scores.bal_false_alarm),
        "BAL AUC": lambda scores: text(scores.bal_auc, ".3f"),
    },
)
"""Sections of `quasar_table`: the name of a row (at most 24 characters, to fit) -> its cell."""


def quasar_table(title: str, scores: Mapping[str, QuasarScores]) -> Table:
    """Return scores of quasars, one column per model; dashes for what is not predicted."""
    table = Table(
        title=title,
        caption="purity and completeness: predicted as a quasar, with a redshift within 6000 km/s;"
        " catastrophic: beyond 3000 km/s, of the quasars predicted as quasars",
    )
    table.add_column("score")
    for name in scores:
        table.add_column(name, justify="right")
    for section in QUASAR_ROWS:
        for name, cell in section.items():
            last = name == list(section)[-1]
            table.add_row(name, *map(cell, scores.values()), end_section=last)
    return table


def range_table(title: str, scores: Mapping[str, RedshiftScores | None]) -> Table:
    """Scores of redshifts, one row per range of true z; dashes where there is no spectrum."""
    table = Table(title=title)
    table.add_column("true z")
    within = [f"within {limit} km/s" for limit in LIMITS]
    for heading in ("spectra", "median dv (km/s)", "NMAD(dv) (km/s)", *within):
        table.add_column(heading, justify="right")
    for name, z in scores.items():
        if z is None:
            table.add_row(name, "0", *["-"] * (2 + len(within)))
            continue
        medians = (
            with_interval(z.median_dv, z.median_dv_interval),
            with_interval(z.nmad_dv, z.nmad_dv_interval),
        )
        fractions = (interval(z.within[str(limit)]) for limit in LIMITS)
        table.add_row(name, f"{z.n:,}", *medians, *fractions)
    return table


def combined_tables(scores: CombinedScores, where: str) -> list[Table]:
    """Return classes, redshifts of quasars and of galaxies, and how far to trust p(z)."""
    ranges = scores.quasars.redshift_by_range or {}
    by_kind = {f"quasars, {name}": z for name, z in ranges.items()}
    tables = [
        *class_tables(scores, where),
        quasar_table(f"Quasars in {where}", {"here": scores.quasars}),
        range_table("Redshifts, with 95% intervals", by_kind | {"galaxies": scores.galaxies}),
    ]
    if scores.posterior is not None:
        title = "How often p(z) holds the true redshift"
        tables.append(coverage_table(title, scores.posterior))
    return tables


def coverage_table(title: str, scores: PosteriorScores) -> Table:
    """Return how often intervals of p(z) hold the true redshift, and CRPS."""
    table = Table(
        title=title,
        caption=f"CRPS {scores.crps_mean:,.0f} km/s in the mean,"
        f" {scores.crps_median:,.0f} the median",
    )
    table.add_column("interval", justify="right")
    for heading in ("central", "highest density"):
        table.add_column(heading, justify="right")
    for level, central in scores.central.items():
        densest = scores.highest_density[level]
        table.add_row(f"{float(level):.0%}", interval(central), interval(densest))
    return table


def with_interval(value: float | None, ends: tuple[float, float] | None) -> str:
    """A number in km/s with its 95% interval, where there are spectra enough for one."""
    return text(value, ",.0f") + (f" ({ends[0]:,.0f} to {ends[1]:,.0f})" if ends else "")


def text(value: float | None, form: str = ".4f") -> str:
    """Return a number as a table cell; a dash where there is none."""
    return "-" if value is None else format(value, form)


def counted(fraction: Fraction | None) -> str:
    """How many of how many, with the 95% interval of the fraction; a dash where there is none."""
    if fraction is None:
        return "-"
    low, high = fraction.interval
    return f"{fraction.count} of {fraction.of} ({low:.3f} to {high:.3f})"


def interval(fraction: Fraction | None) -> str:
    """Return a fraction with its 95% interval; a dash where there is none."""
    if fraction is None:
        return "-"
    low, high = fraction.interval
    return f"{fraction.fraction:.3f} ({low:.3f} to {high:.3f})"
