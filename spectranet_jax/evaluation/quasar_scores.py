"""Scores of quasars as the field defines them: purity, completeness and broad absorption.

The definitions are those of Farr, Font-Ribera & Pontzen (2020, arXiv:2007.10348) in the code of
their analysis, after Busca & Balland (2018): a quasar is found if it is predicted as one at the
right redshift, within 6000 km/s. (Their c is 300,000 km/s, which moves the limit by 0.07%.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation import redshift_scores
from spectranet_jax.evaluation.fraction import Fraction, fraction_if_any
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, RedshiftScores, dv
from spectranet_jax.spectra.labels import BAL, CONFIDENT, GALAXY, NOT_BAL, QSO, QSO_BAL, UNKNOWN

CORRECT = 6000
"""km/s: a redshift further off is wrong."""

BAL_WINDOW = (1.57, 5.0)
"""Redshifts at which a C IV trough can be seen: the search window of baltools for BOSS and DESI."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Answers:
    """A model's answers about quasars, one value per spectrum; None for what it does not predict.

    Attributes:
        is_qso: (n,) bool, predicted to be a quasar.
        z: (n,), predicted redshift.
        is_bal: (n,) bool, predicted to be a BAL.
        p_bal: (n,), probability of broad absorption, or anything that orders spectra by it.
    """

    is_qso: Flags | None = None
    z: Floats | None = None
    is_bal: Flags | None = None
    p_bal: Floats | None = None


@dataclass(frozen=True)
class Truth:
    """Labels of the spectra.

    Attributes:
        label: (n,), true class.
        z: (n,), true redshift, NaN where there is none.
        bal: (n,), +1 BAL, -1 not, 0 unsure.
        applies: (n,), spectra that the model's redshift applies to; all by default.
    """

    label: NDArray[np.integer]
    z: Floats
    bal: NDArray[np.integer]
    applies: Flags | None = None

    @cached_property
    def quasar(self) -> Flags:
        """True quasars, (n,)."""
        return np.isin(self.label, (QSO, QSO_BAL))

    @cached_property
    def measured(self) -> Flags:
        """Quasars whose redshift is scored, (n,)."""
        known = self.quasar & np.isfinite(self.z)
        return known if self.applies is None else known & self.applies

    @cached_property
    def visible(self) -> Flags:
        """Quasars at redshifts of `BAL_WINDOW`, (n,)."""
        return self.quasar & (self.z >= BAL_WINDOW[0]) & (self.z <= BAL_WINDOW[1])

    def off(self, z: Floats) -> Floats:
        """Return |dv| of a predicted redshift, km/s, (n,); infinite where it is NaN."""
        return np.abs(dv(np.nan_to_num(z, nan=np.inf), self.z))


@dataclass(frozen=True)
class QuasarScores:
    """Everything that evaluation.json holds of quasars.

    Scores without answers or without spectra are None.

    Attributes:
        n: spectra.
        quasars: true quasars among them.
        accuracy: quasar or not, correctly predicted.
        purity: of the predicted quasars, the quasars and galaxies at the right redshift.
        completeness: of the quasars, those predicted to be quasars at the right redshift.
        catastrophic: of the true quasars among the predicted ones, those whose redshift is off by
            over 3000 km/s.
        redshift: scores of the quasars that have one, predicted to be quasars or not.
        redshift_by_range: the same by true redshift, see `redshift_scores.scores_by_range`.
        bal_recall: of quasars at redshifts of `BAL_WINDOW` whose label is sure, the BALs predicted
            to be BALs.
        bal_rejection: the others, not predicted to be BALs.
        bal_false_alarm: the others, predicted to be BALs.
        bal_auc: of the same quasars, the area under the ROC curve of p_bal.
    """

    n: int
    quasars: int
    accuracy: Fraction | None = None
    purity: Fraction | None = None
    completeness: Fraction | None = None
    catastrophic: Fraction | None = None
    redshift: RedshiftScores | None = None
    redshift_by_range: dict[str, RedshiftScores | None] | None = None
    bal_recall: Fraction | None = None
    bal_rejection: Fraction | None = None
    bal_false_alarm: Fraction | None = None
    bal_auc: float | None = None


def scorable(label: NDArray[np.integer], z: Floats, z_conf: NDArray[np.integer]) -> Flags:
    """Spectra of a known class, and of quasars those with a secure redshift, bool (n,)."""
    secure = (z_conf == CONFIDENT) & np.isfinite(z)
    return (label != UNKNOWN) & (~np.isin(label, (QSO, QSO_BAL)) | secure)


def scores(truth: Truth, answers: Answers) -> QuasarScores:
    """Score a model's answers about quasars."""
    fields: dict[str, Any] = {}
    for needed, score in QUESTIONS:
        values = [getattr(answers, name) for name in needed]
        if all(value is not None for value in values):
            fields |= score(truth, *values)
    return QuasarScores(len(truth.label), int(truth.quasar.sum()), **fields)


def _called(truth: Truth, is_qso: Flags) -> dict[str, Any]:
    return {"accuracy": fraction_if_any(is_qso == truth.quasar)}


def _located(truth: Truth, is_qso: Flags, z: Floats) -> dict[str, Any]:
    off = truth.off(z)
    correct = is_qso & (off <= CORRECT)  # NaN, of an unknown z, is not
    pure = correct & (truth.quasar | (truth.label == GALAXY))
    return {
        "purity": fraction_if_any(pure[is_qso]),
        "completeness": fraction_if_any(correct[truth.quasar]),
        "catastrophic": fraction_if_any(off[truth.measured & is_qso] > CATASTROPHIC),
    }


def _redshifts(truth: Truth, z: Floats) -> dict[str, Any]:
    if not truth.measured.any():
        return {}
    pairs = np.asarray(z)[truth.measured], truth.z[truth.measured]
    return {
        "redshift": redshift_scores.scores(*pairs),
        "redshift_by_range": redshift_scores.scores_by_range(*pairs),
    }


def _bals(truth: Truth, is_bal: Flags) -> dict[str, Any]:
    has_bal, has_none = (truth.visible & (truth.bal == bal) for bal in (BAL, NOT_BAL))
    return {
        "bal_recall": fraction_if_any(is_bal[has_bal]),
        "bal_rejection": fraction_if_any(~is_bal[has_none]),
        "bal_false_alarm": fraction_if_any(is_bal[has_none]),
    }


def _ranking(truth: Truth, p_bal: Floats) -> dict[str, Any]:
    has_bal, has_none = (truth.visible & (truth.bal == bal) for bal in (BAL, NOT_BAL))
    return {"bal_auc": auc(p_bal[has_bal], p_bal[has_none])}


QUESTIONS: tuple[tuple[tuple[str, ...], Callable[..., dict[str, Any]]], ...] = (
    (("is_qso",), _called),
    (("is_qso", "z"), _located),
    (("z",), _redshifts),
    (("is_bal",), _bals),
    (("p_bal",), _ranking),
)
"""Names of the answers that are needed -> the fields of `QuasarScores` that follow from them."""


def auc(positive: Floats, negative: Floats) -> float | None:
    """Return the chance that a positive ranks above a negative, a tie half; None without both.

    The area under the ROC curve, as Mann & Whitney's U (Hanley & McNeil 1982, Radiology 143, 29).

    Args:
        positive: (m,), NaN below all others.
        negative: (n,), likewise.
    """
    if not len(positive) or not len(negative):
        return None
    positive, negative = (np.nan_to_num(v, nan=-np.inf) for v in (positive, negative))
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    at_most = np.searchsorted(ordered, positive, side="right")
    return float((below + at_most).sum() / (2 * len(positive) * len(negative)))
