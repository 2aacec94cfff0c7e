"""The calibration of LineNet on held-out spectra: temperatures, and the threshold of ZWARN."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.recalibration import at_temperature, bin_labels, fit_temperature
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.labels import QSO, QSO_BAL
from spectranet_jax.tasks import linenet_trust
from spectranet_jax.tasks.classify_task import log_prob
from spectranet_jax.tasks.linenet_decode import BETWEEN, posterior_at


def fit(
    columns: Columns,
    truth: Columns,
    targets: Columns,
    edges: NDArray[np.float64],
    ratio: NDArray[np.float64],
    window: int,
) -> dict[str, Any]:
    """Return temperatures, and the threshold of ZWARN with them.

    Those of the classes and of p(z) as a whole have the highest held-out likelihood; the latter is
    used for the shape of p(z) alone. `BETWEEN` is not fitted.

    Args:
        columns: decoded at temperatures of 1, with the class fractions of training.
        truth: their labels.
        targets: targets of the loss, of which has_z and either are used.
        edges: of the steps of p(z), (steps + 1,).
        ratio: (4,) class fractions of these spectra as multiples of those in training.
        window: steps of p(z) to each side of a redshift that make up a window.
    """
    log_p, label, known = log_prob(columns), truth["label"], targets["has_z"] > 0
    of_class = class_temperature(log_p, label, targets["either"], ratio)
    if not known.any():
        return {"class_temperature": of_class}
    log_z = np.log(np.maximum(columns["P_OF_Z"], 1e-30))
    of_z = fit_temperature(log_z[known], bin_labels(truth["z"][known], edges))
    p = np.exp(at_temperature(log_p, of_class))
    p_of_z = posterior_at(log_z, of_z, (BETWEEN, window))
    z = np.where(known, truth["z"], np.nan)
    # Weight the classes as in training: a spectrum of a class that is rare here counts for more.
    weight = 1 / ratio[label]
    return {
        "class_temperature": of_class,
        "temperature": of_z,
        "between": BETWEEN,
        "zwarn_threshold": linenet_trust.threshold(p, p_of_z, edges, label, z, weight),
    }


def class_temperature(
    log_p: NDArray[np.floating],
    label: NDArray[np.integer],
    either: NDArray[np.bool_],
    ratio: NDArray[np.float64],
) -> float:
    """Return the temperature of the classes at the class fractions of training.

    Args:
        log_p: (n, 4) log-probabilities at the class fractions of training.
        label: (n,) true classes.
        either: (n,) quasars of which it is not known whether they are BALs.
        ratio: (4,) class fractions of these spectra as multiples of those in training.
    """
    other = np.where(either, QSO_BAL, label)
    return fit_temperature(log_p, np.where(either, QSO, label), np.log(ratio), other)
