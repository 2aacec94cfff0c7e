"""The report's tables: their contradictions computed by other means than the library's."""

import statistics

import numpy as np
import pytest

from spectranet_jax.evaluation import class_scores, report
from spectranet_jax.evaluation.report import TABLE_1, TABLE_2, TABLE_3


def test_f1_as_printed_and_as_it_follows() -> None:
    """STAR and GALAXY agree; the F1 of QSO repeats its precision, that of QSO_BAL is odd."""
    follows = {
        name: statistics.harmonic_mean([row.precision, row.recall]) for name, row in TABLE_2.items()
    }
    for name, row in TABLE_2.items():
        assert row.implied_f1 == pytest.approx(follows[name])
    assert follows["STAR"] == pytest.approx(TABLE_2["STAR"].f1, abs=1e-5)
    assert follows["GALAXY"] == pytest.approx(TABLE_2["GALAXY"].f1, abs=1.1e-5)
    assert follows["QSO"] == pytest.approx(0.8225, abs=5e-5)
    assert follows["QSO_BAL"] == pytest.approx(0.8714, abs=5e-5)
    assert TABLE_2["QSO"].f1 == TABLE_2["QSO"].precision == 0.78441


def test_accuracy_and_number_of_predictions_that_follow() -> None:
    rows = list(TABLE_2.values())
    assert sum(row.support for row in rows) == 16_000
    accuracy = np.average([row.recall for row in rows], weights=[row.support for row in rows])
    assert report.implied_accuracy() == pytest.approx(accuracy)
    assert f"{report.implied_accuracy():.2%}" == "89.76%"
    assert round(report.implied_predictions()) == 16_144
    # Neither of the two accuracies of its text.
    assert report.ACCURACY_ON_TEST < report.implied_accuracy() < report.ACCURACY_IMPROVED[1]


def test_three_of_the_recalls_belong_to_no_number_of_spectra() -> None:
    """Every possible number of correct spectra tried, rounded and cut off at five digits."""
    attainable = {}
    for name, row in TABLE_2.items():
        recall = np.arange(row.support + 1) / row.support
        printed = {*np.round(recall * 1e5), *np.floor(recall * 1e5)}
        attainable[name] = round(row.recall * 1e5) in printed
    assert attainable == {"STAR": False, "GALAXY": False, "QSO": False, "QSO_BAL": True}
    assert attainable == {name: row.recall_is_attainable for name, row in TABLE_2.items()}


def test_pools_of_stride_two_leave_no_room_for_the_fourth_convolution() -> None:
    assert TABLE_1.pool_stride == 2
    assert TABLE_1.lengths(2) == [443, 217, 108, 50, 25, 8, 4]
    assert TABLE_1.lengths(1) == [443, 217, 216, 104, 103, 47, 46, 19, 18]


def test_only_pools_of_stride_one_give_the_printed_dense_layers() -> None:
    for table, flattened in ((TABLE_1, 1800), (TABLE_3, 4608)):
        assert table.lengths(1)[-1] * table.channels[-1] == flattened == table.dense[0][0]
        for (_, outputs), (inputs, _) in zip(table.dense, table.dense[1:], strict=False):
            assert outputs == inputs


def test_parameters() -> None:
    assert TABLE_1.parameters() == 330_316
    assert TABLE_3.parameters() == 1_658_593


def test_24000_training_spectra_are_half_the_split() -> None:
    by_split = report.SPECTRA * 0.8 * 0.75
    assert by_split / report.CHUNK == 12
    assert report.TRAINING_SPECTRA / report.CHUNK == 6


def test_redshift_errors_are_possible_as_errors_in_z() -> None:
    """A root mean square is never below the mean: 0.131 and 0.101 pass, 1.72 and 10.1 would not."""
    assert np.sqrt(report.QSO_BAL_MSE) == pytest.approx(0.131, abs=5e-4)
    assert np.sqrt(report.QSO_BAL_MSE) > report.QSO_BAL_MAE
    assert np.sqrt(100 * report.QSO_BAL_MSE) < 100 * report.QSO_BAL_MAE


def test_contradictions_are_sentences_with_the_computed_numbers() -> None:
    text = report.contradictions()
    assert len(text) == 4
    assert all(sentence.endswith(".") for sentence in text)
    for number in ("0.78441", "0.8225", "0.8714", "84%", "93%", "89.76%", "16,144", "16,000"):
        assert sum(number in sentence for sentence in text) == 1, number


def test_comparison_stands_the_report_beside_ours(rng: np.random.Generator) -> None:
    label, p = rng.integers(0, 4, 400), rng.dirichlet(np.ones(4), 400)
    ours = class_scores.scores(label, np.log(p))
    rows = report.comparison_rows(ours)
    assert [row.name for row in rows] == ["STAR", "GALAXY", "QSO", "QSO_BAL", "all"]
    for row in rows[:-1]:
        printed, computed = TABLE_2[row.name], ours.per_class[row.name]
        assert (row.report_precision, row.report_recall) == (printed.precision, printed.recall)
        assert (row.report_f1, row.report_support) == (printed.f1, printed.support)
        assert (row.precision, row.recall) == (computed.precision, computed.recall)
        assert (row.f1, row.support) == (computed.f1, computed.support)
    last = rows[-1]
    assert (last.recall, last.f1, last.support) == (ours.accuracy, ours.macro_f1, 400)
    assert last.report_recall == pytest.approx(0.8976, abs=5e-5)
    assert last.report_support == 16_000


def test_comparison_has_a_gap_where_we_have_no_number() -> None:
    three = class_scores.scores(
        np.array([0, 1]), np.log(np.eye(3)[:2] + 1e-9), ("STAR", "QSO", "A")
    )
    galaxy = report.comparison_rows(three)[1]
    assert (galaxy.precision, galaxy.recall, galaxy.f1, galaxy.support) == (None, None, None, 0)
    assert galaxy.report_precision == 0.94721
