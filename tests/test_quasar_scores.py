"""Purity, completeness and broad absorption, by hand-counted cases."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from spectranet_jax.evaluation import quasars
from spectranet_jax.evaluation.calibration import binomial_interval
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


def counts(part: dict) -> tuple[int, int]:
    low, high = part["interval"]
    assert (low, high) == pytest.approx(binomial_interval(part["count"], part["of"]))
    assert part["fraction"] == part["count"] / part["of"]
    return part["count"], part["of"]


def test_a_case_counted_by_hand():
    label, z_true, bal, is_qso, z, is_bal = case()
    scores = quasars.scores(label, z_true, bal, is_qso=is_qso, z=z, is_bal=is_bal)
    json.dumps(scores, allow_nan=False)
    assert (scores["n"], scores["quasars"]) == (12, 7)
    assert counts(scores["accuracy"]) == (8, 12)  # one missed, three false
    assert counts(scores["purity"]) == (6, 9)
    assert counts(scores["completeness"]) == (5, 7)
    assert counts(scores["catastrophic"]) == (2, 6)
    assert counts(scores["bal_recall"]) == (1, 2)
    assert counts(scores["bal_rejection"]) == (2, 3)
    assert counts(scores["bal_false_alarm"]) == (1, 3)
    assert scores["bal_auc"] is None
    ranges = scores["redshift_by_range"]
    assert [part and part["n"] for part in ranges.values()] == [1, 3, 3]
    assert scores["redshift"]["n"] == 7
    assert scores["redshift"]["within"]["6000"]["count"] == 6


def test_what_is_not_answered_is_none():
    label, z_true, bal, is_qso, z, is_bal = case()
    classifier = quasars.scores(label, z_true, bal, is_qso=is_qso, is_bal=is_bal)
    assert classifier["purity"] is classifier["completeness"] is classifier["catastrophic"] is None
    assert classifier["redshift"] is None
    assert counts(classifier["accuracy"]) == (8, 12) and counts(classifier["bal_recall"]) == (1, 2)
    regressor = quasars.scores(label, z_true, bal, z=z, answers=label == QSO)
    assert regressor["redshift"]["n"] == 4
    unanswered = ("accuracy", "purity", "completeness", "catastrophic", "bal_recall")
    for name in (*unanswered, "bal_rejection", "bal_false_alarm", "bal_auc"):
        assert regressor[name] is None
    none = quasars.scores(label[-2:], z_true[-2:], bal[-2:], is_qso=is_qso[-2:], z=z[-2:])
    assert none["completeness"] is None and none["purity"] is None and none["redshift"] is None


def test_bals_are_ranked_where_they_can_be_seen():
    """Of quasars in the window whose label is sure: 2 BALs, 3 others, 5 of 6 pairs and a tie."""
    label, z_true, bal, *_ = case()
    p_bal = np.array([0.3, 0.6, 0.1, 0.9, 0.6, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    scores = quasars.scores(label, z_true, bal, p_bal=p_bal)
    assert scores["bal_auc"] == pytest.approx((3 + 2.5) / 6)


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_auc_is_that_of_scikit_learn(bals, others):
    found = quasars.auc(np.array(bals, float), np.array(others, float))
    if not bals or not others:
        assert found is None
    else:
        label = [1] * len(bals) + [0] * len(others)
        assert found == pytest.approx(roc_auc_score(label, bals + others))


def test_a_rank_that_is_not_a_number_is_the_lowest():
    assert quasars.auc(np.array([np.nan, 0.5]), np.array([0.1, np.nan])) == (0.5 + 2) / 4


def test_a_redshift_that_is_not_finite_is_wrong():
    scores = quasars.scores(
        np.array([QSO, QSO]), np.array([2.0, 2.0]), np.array([-1, -1]),
        is_qso=np.array([True, True]), z=np.array([np.nan, 2.0]),
    )  # fmt: skip
    assert counts(scores["completeness"]) == counts(scores["purity"]) == (1, 2)
    assert scores["redshift"]["non_finite"] == 1


@given(st.data())
def test_shares_count_the_spectra_one_at_a_time(data):
    n = data.draw(st.integers(1, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    label, z_true = rng.integers(0, 4, n), rng.uniform(0, 4, n)
    bal, is_qso = rng.integers(-1, 2, n), rng.random(n) < 0.5
    z = z_true + rng.normal(0, 0.05, n)
    scores = quasars.scores(label, z_true, bal, is_qso=is_qso, z=z)
    pure = called = complete = quasar = 0
    for i in range(n):
        right = abs(C * (z[i] - z_true[i]) / (1 + z_true[i])) <= 6000
        called += bool(is_qso[i])
        quasar += label[i] in (QSO, QSO_BAL)
        pure += bool(is_qso[i] and right and label[i] != STAR)
        complete += bool(is_qso[i] and right and label[i] in (QSO, QSO_BAL))
    assert scores["purity"] is None if not called else counts(scores["purity"]) == (pure, called)
    expected = None if not quasar else (complete, quasar)
    assert (scores["completeness"] and counts(scores["completeness"])) == expected
