"""Tables of redshift scores on the terminal: every number in its place."""

import numpy as np
from rich.console import Console
from rich.table import Table

from spectranet_jax.evaluation import posterior_scores, quasar_scores, redshift_scores
from spectranet_jax.evaluation.quasar_scores import Answers, Truth
from spectranet_jax.evaluation.score_tables import (
    QUASAR_ROWS,
    coverage_table,
    quasar_table,
    range_table,
)
from spectranet_jax.spectra.labels import QSO
from spectranet_jax.tables import print_table


def rows(table: Table) -> list[list[str]]:
    """Cells by row, as they are printed."""
    return [list(row) for row in zip(*(column.cells for column in table.columns), strict=True)]


def test_ranges_have_medians_with_intervals_and_shares() -> None:
    z = np.full(40, 2.0)
    velocity = np.arange(-20, 20) * 100.0 + 1
    guess = z + velocity / 299_792.458 * 3
    table = range_table("by z", redshift_scores.scores_by_range(guess, z))
    low, middle, high = rows(table)
    dashes = ["0", *["-"] * 5]
    assert low == ["z < 1.57", *dashes] and high == ["z > 2.5", *dashes]
    assert middle[:3] == ["1.57 to 2.5", "40", "-49 (-699 to 601)"]
    assert middle[3].startswith("1,483 (")  # 1.4826 times the middle of 50, 50, 150, ..., 1950
    assert middle[4].startswith("0.500 (") and middle[5].startswith("1.000 (")
    Console(quiet=True).print(table)


def test_few_spectra_have_no_interval() -> None:
    alone = redshift_scores.scores_by_range(np.array([2.0]), np.array([2.0]))
    assert rows(range_table("", alone))[1][2] == "0"


def test_coverage_is_shown_by_level() -> None:
    edges = np.linspace(0, 0.01, 11)
    p = np.full((1000, 10), 0.1)
    x = (np.arange(1000) + 0.5) * 1e-5
    scores = posterior_scores.scores(p, edges, 10**x - 1)
    cells = rows(coverage_table("", scores))
    assert [row[0] for row in cells] == ["50%", "68%", "90%", "95%"]
    assert [row[1][:5] for row in cells] == ["0.500", "0.680", "0.900", "0.950"]
    assert [row[2][:5] for row in cells] == ["0.500", "0.680", "0.900", "0.950"]


def test_the_table_of_quasars_shows_bals() -> None:
    label, z = np.full(4, QSO), np.full(4, 2.0)
    bal, p_bal = np.array([1, 1, -1, -1]), np.array([0.9, 0.2, 0.3, 0.1])
    scores = quasar_scores.scores(Truth(label, z, bal), Answers(is_bal=p_bal > 0.25, p_bal=p_bal))
    cells = dict(rows(quasar_table("", {"here": scores})))
    assert list(cells) == [row for section in QUASAR_ROWS for row in section]
    assert cells["BAL recall"][:5] == cells["BAL false alarms"][:5] == "0.500"
    assert cells["BAL AUC"] == "0.750"
    assert cells["NMAD(dv) (km/s)"] == cells["purity"] == cells["quasar/other accuracy"] == "-"


def test_the_table_of_many_models_fits_80_columns_and_cuts_no_score(capsys) -> None:
    label, z = np.full(400, QSO), np.full(400, 2.0)
    truth = Truth(label, z, np.full(400, -1))
    answers = Answers(label == QSO, z, label != QSO, z)
    models = {f"model {i}": quasar_scores.scores(truth, answers) for i in range(5)}
    print_table(quasar_table("Five models", models))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and "…" not in "".join(lines)
    for name in [*models, *(row for section in QUASAR_ROWS for row in section)]:
        assert any(name in line for line in lines), name
