"""What a model says of labeled spectra, as `spectranet predict` does, and whether it is right."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from data_prep.class_names import labels_of
from experiments.labeled_index import Labeled
from spectranet_jax import readers
from spectranet_jax.evaluation.combined_scores import is_right
from spectranet_jax.inference import Model
from spectranet_jax.progress import notice_if_slow, progress
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.labels import QSO, QSO_BAL, UNKNOWN
from spectranet_jax.spectra.spectrum import Spectrum


def predicted(model: Model, folder: Path, labeled: Labeled) -> Table:
    """The catalog of labeled spectra, redshifts refined: a row for the first spectrum of each file.

    Raises:
        InputError: if a file is missing or cannot be read.
    """
    spectra = read_first(folder, labeled)
    with notice_if_slow(f"predicting {len(spectra)} spectra"):
        return model.predict(spectra)


def read_first(folder: Path, labeled: Labeled) -> list[Spectrum]:
    """Read the first spectrum of each file.

    Raises:
        InputError: if a file is missing or cannot be read.
    """
    spectra = []
    with progress("reading", len(labeled.file)) as advance:
        for file in labeled.file:
            spectra += readers.read(folder / file)[:1]
            advance(1)
    return spectra


def kinds(names: Any) -> NDArray[np.int8]:
    """Class names as STAR, GALAXY and QSO, of which QSO_BAL is one; UNKNOWN for others, (n,).

    Args:
        names: (n,) text; masked where there is no answer.
    """
    label = labels_of(np.ma.filled(names, "").astype(np.str_))
    return np.where(label == QSO_BAL, np.int8(QSO), label)


def right(
    rows: Columns, kind: NDArray[np.integer], z_true: NDArray[np.floating], z: str = "Z"
) -> NDArray[np.bool_]:
    """Whether class and redshift of rows are right, bool (n,): see `combined_scores.is_right`.

    Args:
        rows: CLASS and redshifts, masked where there is no answer, which is wrong.
        kind: (n,) true kinds; where UNKNOWN, as of a sky fiber, no answer is right.
        z_true: (n,) true redshifts, NaN where none is known.
        z: the column of the redshift.
    """
    redshift = np.ma.filled(np.ma.asarray(rows[z], np.float64), np.inf)
    return (kind != UNKNOWN) & is_right(kinds(rows["CLASS"]), redshift, kind, z_true)
