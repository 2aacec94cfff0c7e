"""Catalogs of redshifts alone, whose objects are all of one class."""

import re
from pathlib import Path

import numpy as np

from data_prep.catalog_layouts import WARNINGS, Answer, BalRule, Catalog, Table, answer
from spectranet_jax.spectra import CLASSES, labels
from spectranet_jax.spectra.labels import QSO, QSO_BAL, UNKNOWN

_OF_QUASARS = re.compile(r"(QSO_cat|DR\d+Q(?!_?Superset))(?![a-z])", re.IGNORECASE)
"""Beginning of quasar catalogs' names. A word within a name has no meaning, as in not_qso.fits."""


def is_of_quasars(path: Path, extension: str) -> bool:
    """Return whether the name of a file, or of its table, says that all rows are quasars."""
    return any(_OF_QUASARS.match(name) for name in (path.name, extension))


def all_are(name: str) -> Catalog:
    """Return a catalog of redshifts alone, whose objects are all of one class.

    Args:
        name: of the class.
    """

    def adapt(table: Table, rule: BalRule) -> Answer:
        del rule
        label = CLASSES.index(name)
        bal = {QSO: labels.BAL_UNSURE, QSO_BAL: labels.BAL}.get(label, labels.NOT_BAL)
        sure = np.ones(len(table["Z"]), np.bool_)
        for warning in WARNINGS & table.keys():
            sure &= table[warning] == 0
        return answer(
            np.where(sure, label, UNKNOWN),
            np.full(len(sure), bal, np.int8),
            table["Z"],
            np.where(sure, labels.CONFIDENT, 0),
        )

    classes = (CLASSES.index(name),)
    return Catalog(f"catalog of {name} alone", frozenset({"Z"}), WARNINGS, classes, adapt)
