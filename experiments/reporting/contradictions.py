"""Contradictions within the report, each with the computation that shows it."""

from math import sqrt
from typing import NamedTuple

from spectranet_jax.evaluation import report
from spectranet_jax.evaluation.report import TABLE_1, TABLE_2, TABLE_3


class Contradiction(NamedTuple):
    """A statement of the report, what follows from it, and what is done here."""

    statement: str
    follows: str
    treatment: str


def contradictions() -> list[Contradiction]:
    """Return all contradictions, in the report's order, with every number that follows computed."""
    return [_spectra(), _training(), _pools(), _accuracies(), _f1(), _predictions(), _recalls(),
            _errors()]  # fmt: skip


def _spectra() -> Contradiction:
    of_bal = 29_000
    return Contradiction(
        "“16³ spectra” of test; 80/20 of 29,000 QSO_BAL",
        f"16³ = {16**3:,}; the supports of Table 2 sum to {_supports():,} = 16 × 10³;"
        f" 20% of {of_bal:,} is {of_bal // 5:,}",
        "80/20 of what there is, and a quarter of the 80 to validate with",
    )


def _training() -> Contradiction:
    by_split = round(report.SPECTRA * 0.8 * 0.75)
    chunks = [spectra // report.CHUNK for spectra in (by_split, report.TRAINING_SPECTRA)]
    return Contradiction(
        f"{report.TRAINING_SPECTRA:,} training spectra",
        f"{report.SPECTRA:,} × 0.8 × 0.75 = {by_split:,}, which are {chunks[0]} chunks of"
        f" {report.CHUNK:,}; {report.TRAINING_SPECTRA:,} are {chunks[1]}",
        f"{report.TRAINING_SPECTRA:,} where there are as many",
    )


def _pools() -> Contradiction:
    stride_2, stride_1 = TABLE_1.lengths(2), TABLE_1.lengths(1)
    dense = [f"{stride_1[-1]} × {t.channels[-1]} = {t.dense[0][0]:,}" for t in (TABLE_1, TABLE_3)]
    return Contradiction(
        f"max-pool of stride {TABLE_1.pool_stride} in Table 1, {TABLE_3.pool_stride} in Table 3;"
        f" “fc1: {TABLE_1.dense[0][0]} in”",
        f"stride 2 leaves {_listed(stride_2)} pixels, and no room for the fourth kernel of"
        f" {report.KERNEL}; stride 1 leaves {_listed(stride_1)}, and {' and '.join(dense)}",
        "stride 1 in both",
    )


def _accuracies() -> Contradiction:
    correct = " + ".join(f"{row.recall} × {row.support}" for row in TABLE_2.values())
    before, after = report.ACCURACY_IMPROVED
    return Contradiction(
        f"“{report.ACCURACY_ON_TEST:.0%} of success on test”; “from {before:.0%} to {after:.0%}”",
        f"recalls and supports of Table 2: ({correct}) / {_supports():,}"
        f" = {report.implied_accuracy():.2%}",
        "all three are quoted",
    )


def _f1() -> Contradiction:
    wrong = {name: row for name, row in TABLE_2.items() if abs(row.f1 - row.implied_f1) > 1e-4}
    printed = "; ".join(f"F1 of {name} {row.f1}" for name, row in wrong.items())
    follows = "; ".join(
        f"{name}: 2 × {row.precision} × {row.recall} / ({row.precision} + {row.recall})"
        f" = {row.implied_f1:.4f}"
        for name, row in wrong.items()
    )
    repeated = [name for name, row in wrong.items() if row.f1 == row.precision]
    return Contradiction(
        printed,
        f"{follows}; that of {' and '.join(repeated)} repeats its precision digit for digit",
        "what precision and recall give",
    )


def _predictions() -> Contradiction:
    each = " + ".join(f"{row.implied_predictions:,.0f}" for row in TABLE_2.values())
    return Contradiction(
        "precision, recall and support of Table 2",
        f"recall × support / precision: {each} = {report.implied_predictions():,.0f}"
        f" predictions for {_supports():,} spectra",
        "one prediction per spectrum",
    )


def _recalls() -> Contradiction:
    wrong = {name: row for name, row in TABLE_2.items() if not row.recall_is_attainable}
    return Contradiction(
        "recall of " + ", ".join(f"{name} {row.recall}" for name, row in wrong.items()),
        "; ".join(
            f"{name}: {round(row.implied_correct):,} / {row.support:,}"
            f" = {round(row.implied_correct) / row.support:.5f}"
            for name, row in wrong.items()
        )
        + "; no whole number of spectra gives the printed digits",
        "counts stand in Figure 2",
    )


def _errors() -> Contradiction:
    mse, mae = report.QSO_BAL_MSE, report.QSO_BAL_MAE
    percent = sqrt(100 * mse)
    return Contradiction(
        f"QSO_BAL: MSE {100 * mse:.2f}%, MAE {mae:.1%}; QSO: blank",
        f"in z: √{mse} = {sqrt(mse):.3f} ≥ {mae}, as it must be; in percent"
        f" √{100 * mse:.2f} = {percent:.2f} < {100 * mae:.1f}, which no errors have",
        "read as errors in z",
    )


def _supports() -> int:
    return sum(row.support for row in TABLE_2.values())


def _listed(lengths: list[int]) -> str:
    return " ".join(map(str, lengths))
