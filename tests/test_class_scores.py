"""Classification scores against hand-computed cases, plain loops and the published Table 2."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naming import naming
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from spectranet_jax.evaluation.class_scores import scores
from spectranet_jax.evaluation.report import TABLE_2, implied_accuracy
from spectranet_jax.evaluation.scores_json import to_json
from spectranet_jax.spectra import CLASSES, InputError


def certain(predicted: list[int] | NDArray[np.int64], sure: float = 0.97) -> NDArray[np.float64]:
    """Log-probabilities that give each predicted class the probability `sure`."""
    p = np.full((len(predicted), 4), (1 - sure) / 3)
    p[np.arange(len(predicted)), predicted] = sure
    return np.log(p)


def test_a_case_by_hand() -> None:
    label = np.array([0, 0, 0, 1, 1, 2, 2, 3])
    predicted = [0, 0, 1, 1, 1, 2, 3, 2]
    got = scores(label, certain(predicted))
    assert got.n == 8
    assert got.confusion.counts == [[2, 1, 0, 0], [0, 2, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0]]
    assert got.confusion.fractions[0] == pytest.approx([2 / 3, 1 / 3, 0, 0])
    star, galaxy, qso, bal = (got.per_class[name] for name in CLASSES)
    assert (star.precision, star.recall, star.f1) == pytest.approx((1, 2 / 3, 4 / 5))
    assert (galaxy.precision, galaxy.recall) == pytest.approx((2 / 3, 1))
    assert (qso.precision, qso.recall, qso.f1) == pytest.approx((0.5, 0.5, 0.5))
    assert (bal.precision, bal.recall, bal.f1) == (0, 0, 0)
    assert [row.support for row in (star, galaxy, qso, bal)] == [3, 2, 2, 1]
    assert got.accuracy == 5 / 8
    assert got.accuracy_three_class == 7 / 8  # QSO called BAL, BAL called QSO
    assert got.macro_f1 == pytest.approx((4 / 5 + 4 / 5 + 1 / 2 + 0) / 4)
    assert got.log_loss == pytest.approx(-(5 * np.log(0.97) + 3 * np.log(0.01)) / 8)
    assert got.calibration_error == pytest.approx(0.97 - 5 / 8)


def by_loops(label: list[int], predicted: list[int]) -> dict[str, Any]:
    """Precision, recall, F1 and support from the definitions, with None for 0/0."""
    per_class = {}
    for i, name in enumerate(CLASSES):
        hit = sum(t == p == i for t, p in zip(label, predicted, strict=True))
        true, claimed = label.count(i), predicted.count(i)
        per_class[name] = {
            "precision": hit / claimed if claimed else None,
            "recall": hit / true if true else None,
            "f1": 2 * hit / (true + claimed) if true + claimed else None,
            "support": true,
        }
    return per_class


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@pytest.mark.slow
@settings(deadline=None)
@given(pairs)
def test_scores_are_those_of_plain_loops(drawn: list[tuple[int, int]]) -> None:
    """Absent classes included; warnings are errors here, and JSON admits no NaN."""
    label, predicted = [t for t, _ in drawn], [p for _, p in drawn]
    got = scores(np.array(label), certain(predicted))
    json.dumps(to_json(got), allow_nan=False)
    expected = by_loops(label, predicted)
    for name in CLASSES:
        ours = {key: getattr(got.per_class[name], key) for key in expected[name]}
        assert ours == pytest.approx(expected[name])
    defined = [row["f1"] for row in expected.values() if row["f1"] is not None]
    assert got.macro_f1 == pytest.approx(sum(defined) / len(defined))
    right = sum(t == p for t, p in drawn)
    assert got.accuracy == pytest.approx(right / len(drawn))
    assert got.accuracy <= got.accuracy_three_class
    low, high = got.accuracy_interval
    assert low <= got.accuracy <= high


def test_log_loss_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    label, p = rng.integers(0, 4, 300), rng.dirichlet(np.ones(4), 300)
    got = scores(label, np.log(p))
    assert got.log_loss == pytest.approx(log_loss(label, p, labels=range(4)))


def test_renaming_the_classes_moves_the_scores_with_them(rng: np.random.Generator) -> None:
    label, p = rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200)
    order = np.array([2, 0, 3, 1])  # new label i is old label order[i]
    before = scores(label, np.log(p))
    after = scores(np.argsort(order)[label], np.log(p[:, order]), [CLASSES[i] for i in order])
    assert after.per_class == before.per_class
    for name in ("accuracy", "accuracy_three_class", "log_loss", "calibration_error", "macro_f1"):
        assert getattr(after, name) == pytest.approx(getattr(before, name))


def test_the_recalls_of_table_2_give_its_implied_accuracy() -> None:
    """Spectra in the numbers of Table 2, right as often as it says, make 89.76% correct."""
    label, predicted = [], []
    for i, row in enumerate(TABLE_2.values()):
        right = round(row.recall * row.support)
        label += [i] * row.support
        predicted += [i] * right + [(i + 1) % 4] * (row.support - right)
    got = scores(np.array(label), certain(predicted))
    assert got.n == 16_000
    assert got.accuracy == pytest.approx(0.8976, abs=5e-5)
    assert got.accuracy == pytest.approx(implied_accuracy(), abs=1e-4)
    for name, row in TABLE_2.items():
        assert got.per_class[name].recall == pytest.approx(row.recall, abs=1.3e-4)


def test_a_single_class_has_scores_and_the_others_none() -> None:
    got = scores(np.zeros(5, int), certain([0] * 5))
    assert got.accuracy == got.macro_f1 == got.per_class["STAR"].f1 == 1
    qso = got.per_class["QSO"]
    assert (qso.precision, qso.recall, qso.f1) == (None, None, None)
    assert qso.recall_interval == (0, 1)
    assert got.confusion.fractions[2] == [None] * 4


def test_unknown_labels_are_counted_and_not_scored() -> None:
    got = scores(np.array([2, -1, 2, -1]), certain([2, 0, 3, 1]))
    assert (got.n, got.unlabeled, got.accuracy) == (2, 2, 0.5)


def test_an_impossible_truth_makes_the_log_loss_undefined() -> None:
    with np.errstate(divide="ignore"):
        log_prob = np.log([[0.0, 1.0, 0.0, 0.0]])
    got = scores(np.array([0]), log_prob)
    assert got.log_loss is None
    assert got.accuracy == 0


def test_what_cannot_be_scored_is_refused_with_a_sentence() -> None:
    with pytest.raises(InputError, match=naming("class")):
        scores(np.array([-1, -1]), certain([0, 1]))
    diverged = certain([0, 1, 2])
    diverged[1] = np.nan
    with pytest.raises(InputError, match=naming(1, 3)):
        scores(np.array([0, 1, 2]), diverged)
    with pytest.raises(ValueError, match="must be"):
        scores(np.array([0, 1]), certain([0, 1, 2]))
    with pytest.raises(ValueError, match="beyond the 4 classes"):
        scores(np.array([4]), certain([0]))
