"""Summary of the page for the terminal."""

from rich.table import Table

from experiments.reporting.results import Results
from experiments.reporting.stages import SCHEDULES, TARGETS
from spectranet_jax.evaluation import report
from spectranet_jax.evaluation.score_tables import text


def closing_table(results: Results) -> Table:
    """Return accuracy of Table 1 and errors of Table 3, in both schedules, beside the report's."""
    table = Table(title="The report, remade", caption="errors in z; the report leaves QSO blank")
    table.add_column("score")
    for heading in ("report", *SCHEDULES):
        table.add_column(heading, justify="right")
    claimed = f"{report.ACCURACY_ON_TEST:.0%}, {report.implied_accuracy():.2%} implied"
    accuracies = [score.accuracy for score in results.classes_by_schedule().values()]
    table.add_row("accuracy, four classes", claimed, *(f"{score:.2%}" for score in accuracies))
    printed = {"QSO_BAL": (report.QSO_BAL_MSE, report.QSO_BAL_MAE)}
    for target, name in TARGETS.items():
        mse, mae = printed.get(name, (None, None))
        scores = results.redshifts_by_schedule(target).values()
        table.add_row(f"MSE of {name}", text(mse), *(text(score.mse) for score in scores))
        table.add_row(f"MAE of {name}", text(mae), *(text(score.mae) for score in scores))
    return table
