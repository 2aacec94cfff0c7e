"""How well quasars are found: purity, completeness and broad absorption, as the field counts them.

The definitions of Farr, Font-Ribera & Pontzen (2020, arXiv:2007.10348) in the code of their
analysis, after Busca & Balland (2018): a quasar is found if it is called one at the right redshift,
within 6000 km/s. (Their c is 300,000 km/s, which moves the limit by 0.07%.)
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation import redshift
from spectranet_jax.evaluation.calibration import share
from spectranet_jax.spectra.labels import BAL, GALAXY, NOT_BAL, QSO, QSO_BAL

CORRECT = 6000
"""km/s: a redshift further off is wrong."""

BAL_WINDOW = (1.57, 5.0)
"""Redshifts at which a C IV trough can be seen: the search window of baltools for BOSS and DESI."""

Flags = NDArray[np.bool_]


def scores(
    label: NDArray[np.integer],
    z_true: NDArray[np.floating],
    bal: NDArray[np.integer],
    *,
    is_qso: Flags | None = None,
    z: NDArray[np.floating] | None = None,
    is_bal: Flags | None = None,
    p_bal: NDArray[np.floating] | None = None,
    answers: Flags | None = None,
) -> dict[str, Any]:
    """What can be said of a network from those of the three questions that it answers.

    Args:
        label: (n,), true class.
        z_true: (n,), true redshift, NaN where there is none.
        bal: (n,), +1 BAL, -1 not, 0 unsure.
        is_qso: (n,), called a quasar.
        z: (n,), redshift that is given.
        is_bal: (n,), called a BAL.
        p_bal: (n,), probability of broad absorption, or anything that orders spectra by it.
        answers: (n,), spectra that the network's redshift is meant for; all by default.

    Returns:
        A dict that JSON can hold; what is not answered, or has no spectra, is None. Shares have
        count, of, fraction and a 95% Wilson interval:
        accuracy: quasar or not, rightly told.
        purity: of those called quasar, the quasars and galaxies at the right redshift.
        completeness: of the quasars, those called quasar at the right redshift.
        catastrophic: of the true quasars that are called quasar, those whose redshift is off by
        over 3000 km/s.
        redshift: `redshift.scores` of the quasars that have one, called quasar or not.
        redshift_by_range: the same by true redshift, `redshift.scores_by_range`.
        bal_recall, bal_rejection, bal_false_alarm: of quasars at redshifts of `BAL_WINDOW` whose
        label is sure, the BALs called so, the others not called so, and the others called so.
        bal_auc: of the same quasars, the area under the ROC curve of p_bal.
    """
    label, z_true, bal = np.asarray(label), np.asarray(z_true, np.float64), np.asarray(bal)
    quasar = np.isin(label, (QSO, QSO_BAL))
    off = None if z is None else np.abs(redshift.dv(np.nan_to_num(z, nan=np.inf), z_true))
    right = None if off is None else off <= CORRECT  # NaN, of an unknown z, is not
    measured = quasar & np.isfinite(z_true)
    if answers is not None:
        measured &= answers
    visible = quasar & (z_true >= BAL_WINDOW[0]) & (z_true <= BAL_WINDOW[1])
    called = None if is_qso is None or right is None else is_qso & right
    has_bal, has_none = visible & (bal == BAL), visible & (bal == NOT_BAL)
    return {
        "n": len(label),
        "quasars": int(quasar.sum()),
        "accuracy": None if is_qso is None else share(is_qso == quasar),
        "purity": None
        if is_qso is None or called is None
        else share((called & (quasar | (label == GALAXY)))[is_qso]),
        "completeness": None if called is None else share(called[quasar]),
        "catastrophic": None
        if is_qso is None or off is None
        else share(off[measured & is_qso] > redshift.CATASTROPHIC),
        "redshift": None
        if z is None or not measured.any()
        else redshift.scores(np.asarray(z)[measured], z_true[measured]),
        "redshift_by_range": None
        if z is None or not measured.any()
        else redshift.scores_by_range(np.asarray(z)[measured], z_true[measured]),
        "bal_recall": None if is_bal is None else share(is_bal[has_bal]),
        "bal_rejection": None if is_bal is None else share(~is_bal[has_none]),
        "bal_false_alarm": None if is_bal is None else share(is_bal[has_none]),
        "bal_auc": None if p_bal is None else auc(p_bal[has_bal], p_bal[has_none]),
    }


def auc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float | None:
    """Chance that one of the former ranks above one of the latter, a tie half; None without both.

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
