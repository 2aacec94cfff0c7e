"""The four classes, and the codes of the catalogs behind them."""

import numpy as np
from numpy.typing import NDArray

CLASSES = ("STAR", "GALAXY", "QSO", "QSO_BAL")
"""Class names by label: 0, 1, 2, 3, as in the report."""

CLASS_COLORS = {"STAR": "#d07f00", "GALAXY": "#0fa291", "QSO": "#1449a8", "QSO_BAL": "#a3163c"}
"""The color of a class in every figure; color-blind readers can distinguish the four."""

STAR, GALAXY, QSO, QSO_BAL = range(4)
UNKNOWN = -1
"""The label of a spectrum that belongs to none of the classes, or was not inspected."""

CLASS_PERSON = {1: STAR, 4: GALAXY, 3: QSO, 30: QSO_BAL}
"""CLASS_PERSON of Superset_DR12Q (visual inspection) -> label; other codes map to UNKNOWN."""

CONFIDENT = 3
"""Z_CONF_PERSON of a secure redshift."""

BAL, NOT_BAL, BAL_UNSURE = 1, -1, 0
"""QuasarNET's three-valued BAL label; unsure ones are left out of BAL losses and scores."""


def from_class_person(code: NDArray[np.integer]) -> NDArray[np.int8]:
    """Labels of CLASS_PERSON codes, int8 of the same shape; UNKNOWN (-1) where none applies."""
    label = np.full(np.shape(code), UNKNOWN, np.int8)
    for person, value in CLASS_PERSON.items():
        label[np.asarray(code) == person] = value
    return label
