"""What a person sees of an evaluation: tables on the terminal, figures in a folder.

`PRESENT` has one entry a task; each prints its tables, writes its figures and returns their paths.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.tables import coverage_table, interval, quasar_table, range_table, text
from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation import figures, posterior, posterior_scores, redshift, report
from spectranet_jax.evaluation.calibration_figures import (
    coverage_plot,
    pit_histogram,
    reliability_diagram,
    risk_coverage_curve,
)
from spectranet_jax.evaluation.velocity_figure import velocity_histogram
from spectranet_jax.spectra import CLASSES, normalize
from spectranet_jax.spectra.labels import QSO, QSO_BAL
from spectranet_jax.spectra.zsteps import ZSteps
from spectranet_jax.tables import print_table
from spectranet_jax.tasks import linenet
from spectranet_jax.training.scoring import Evaluation

EXAMPLES = 12

Metrics = Sequence[dict[str, Any]]
Present = Callable[[Split, Evaluation, Metrics, Path], list[Path]]


def classification(
    split: Split, evaluation: Evaluation, metrics: Metrics, folder: Path
) -> list[Path]:
    """Scores by class beside the report's Table 2, and where that contradicts itself; figures."""
    paths = _by_class(split, evaluation, metrics, folder)
    for sentence in report.contradictions():
        Console().print(f"[dim]{sentence}[/dim]", highlight=False)
    return paths


def _by_class(split: Split, evaluation: Evaluation, metrics: Metrics, folder: Path) -> list[Path]:
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
    print_table(matrix)
    print_table(table)
    low, high = scores["accuracy_interval"]
    console.print(
        f"accuracy {scores['accuracy']:.4f} (95%: {low:.4f} to {high:.4f}),"
        f" with QSO and QSO_BAL as one {scores['accuracy_three_class']:.4f};"
        f" log-loss {text(scores['log_loss'])},"
        f" calibration error {text(scores['calibration_error'])}",
        highlight=False,
    )
    paths = [folder / "confusion_matrix.png", folder / "examples.png"]
    figures.confusion_matrix(np.array(confusion["counts"]), paths[0])
    rows = _spread(split.columns["label"], EXAMPLES)
    flux, ivar = split.pixels(rows)
    probabilities = np.stack([evaluation.columns[f"P_{c}"][rows] for c in CLASSES], axis=-1)
    figures.examples(
        np.where(ivar > 0, normalize(flux, ivar), np.nan),
        split.grid.centers,
        split.columns["label"][rows],
        np.array([CLASSES.index(name) for name in evaluation.columns["CLASS"][rows].tolist()]),
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
    print_table(table)
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
    print_table(quasar_table("Quasars in the spectra", {"here": evaluation.scores}))
    if evaluation.scores["redshift_by_range"] is not None:
        ranges = evaluation.scores["redshift_by_range"]
        print_table(range_table("Redshifts of quasars, with 95% intervals", ranges))
    quasar = np.isin(split.columns["label"], (QSO, QSO_BAL))
    z_true, z_pred = split.columns["z"][quasar], evaluation.columns["Z"][quasar]
    paths = [folder / "redshift.png", folder / "residuals.png"]
    figures.redshift_scatter(z_true, z_pred, paths[0])
    figures.residuals(z_true, redshift.dv(z_pred, z_true), paths[1])
    return paths + _loss_curve(metrics, folder, "balanced loss, summed over lines")


def all_at_once(split: Split, evaluation: Evaluation, metrics: Metrics, folder: Path) -> list[Path]:
    """What LineNet says: classes, redshifts of quasars and of galaxies, and how far to trust it."""
    columns, scores = evaluation.columns, evaluation.scores
    paths = _by_class(split, evaluation, metrics, folder)
    print_table(quasar_table("Quasars in the spectra", {"here": scores["quasars"]}))
    ranges = dict(scores["quasars"]["redshift_by_range"] or {})
    print_table(
        range_table(
            "Redshifts, with 95% intervals",
            {f"quasars, {name}": part for name, part in ranges.items()}
            | {"galaxies": scores["galaxies"]},
        )
    )
    steps = ZSteps.of(split.grid)
    known = linenet.redshift_known(split.columns, steps)
    if scores["posterior"] is None:
        return paths
    print_table(coverage_table("How often p(z) holds the true redshift", scores["posterior"]))

    z_true, z_pred = split.columns["z"][known], np.ma.getdata(columns["Z"])[known]
    p, velocity = columns["P_OF_Z"][known], redshift.dv(z_pred, z_true)
    pit = posterior.cdf(p, steps.edges, z_true)
    levels = {
        "central": posterior_scores.central_level(pit),
        "highest density": posterior_scores.highest_density_level(p, steps.edges, z_true),
    }
    log_prob = np.log(np.maximum([columns[f"P_{name}"] for name in CLASSES], 1e-30)).T
    wrong = np.abs(velocity) > redshift.CATASTROPHIC
    confidence = {"P_3000": np.ma.getdata(columns["P_3000"])[known]}
    figures.redshift_scatter(z_true, z_pred, folder / "redshift.png")
    figures.residuals(z_true, velocity, folder / "residuals.png")
    return [
        *paths,
        folder / "redshift.png",
        folder / "residuals.png",
        velocity_histogram(z_true, velocity, folder / "velocity.png"),
        reliability_diagram(split.columns["label"], log_prob, folder / "reliability.png"),
        pit_histogram(pit, folder / "pit.png"),
        coverage_plot(levels, folder / "coverage.png"),
        risk_coverage_curve(
            confidence, wrong, folder / "risk_coverage.png", "share beyond 3000 km/s"
        ),
    ]


PRESENT: dict[str, Present] = {
    "classify": classification,
    "linenet": all_at_once,
    "quasarnet": lines_of_quasars,
    "redshift": regression,
}


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
