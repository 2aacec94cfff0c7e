"""Folds for cross-validation with a few labels: spectra to hold out, and spectra to train on."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from data_prep.objects import groups
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.identity import Identity

FOLDS = 5

APART = np.radians(2 / 3600)
"""Largest distance on the sky between spectra of one object, 2 arcseconds: a fiber's diameter."""

Indices = NDArray[np.int64]


def objects(identities: Sequence[Identity]) -> Indices:
    """Return the index of each spectrum's object, (n,): the same for spectra at the same position.

    A spectrum whose position is unknown counts as a separate object.
    """
    from scipy.spatial import cKDTree

    known = [i for i, identity in enumerate(identities) if {"RA", "DEC"} <= identity.keys()]
    sky = np.array([[identities[i][name] for name in ("RA", "DEC")] for i in known], np.float64)
    ra, dec = np.radians(sky.reshape(-1, 2)).T
    places = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
    near = cKDTree(places).query_pairs(APART, output_type="ndarray") if known else np.zeros((0, 2))
    return groups({}, np.array(known, np.int64)[near.astype(np.int64)], len(identities))


def folds(of: Indices, labels: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Yield the spectra to train on, (labels,), and the held-out spectra of each fold.

    All spectra of an object are in the same fold, and every spectrum is held out once.

    Args:
        of: (n,) numbers of the objects, from 0.
        labels: spectra to train on, drawn from all that are not held out.
        seed: of the folds and the draws.

    Raises:
        InputError: if fewer than `labels` spectra remain when a fold is held out.
    """
    rng = np.random.default_rng((seed, labels))
    fold = (rng.permutation(of.max() + 1) % FOLDS)[of]
    for number in range(FOLDS):
        left = np.flatnonzero(fold != number)
        if len(left) < labels:
            raise InputError(
                f"--labels {labels} is too many: {len(left)} of the {len(of)} labeled spectra"
                " remain when a fifth of the objects is held out; give fewer"
            )
        yield rng.permutation(left)[:labels], np.flatnonzero(fold == number)
