"""Purity, completeness and broad absorption, by hand-counted cases."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from spectranet_jax.evaluation.calibration import binomial_interval
from spectranet_jax.evaluation.fraction import Fraction
from spectranet_jax.evaluation.quasar_scores import Answers, Truth, auc, scorable, scores
from spectranet_jax.evaluation.scores_json import to_json
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR

C = 299_792.458


def off(z: float, dv: float) -> float:
    """A redshift that is dv km/s off z."""
    return z + dv / C * (1 + z)


CASE = [  # label, true z, BAL, called quasar, z given, called BAL
    (QSO, 2.5, -1, True, off(2.5, 5999), False),  # found
    (QSO, 2.5, -1, True, off(2.5, -6001), True),  # wrong z, false BAL
    (QSO, 2.5, -1, False, 2.5, False),  # missed
    (QSO_BAL, 2.0, 1, True, off(2.0, -300), True),  # found, BAL found
    (QSO_BAL, 2.0, 1, True, off(2.0, 300), False),  # found, BAL missed
    (QSO_BAL, 2.0, 0, True, 2.0, True),  # found, BAL label unsure
    (QSO, 1.0, -1, True, 1.0, True),  # found; C IV is off the spectrum
    (GALAXY, 0.5, -1, True, off(0.5, 100), False),  # right z: pure
    (GALAXY, 0.5, -1, True, off(0.5, 7000), False),  # impure
    (STAR, 0.0, -1, True, 0.0, False),  # a star is impure at any z
    (STAR, np.nan, -1, False, 1.0, True),
    (GALAXY, np.nan, -1, False, 1.0, False),
]


def case() -> tuple[np.ndarray, ...]:
    return tuple(map(np.array, zip(*CASE, strict=True)))


def counts(counted: Fraction | None) -> tuple[int, int]:
    assert counted is not None
    assert counted.interval == pytest.approx(binomial_interval(counted.count, counted.of))
    assert counted.fraction == counted.count / counted.of
    return counted.count, counted.of


def test_a_case_counted_by_hand():
    label, z_true, bal, is_qso, z, is_bal = case()
    got = scores(Truth(label, z_true, bal), Answers(is_qso, z, is_bal))
    json.dumps(to_json(got), allow_nan=False)
    assert (got.n, got.quasars) == (12, 7)
    assert counts(got.accuracy) == (8, 12)  # one missed, three false
    assert counts(got.purity) == (6, 9)
    assert counts(got.completeness) == (5, 7)
    assert counts(got.catastrophic) == (2, 6)
    assert counts(got.bal_recall) == (1, 2)
    assert counts(got.bal_rejection) == (2, 3)
    assert counts(got.bal_false_alarm) == (1, 3)
    assert got.bal_auc is None
    ranges = got.redshift_by_range
    assert [of_range and of_range.n for of_range in ranges.values()] == [1, 3, 3]
    assert got.redshift.n == 7
    assert got.redshift.within["6000"].count == 6


def test_what_is_not_answered_is_none():
    label, z_true, bal, is_qso, z, is_bal = case()
    classifier = scores(Truth(label, z_true, bal), Answers(is_qso=is_qso, is_bal=is_bal))
    assert classifier.purity is classifier.completeness is classifier.catastrophic is None
    assert classifier.redshift is None
    assert counts(classifier.accuracy) == (8, 12) and counts(classifier.bal_recall) == (1, 2)
    regressor = scores(Truth(label, z_true, bal, applies=label == QSO), Answers(z=z))
    assert regressor.redshift.n == 4
    unanswered = ("accuracy", "purity", "completeness", "catastrophic", "bal_recall")
    for name in (*unanswered, "bal_rejection", "bal_false_alarm", "bal_auc"):
        assert getattr(regressor, name) is None
    last = Truth(label[-2:], z_true[-2:], bal[-2:])
    none = scores(last, Answers(is_qso=is_qso[-2:], z=z[-2:]))
    assert none.completeness is None and none.purity is None and none.redshift is None


def test_bals_are_ranked_where_they_can_be_seen():
    """Of quasars in the window whose label is sure: 2 BALs, 3 others, 5 of 6 pairs and a tie."""
    label, z_true, bal, *_ = case()
    p_bal = np.array([0.3, 0.6, 0.1, 0.9, 0.6, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    got = scores(Truth(label, z_true, bal), Answers(p_bal=p_bal))
    assert got.bal_auc == pytest.approx((3 + 2.5) / 6)


@pytest.mark.slow
@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_auc_is_that_of_scikit_learn(bals, others):
    area = auc(np.array(bals, float), np.array(others, float))
    if not bals or not others:
        assert area is None
    else:
        label = [1] * len(bals) + [0] * len(others)
        assert area == pytest.approx(roc_auc_score(label, bals + others))


def test_a_rank_that_is_not_a_number_is_the_lowest():
    assert auc(np.array([np.nan, 0.5]), np.array([0.1, np.nan])) == (0.5 + 2) / 4


def test_a_redshift_that_is_not_finite_is_wrong():
    truth = Truth(np.array([QSO, QSO]), np.array([2.0, 2.0]), np.array([-1, -1]))
    got = scores(truth, Answers(is_qso=np.array([True, True]), z=np.array([np.nan, 2.0])))
    assert counts(got.completeness) == counts(got.purity) == (1, 2)
    assert got.redshift.non_finite == 1


@given(st.data())
def test_shares_count_the_spectra_one_at_a_time(data):
    n = data.draw(st.integers(1, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    label, z_true = rng.integers(0, 4, n), rng.uniform(0, 4, n)
    bal, is_qso = rng.integers(-1, 2, n), rng.random(n) < 0.5
    z = z_true + rng.normal(0, 0.05, n)
    got = scores(Truth(label, z_true, bal), Answers(is_qso, z))
    pure = called = complete = quasar = 0
    for i in range(n):
        right = abs(C * (z[i] - z_true[i]) / (1 + z_true[i])) <= 6000
        called += bool(is_qso[i])
        quasar += label[i] in (QSO, QSO_BAL)
        pure += bool(is_qso[i] and right and label[i] != STAR)
        complete += bool(is_qso[i] and right and label[i] in (QSO, QSO_BAL))
    assert got.purity is None if not called else counts(got.purity) == (pure, called)
    expected = None if not quasar else (complete, quasar)
    assert (got.completeness and counts(got.completeness)) == expected


def test_quasars_without_a_secure_redshift_and_unknown_classes_are_not_scored():
    label = np.array([-1, STAR, GALAXY, QSO, QSO, QSO, QSO_BAL])
    z = np.array([1, np.nan, np.nan, 2, np.nan, 2, 2])
    z_conf = np.array([3, 0, 0, 3, 3, 1, 3])
    assert scorable(label, z, z_conf).tolist() == [False, True, True, True, False, False, True]
