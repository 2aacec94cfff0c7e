"""What a person sees of an evaluation: tables on the terminal, figures in a folder.

`PRESENT` has one entry a task; each prints its tables, writes its figures and returns their paths.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from spectranet_jax.evaluation import figures, redshift, report
from spectranet_jax.spectra import BOSS_GRID, CLASSES, normalize
from spectranet_jax.spectra.labels import QSO, QSO_BAL
from spectranet_jax.training.evaluate import Evaluation
from spectranet_jax.training.stream import Split

EXAMPLES = 12

Metrics = Sequence[dict[str, Any]]
Present = Callable[[Split, Evaluation, Metrics, Path], list[Path]]


def classification(
    split: Split, evaluation: Evaluation, metrics: Metrics, folder: Path
) -> list[Path]:
    """Scores by class beside the report's Table 2, confusion matrix, examples."""
    scores = evaluation.scores
    matrix = Table(title="Confusion matrix: spectra, and fractions of the true class")
    matrix.add_column("true \\ predicted")
    for name in CLASSES:
        matrix.add_column(name, justify="right")
    confusion = scores["confusion"]
    for name, counts, parts in zip(
        CLASSES, confusion["counts"], confusion["fractions"], strict=True
    ):
        cells = (f"{n:,} {text(part):>5}" for n, part in zip(counts, parts, strict=True))
        matrix.add_row(name, *cells)

    table = Table(
        title=f"Scores on the {split.name} split, and those of the report's Table 2 (BOSS DR12)"
    )
    for heading in ("class", "", "precision", "recall", "F1", "F1 implied", "support"):
        table.add_column(heading, justify="left" if heading in ("class", "") else "right")
    for row in report.comparison_rows(scores):
        ours = (text(row.precision), text(row.recall), text(row.f1), "", f"{row.support:,}")
        theirs = map(text, (row.report_precision, row.report_recall, row.report_f1, row.implied_f1))
        table.add_row(row.name, "here", *ours)
        table.add_row("", "report", *theirs, f"{row.report_support:,}", style="dim")

    console = Console()
    console.print(matrix, table)
    low, high = scores["accuracy_interval"]
    console.print(
        f"accuracy {scores['accuracy']:.4f} (95%: {low:.4f} to {high:.4f}),"
        f" with QSO and QSO_BAL as one {scores['accuracy_three_class']:.4f};"
        f" log-loss {text(scores['log_loss'])},"
        f" calibration error {text(scores['calibration_error'])}",
        highlight=False,
    )
    for sentence in report.contradictions():
        console.print(f"[dim]{sentence}[/dim]", highlight=False)

    paths = [folder / "confusion_matrix.png", folder / "examples.png"]
    figures.confusion_matrix(np.array(confusion["counts"]), paths[0])
    rows = _spread(split.columns["label"], EXAMPLES)
    flux, ivar = split.pixels(rows)
    probabilities = np.stack([evaluation.columns[f"P_{c}"][rows] for c in CLASSES], axis=-1)
    figures.examples(
        np.where(ivar > 0, normalize(flux, ivar), np.nan),
        BOSS_GRID.centers,
        split.columns["label"][rows],
        probabilities.argmax(axis=-1),
        probabilities,
        paths[1],
    )
    return paths + _loss_curve(metrics, folder, "cross-entropy (nats)")


def regression(split: Split, evaluation: Evaluation, metrics: Metrics, folder: Path) -> list[Path]:
    """Errors in z and in km/s beside the report's, z against z, residuals."""
    scores = evaluation.scores
    table = Table(
        title=f"Redshift on the {split.name} spectra, and the report's figures for QSO_BAL"
    )
    table.add_column("score")
    table.add_column("here", justify="right")
    table.add_column("report", justify="right", style="dim")
    table.add_row("spectra", f"{scores['n']:,}", "")
    table.add_row("MSE (z)", text(scores["mse"]), f"{report.QSO_BAL_MSE:.4f}")
    table.add_row("MAE (z)", text(scores["mae"]), f"{report.QSO_BAL_MAE:.4f}")
    table.add_row("bias, mean (z)", text(scores["bias_mean"]), "")
    table.add_row("median dv (km/s)", text(scores["median_dv"], ",.0f"), "")
    table.add_row("NMAD(dv) (km/s)", text(scores["nmad_dv"], ",.0f"), "")
    for limit, part in scores["within"].items():
        table.add_row(f"within {limit} km/s", interval(part), "")
    table.add_row("catastrophic, |dv| > 3000 km/s", interval(scores["catastrophic"]), "")
    console = Console()
    console.print(table)
    console.print(
        "[dim]The report's 1.72% and 10.1% are read as errors in z; it leaves those of QSO blank."
        "[/dim]",
        highlight=False,
    )

    z_true, z_pred = split.columns["z"], evaluation.columns["Z"]
    paths = [folder / "redshift.png", folder / "residuals.png"]
    figures.redshift_scatter(z_true, z_pred, paths[0])
    figures.residuals(z_true, redshift.dv(z_pred, z_true), paths[1])
    return paths + _loss_curve(metrics, folder, "squared error (standardized z)")


def lines_of_quasars(
    split: Split, evaluation: Evaluation, metrics: Metrics, folder: Path
) -> list[Path]:
    """What a QuasarNET finds, z against z, residuals; the figures show the quasars."""
    console = Console()
    console.print(quasar_table("Quasars in the spectra", {"here": evaluation.scores}))
    if evaluation.scores["redshift_by_range"] is not None:
        ranges = evaluation.scores["redshift_by_range"]
        console.print(range_table("Redshifts of quasars, with 95% intervals", ranges))
    quasar = np.isin(split.columns["label"], (QSO, QSO_BAL))
    z_true, z_pred = split.columns["z"][quasar], evaluation.columns["Z"][quasar]
    paths = [folder / "redshift.png", folder / "residuals.png"]
    figures.redshift_scatter(z_true, z_pred, paths[0])
    figures.residuals(z_true, redshift.dv(z_pred, z_true), paths[1])
    return paths + _loss_curve(metrics, folder, "balanced loss, summed over lines")


PRESENT: dict[str, Present] = {
    "classify": classification,
    "quasarnet": lines_of_quasars,
    "redshift": regression,
}


QUASAR_ROWS = (
    "spectra",
    "quasar or not, rightly told",
    "purity (right within 6000 km/s)",
    "completeness (likewise)",
    "quasars with redshift",
    "median dv (km/s)",
    "NMAD(dv) (km/s)",
    *(f"within {limit} km/s" for limit in redshift.LIMITS),
    "BAL recall",
    "BAL rejection",
    "BAL false alarms",
    "BAL AUC",
)
"""What `quasar_table` says of a model."""

BAL_SHARES = ("bal_recall", "bal_rejection", "bal_false_alarm")


def quasar_table(title: str, scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """`evaluation.quasars.scores` side by side, a column each; dashes for what is not answered."""
    table = Table(title=title)
    table.add_column("score")
    for name in scores:
        table.add_column(name, justify="right")
    for cells in zip(QUASAR_ROWS, *map(_quasar_cells, scores.values()), strict=True):
        ends = cells[0] in (QUASAR_ROWS[3], QUASAR_ROWS[-5])
        table.add_row(*cells, end_section=ends)
    return table


def _quasar_cells(scores: Mapping[str, Any]) -> list[str]:
    z = scores["redshift"]
    of_redshift = ["-"] * (3 + len(redshift.LIMITS))
    if z is not None:
        within = (interval(z["within"][str(limit)]) for limit in redshift.LIMITS)
        of_redshift = [f"{z['n']:,}", text(z["median_dv"], ",.0f"), text(z["nmad_dv"], ",.0f")]
        of_redshift += within
    shares = (interval(scores[name]) for name in ("accuracy", "purity", "completeness"))
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


def _loss_curve(metrics: Metrics, folder: Path, ylabel: str) -> list[Path]:
    """Loss against iteration, where there is a log of the training."""
    if not metrics:
        return []
    path = folder / "loss.png"
    figures.loss_curve(metrics, path, ylabel)
    return [path]


def _spread(label: np.ndarray, count: int) -> np.ndarray:
    """Rows that show every class about equally often: the first of each, then the second, ..."""
    ranks = np.zeros(len(label), np.int64)
    for value in np.unique(label):
        ranks[label == value] = np.arange((label == value).sum())
    return np.lexsort((label, ranks))[:count]
