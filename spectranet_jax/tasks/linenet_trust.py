"""The threshold of ZWARN: the probability from which LineNet can be trusted."""

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation import posterior
from spectranet_jax.evaluation.combined_scores import is_right
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR
from spectranet_jax.spectra.zwarn import WRONG_ALLOWED, choose_threshold


def threshold(
    p: NDArray[np.floating],
    p_of_z: NDArray[np.floating],
    edges: NDArray[np.float64],
    label: NDArray[np.integer],
    z: NDArray[np.floating],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Return the lowest probability of class and redshift that meets `WRONG_ALLOWED`.

    Args:
        p: (n, 4) calibrated probabilities of the classes.
        p_of_z: (n, steps) calibrated p(z).
        edges: (steps + 1,) of the steps of p(z).
        label: (n,) true classes.
        z: (n,) true redshifts, NaN where none is secure: these count as right.
        weight: (n,) how many spectra each stands for; by default one.
    """
    kind, p_class = called(p)
    decoded = posterior.decode(p_of_z, edges)
    p_3000 = posterior.mass_within(p_of_z, edges, decoded.z)
    p_redshift = np.where(kind == STAR, 1.0, p_3000)
    right = is_right(kind, decoded.z, label, z)
    return choose_threshold(np.minimum(p_class, p_redshift), right, WRONG_ALLOWED, weight)


def called(p: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Most probable of star, galaxy and quasar (STAR, GALAXY, QSO), and its probability."""
    kinds = np.stack([p[:, STAR], p[:, GALAXY], p[:, QSO] + p[:, QSO_BAL]], axis=-1)
    return kinds.argmax(axis=-1), kinds.max(axis=-1)
