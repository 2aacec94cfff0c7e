"""The report's tables beside our results."""

from collections.abc import Mapping, Sequence

from experiments.reporting.layers_table import Layer
from experiments.reporting.table import NONE, Cell, Row, Table, heading, number, row
from spectranet_jax.evaluation import report
from spectranet_jax.evaluation.calibration import binomial_interval
from spectranet_jax.evaluation.class_scores import ClassScores
from spectranet_jax.evaluation.redshift_scores import RedshiftScores
from spectranet_jax.evaluation.report import TABLE_2, Architecture


def layers_table(name: str, title: str, layers: Sequence[Layer], printed: Architecture) -> Table:
    """Return Table 1 or 3: the network as built, with the parameters of the printed one."""
    *rows, last = layers
    shapes = [" × ".join(f"{n:,}" for n in layer.shape) for layer in rows]
    return Table(
        name,
        title,
        ("layer", "out", "parameters"),
        [
            *(
                row(layer.description, shape, f"{layer.parameters:,}" if layer.parameters else NONE)
                for layer, shape in zip(rows, shapes, strict=True)
            ),
            row("all", "", f"{last.parameters:,}"),
        ],
        f"The layers that the report prints, with pools of stride 1, have"
        f" {printed.parameters():,} parameters.",
    )


def classes_table(scores: Mapping[str, ClassScores]) -> Table:
    """Return Table 2: the report's, the implied numbers, and ours by schedule."""
    rows: list[Row] = []
    for index, (name, printed) in enumerate(TABLE_2.items()):
        ours = [result.per_class[name] for result in scores.values()]
        predicted = [
            sum(line[index] for line in result.confusion.counts) for result in scores.values()
        ]
        hits = [result.confusion.counts[index][index] for result in scores.values()]
        rows += [
            heading(f"{name}: support {printed.support:,}; here {ours[0].support:,}"),
            row("precision", number(printed.precision, ".5f"), NONE, *(
                number(result.precision, ".3f", binomial_interval(hit, n))
                for result, hit, n in zip(ours, hits, predicted, strict=True))),
            row("recall", number(printed.recall, ".5f"), NONE, *(
                number(result.recall, ".3f", result.recall_interval) for result in ours)),
            row("F1", number(printed.f1, ".5f"), number(printed.implied_f1, ".5f"), *(
                number(result.f1) for result in ours)),
        ]  # fmt: skip
    claimed = f"{report.ACCURACY_ON_TEST:.0%}, {report.ACCURACY_IMPROVED[1]:.0%}"
    rows += [
        heading("all"),
        row("accuracy", claimed, f"{report.implied_accuracy():.4f}", *(
            number(result.accuracy, ".3f", result.accuracy_interval)
            for result in scores.values())),
        row("spectra", f"{sum(p.support for p in TABLE_2.values()):,}", NONE,
            *(f"{result.n:,}" for result in scores.values())),
        row("predictions", NONE, f"{report.implied_predictions():,.0f}",
            *(f"{result.n:,}" for result in scores.values())),
    ]  # fmt: skip
    return Table(
        "Table 2",
        "Scores of the classes on test spectra",
        ("", "report", "implied", *scores),
        rows,
        "“Implied” is what the report's precisions, recalls and supports give. Ranges are 95%"
        " Wilson intervals.",
    )


def errors_table(scores: Mapping[str, Mapping[str, RedshiftScores]]) -> Table:
    """Return MSE and MAE of the redshifts of QSO and of QSO_BAL, also in km/s.

    Args:
        scores: "QSO" and "QSO_BAL" -> schedule -> scores.
    """
    printed = {
        "QSO": ("blank", "blank", "blank"),
        "QSO_BAL": (
            f"{report.QSO_BAL_MSE:.4f}",
            f"{report.QSO_BAL_MAE:.3f}",
            f"{report.QSO_BAL_MSE**0.5:.3f}",
        ),
    }
    rows: list[Row] = []
    for name, by_schedule in scores.items():
        ours = list(by_schedule.values())
        mse, mae, rms = printed[name]
        roots = [None if score.mse is None else score.mse**0.5 for score in ours]
        rows += [
            heading(f"{name}: {ours[0].n:,} test spectra"),
            row("MSE (z)", mse, *(number(score.mse, ".4f") for score in ours)),
            row("RMS (z)", rms, *(number(root) for root in roots)),
            row("MAE (z)", mae, *(number(score.mae) for score in ours)),
            row("NMAD (km/s)", NONE, *(_velocity(score) for score in ours)),
            row("within 3000 km/s", NONE, *(_within(score) for score in ours)),
        ]
    first = next(iter(scores.values()))
    return Table(
        "Table 4",
        "Errors of the redshift networks",
        ("", "report", *first),
        rows,
        "The report gives 1.72% and 10.1% for QSO_BAL and leaves QSO blank; they are read as errors"
        " in z. NMAD is the scatter of c Δz / (1 + z).",
    )


def _velocity(scores: RedshiftScores) -> Cell:
    return number(scores.nmad_dv, ",.0f", scores.nmad_dv_interval)


def _within(scores: RedshiftScores) -> Cell:
    within = scores.within["3000"]
    return number(within.fraction, ".3f", within.interval)
