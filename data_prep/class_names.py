"""Names of classes in catalogs and tables, as labels."""

import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra import CLASSES, InputError
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR, UNKNOWN

SPELLINGS = {
    "STAR": STAR,
    "STARS": STAR,
    "STELLAR": STAR,
    "GALAXY": GALAXY,
    "GALAXIES": GALAXY,
    "GAL": GALAXY,
    "QSO": QSO,
    "QSOS": QSO,
    "QUASAR": QSO,
    "QUASARS": QSO,
    "QSOBAL": QSO_BAL,
    "BALQSO": QSO_BAL,
    "BAL": QSO_BAL,
    "BALQUASAR": QSO_BAL,
    "QUASARBAL": QSO_BAL,
    "BROADABSORPTIONLINEQUASAR": QSO_BAL,
}
"""Spelling in capitals, letters only -> label."""

NO_CLASS = frozenset({"", "?", "-", "--", "NONE", "NAN", "NULL", "N/A", "UNKNOWN", "UNSURE"})
"""Texts, in capitals, of an unknown class."""

NAMED = 8
"""Unknown names listed in a message."""

_NOT_LETTERS = re.compile("[^A-Z0-9]")


def labels_of(names: NDArray[np.str_]) -> NDArray[np.int8]:
    """Return labels of class names, int8 (n,); UNKNOWN (-1) for other spellings.

    Capitals, spaces, hyphens and underscores do not count: "BAL QSO" is "bal_qso" is "BALQSO".
    """
    distinct, place = np.unique(names, return_inverse=True)
    labels = [
        SPELLINGS.get(_NOT_LETTERS.sub("", name.upper()), UNKNOWN) for name in distinct.tolist()
    ]
    return np.array(labels, np.int8)[place]


def check_names(path: Path, names: NDArray[np.str_]) -> None:
    """Warn on standard error of other classes than ours, and of their numbers of rows.

    Args:
        path: the catalog.
        names: (n,) its classes.

    Raises:
        InputError: if no row is of a class of ours.
    """
    distinct, counts = np.unique(np.strings.upper(np.strings.strip(names)), return_counts=True)
    unknown = labels_of(distinct) == UNKNOWN
    alien = Counter({
        name: count
        for name, count in zip(distinct[unknown].tolist(), counts[unknown].tolist(), strict=True)
        if name not in NO_CLASS
    })  # fmt: skip
    listed = ", ".join(f"{name} ({count})" for name, count in alien.most_common(NAMED))
    more = f" and {len(alien) - NAMED} more" if len(alien) > NAMED else ""
    if len(names) and unknown.all():
        raise InputError(
            f"{path} has no row of a class in its column CLASS, but {listed or 'empty cells'}"
            f"{more}; write {', '.join(CLASSES)}"
        )
    if alien:
        print(
            f"warning: {path} has rows of other classes than {', '.join(CLASSES)}: {listed}{more};"
            " they are left out",
            file=sys.stderr,
        )
