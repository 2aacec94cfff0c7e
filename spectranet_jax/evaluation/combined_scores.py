"""Scores of a model that predicts class, p(z) and broad absorption at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.class_scores import ClassScores
from spectranet_jax.evaluation.fraction import Fraction
from spectranet_jax.evaluation.posterior_scores import PosteriorScores
from spectranet_jax.evaluation.quasar_scores import QuasarScores
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, RedshiftScores, dv
from spectranet_jax.spectra.labels import QSO, QSO_BAL, STAR


@dataclass(frozen=True)
class CombinedScores(ClassScores):
    """Scores of the class, and of the other predictions.

    Attributes:
        quasars: see `quasar_scores`.
        galaxies: of the galaxies with a secure redshift, whatever they are called; None if there
            is none.
        posterior: p(z) of all that have a secure redshift; None if there is none.
        z_err_holds: "1" and "2" -> how often Z is right within so many Z_ERR, of those within
            3000 km/s; None if there is none.
    """

    quasars: QuasarScores
    galaxies: RedshiftScores | None
    posterior: PosteriorScores | None
    z_err_holds: dict[str, Fraction] | None


def z_err_holds(
    z: NDArray[np.floating], z_err: NDArray[np.floating], z_true: NDArray[np.floating]
) -> dict[str, Fraction] | None:
    """Fractions of redshifts, (n,), within one and two z_err; None if all are catastrophic."""
    near = np.abs(dv(z, z_true)) < CATASTROPHIC
    if not near.any():
        return None
    pull = np.abs(z - z_true)[near] / z_err[near]
    return {str(k): Fraction.of_true(pull <= k) for k in (1, 2)}


def is_right(
    kind: NDArray[np.integer],
    z: NDArray[np.floating],
    label: NDArray[np.integer],
    z_true: NDArray[np.floating],
) -> NDArray[np.bool_]:
    """Return whether class and redshift are right, bool (n,).

    Args:
        kind: (n,) STAR, GALAXY or QSO, as called.
        z: (n,) redshifts.
        label: (n,) true classes; a QSO_BAL is a QSO here.
        z_true: (n,) true redshifts; where NaN, and for stars, any redshift is right.
    """
    same_class = kind == np.where(label == QSO_BAL, QSO, label)
    far = np.abs(dv(z, z_true)) > CATASTROPHIC
    return same_class & ((kind == STAR) | np.isnan(z_true) | ~far)
