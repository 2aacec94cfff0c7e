"""Catalogs of labels: one adapter per catalog, all in one table.

Classes are CLASS_PERSON's codes where an inspector gave one (1 star, 3 quasar, 4 galaxy, 30 BAL
quasar), else the catalog's own statement; a quasar of which it does not say more is QSO_BAL where
it is surely a BAL. Which quasars are BALs is told by the rule that is asked for:

- "class": CLASS_PERSON is 30 (DR12Q: BAL_FLAG_VI is set; DR14Q: BI_CIV is above 0); a quasar that
  nobody inspected is unsure.
- "flag-and-bi": QuasarNET's. A BAL where BAL_FLAG_VI is set and BI_CIV above 0, none where both are
  0, unsure where they disagree (py/quasarnet/io.py). For DR16Q, which has no flag, BAL_PROB >= 0.75
  stands for it, which is our choice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_prep.class_names import labels_of
from spectranet_jax.readers.desi_identity import NOT_TARGETS
from spectranet_jax.spectra import labels
from spectranet_jax.spectra.identity import FIBER
from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR, UNKNOWN

BalRule = Literal["class", "flag-and-bi"]
Table = Mapping[str, NDArray[Any]]

JOIN = ("THING_ID", *FIBER)
DUPLICATES = tuple(f"{name}_DUPLICATE" for name in ("PLATE", "MJD", "FIBERID"))
"""Columns (rows, k) that list duplicate spectra of the same object, from DR9Q on."""

MISSING_Z = -0.5
"""Below it, a redshift means missing (-1, -999); stars reach -0.008."""

LIKELY_BAL = 0.75
"""BAL_PROB from which a DR16 quasar counts as flagged. The catalog gives the probability alone
(Lyke et al. 2020; by the network of Guo & Martini 2019): the cut is our choice.
"""

CLASS_COLUMNS = frozenset({"CLASS", "SPECTYPE", "CLASS_PERSON"})
"""A table with one of these columns has classes, so it is never read as one class alone."""


@dataclass(frozen=True)
class Answer:
    """A catalog's statements about each row; all (n,): see `truth.Truth`."""

    label: NDArray[np.int8]
    bal: NDArray[np.int8]
    z: NDArray[np.float64]
    z_conf: NDArray[np.int8]


@dataclass(frozen=True)
class Catalog:
    """A catalog: its name, its required and optional columns, and their interpretation.

    Attributes:
        name: what its makers call it.
        needed, used: columns in upper case, beside those that name spectra.
        classes: the labels that it can give, beside those that its rows hold.
        adapt: (columns, BAL rule) -> labels.
        without: columns that it has not: a table with these is of more than quasars.
    """

    name: str
    needed: frozenset[str]
    used: frozenset[str]
    classes: tuple[int, ...]
    adapt: Callable[[Table, BalRule], Answer]
    without: frozenset[str] = frozenset()


def _superset(table: Table, rule: BalRule) -> Answer:
    label = labels.from_class_person(table["CLASS_PERSON"])
    if rule == "flag-and-bi":
        bal = _flag_and_bi(table["BAL_FLAG_VI"] == 1, table["BAL_FLAG_VI"] == 0, table["BI_CIV"])
    else:
        bal = _by_class(label)
    return answer(label, bal, table["Z_VI"], table["Z_CONF_PERSON"])


def _dr12q(table: Table, rule: BalRule) -> Answer:
    """Interpret DR12Q: every object was inspected, with a secure redshift (Paris et al. 2017)."""
    flag = table["BAL_FLAG_VI"]
    if rule == "flag-and-bi":
        bal = _flag_and_bi(flag == 1, flag == 0, table["BI_CIV"])
    else:
        bal = np.select([flag > 0, flag == 0], [labels.BAL, labels.NOT_BAL], labels.BAL_UNSURE)
    label = np.where(flag > 0, QSO_BAL, QSO)
    return answer(label, bal.astype(np.int8), table["Z_VI"], np.full(len(flag), labels.CONFIDENT))


def _dr14q(table: Table, rule: BalRule) -> Answer:
    """Interpret DR14Q: all quasars, redshifts by inspectors or the pipeline (Paris et al. 2018)."""
    del rule  # there is no flag, so `read` has refused the other rule
    bal = np.full(len(table["Z"]), labels.BAL_UNSURE, np.int8)
    if "BI_CIV" in table:
        bal[table["BI_CIV"] > 0] = labels.BAL
        bal[table["BI_CIV"] == 0] = labels.NOT_BAL
    inspected = table["SOURCE_Z"] == "VI"
    z_conf = np.where(inspected | (table["ZWARNING"] == 0), labels.CONFIDENT, 0)
    return answer(_quasars(bal), bal, table["Z"], z_conf)


def _dr16q(table: Table, rule: BalRule) -> Answer:
    """Interpret DR16Q: inspected or by the pipeline, with all classes (Lyke et al. 2020)."""
    label = labels.from_class_person(table["CLASS_PERSON"])
    inspected = label != UNKNOWN
    if rule == "flag-and-bi":
        likely = table["BAL_PROB"] >= LIKELY_BAL
        unlikely = (table["BAL_PROB"] >= 0) & ~likely
        bal = _flag_and_bi(likely, unlikely, table["BI_CIV"])
    else:
        bal = _by_class(label)
    automatic = np.where(table["IS_QSO_FINAL"] == 1, _quasars(bal), UNKNOWN)
    if "AUTOCLASS_PQN" in table:
        autoclass = table["AUTOCLASS_PQN"]
        automatic[(table["IS_QSO_FINAL"] != 1) & (autoclass == "STAR")] = STAR
        automatic[(table["IS_QSO_FINAL"] != 1) & (autoclass == "GALAXY")] = GALAXY
    label = np.where(inspected | (table["CLASS_PERSON"] > 0), label, automatic).astype(np.int8)
    by_pipeline = table["SOURCE_Z"] == "PIPE"
    by_eye = np.where(table["SOURCE_Z"] == "VI", table["Z_CONF"], labels.CONFIDENT)
    z_conf = np.where(by_pipeline, np.where(table["ZWARNING"] == 0, labels.CONFIDENT, 0), by_eye)
    return answer(label, bal, table["Z"], np.clip(z_conf, 0, labels.CONFIDENT))


def _named(kind: str, *warnings: str) -> Callable[[Table, BalRule], Answer]:
    """Return an adapter for named classes and redshifts, used where no warning is set.

    Args:
        kind: the column of classes.
        warnings: columns in which 0 means that there is no warning; some may be absent.
    """

    def adapt(table: Table, rule: BalRule) -> Answer:
        del rule
        label = labels_of(table[kind])
        sure = np.ones(len(label), np.bool_)
        for warning in table.keys() & set(warnings):
            sure &= table[warning] == 0
        if "OBJTYPE" in table:
            sure &= ~np.isin(table["OBJTYPE"], NOT_TARGETS)
        return named(label, table["Z"], sure)

    return adapt


OWN_TABLE = "table of labels"
"""Name of a user's own table: CLASS, Z, and any column that names spectra."""

WARNINGS = frozenset({"ZWARN", "ZWARNING"})

_EVERY_CLASS = (STAR, GALAXY, QSO, QSO_BAL)
_DR16 = frozenset({*JOIN, "Z", "SOURCE_Z", "Z_CONF", "CLASS_PERSON", "IS_QSO_FINAL", "ZWARNING"})
_SPALL = frozenset({"CLASS", "Z", "ZWARNING"})

CATALOGS = (
    Catalog(
        "Superset_DR12Q",
        frozenset({*JOIN, "Z_VI", "CLASS_PERSON", "Z_CONF_PERSON"}),
        frozenset({"BAL_FLAG_VI", "BI_CIV"}),
        _EVERY_CLASS,
        _superset,
    ),
    Catalog(
        "DR12Q",
        frozenset({*JOIN, "Z_VI", "BAL_FLAG_VI", "BI_CIV"}),
        frozenset(DUPLICATES),
        (QSO, QSO_BAL),
        _dr12q,
        CLASS_COLUMNS,
    ),
    Catalog(
        "DR16Q",
        _DR16 | {"BAL_PROB", "BI_CIV"},
        frozenset({"AUTOCLASS_PQN", *DUPLICATES}),
        (QSO, QSO_BAL),
        _dr16q,
    ),
    Catalog(
        "DR16Q_Superset",
        _DR16 | {"AUTOCLASS_PQN"},
        frozenset(DUPLICATES),
        _EVERY_CLASS,
        _dr16q,
    ),
    Catalog(
        "DR14Q",
        frozenset({*JOIN, "Z", "SOURCE_Z", "Z_VI", "ZWARNING"}),
        frozenset({"BI_CIV", *DUPLICATES}),
        (QSO, QSO_BAL),
        _dr14q,
        CLASS_COLUMNS,
    ),
    Catalog(
        "spAll",
        _SPALL | set(FIBER),
        frozenset(),
        (STAR, GALAXY, QSO),
        _named("CLASS", "ZWARNING"),
    ),
    Catalog(
        "spAll of DR18 and later",
        _SPALL | {"CATALOGID"},
        frozenset(),
        (STAR, GALAXY, QSO),
        _named("CLASS", "ZWARNING"),
    ),
    Catalog(
        "DESI redrock",
        frozenset({"TARGETID", "Z", "ZWARN", "SPECTYPE"}),
        frozenset({"OBJTYPE"}),
        (STAR, GALAXY, QSO),
        _named("SPECTYPE", "ZWARN"),
    ),
    Catalog(
        OWN_TABLE,
        frozenset({"CLASS", "Z"}),
        WARNINGS,
        (),
        _named("CLASS", *WARNINGS),
    ),
)
"""Catalogs with the class of every row, in the order in which they are tried."""


def named(label: NDArray[np.int8], z: NDArray[Any], sure: NDArray[np.bool_]) -> Answer:
    """Return the answer that classes and redshifts alone give, (n,) each.

    Where some row is QSO_BAL, those that are QSO are not; else nobody looked, and they are unsure.
    """
    bal = np.full(len(label), labels.BAL_UNSURE, np.int8)
    if (label == QSO_BAL).any():
        bal = _by_class(label)
    return answer(np.where(sure, label, UNKNOWN), bal, z, np.where(sure, labels.CONFIDENT, 0))


def _by_class(label: NDArray[np.int8]) -> NDArray[np.int8]:
    bal = np.full(len(label), labels.BAL_UNSURE, np.int8)
    bal[label == QSO] = labels.NOT_BAL
    bal[label == QSO_BAL] = labels.BAL
    return bal


def _flag_and_bi(
    flag: NDArray[np.bool_], no_flag: NDArray[np.bool_], balnicity: NDArray[Any]
) -> NDArray[np.int8]:
    bal = np.full(len(flag), labels.BAL_UNSURE, np.int8)
    bal[flag & (balnicity > 0)] = labels.BAL
    bal[no_flag & (balnicity == 0)] = labels.NOT_BAL
    return bal


def _quasars(bal: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.where(bal == labels.BAL, QSO_BAL, QSO).astype(np.int8)


def answer(
    label: NDArray[Any], bal: NDArray[np.int8], z: NDArray[Any], z_conf: NDArray[Any]
) -> Answer:
    z = z.astype(np.float64)
    missing = ~(z > MISSING_Z) | ~np.isfinite(z)
    is_code = (z_conf >= 0) & (z_conf <= labels.CONFIDENT)
    z_conf = np.where(missing | ~is_code, 0, z_conf).astype(np.int8)
    return Answer(label.astype(np.int8), bal, np.where(missing, np.nan, z), z_conf)
