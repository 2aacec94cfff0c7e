"""Matches of files and rows by a file's name alone, and when they are trusted.

Such are coadd-0.fits and redrock-0.fits, and a spectrum and a row whose FILE is called so.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data_prep.truth import Truth
from spectranet_jax.spectra.identity import (
    ANYWHERE,
    FILE_NAME,
    FILE_PATH,
    IN_FOLDER,
    NONE,
    OF_HEADERS,
)

Keys = Mapping[tuple[str, ...], NDArray[np.int64]]
"""Fields of `identity.OBSERVATIONS` -> (n,), -1 for unknown."""


def believed(truth: Truth, keys: Keys) -> Keys:
    """Return the keys of n spectra, without file-name keys that headers or other files contradict.

    Headers contradict it where spectrum and row have the same fields, but other values.
    Files in several folders that have one name contradict each other, be they of redshifts, named
    by rows, or of spectra.
    """
    repeated = {
        ANYWHERE: _in_more_folders(truth.keys, ANYWHERE, IN_FOLDER),
        FILE_NAME: np.concatenate(
            [_in_more_folders(known, FILE_NAME, FILE_PATH) for known in (truth.keys, keys)]
        ),
    }
    keys = dict(keys) | {
        fields: np.where(np.isin(keys[fields], twice), NONE, keys[fields])
        for fields, twice in repeated.items()
    }
    return keys | {
        fields: np.where(_contradicted(truth, keys, fields), NONE, keys[fields])
        for fields in (IN_FOLDER, ANYWHERE)
    }


def _in_more_folders(
    keys: Keys, by_name: tuple[str, ...], by_folder: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return the keys of a name that occur in more than one folder."""
    if not {by_name, by_folder} <= keys.keys():
        return np.empty(0, np.int64)
    distinct = np.unique(np.stack([keys[by_name], keys[by_folder]]), axis=1)
    named, folders = np.unique(distinct[0], return_counts=True)
    return named[folders > 1]


def _contradicted(truth: Truth, keys: Keys, fields: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return whether each spectrum's row by some fields is another's by its header."""
    rows, _ = truth.rows_of({fields: keys[fields]}, {})
    wrong = np.zeros(len(rows), np.bool_)
    for header in truth.keys.keys() & set(OF_HEADERS):
        of_row = truth.keys[header][rows]
        wrong |= (of_row != NONE) & (keys[header] != NONE) & (of_row != keys[header])
    return wrong & (rows != NONE)
