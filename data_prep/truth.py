"""What is known of an object, from the catalogs of visual inspection: one adapter a catalog."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.readers.fits import columns, find_table, open_fits
from spectranet_jax.spectra import InputError, labels

JOIN = ("THING_ID", "PLATE", "MJD", "FIBERID")
MISSING_Z = -0.5
"""Below it, Z_VI means missing (-1); stars reach -0.008."""


@dataclass(frozen=True)
class Truth:
    """A catalog in this project's terms; every array has one row a catalog row.

    Attributes:
        fiber: (n,) int64, `fiber_key` of plate, MJD and fiber.
        object_id: (n,) int64, THING_ID, -1 where there is none.
        label: (n,) int8, index into `labels.CLASSES`, -1 for none of them.
        bal: (n,) int8, +1 BAL, -1 not, 0 unsure.
        z: (n,) float64, NaN where missing.
        z_conf: (n,) int8, 0 to 3, 3 secure; 0 where z is missing.
        classes: the labels that such a catalog can give.
    """

    fiber: NDArray[np.int64]
    object_id: NDArray[np.int64]
    label: NDArray[np.int8]
    bal: NDArray[np.int8]
    z: NDArray[np.float64]
    z_conf: NDArray[np.int8]
    classes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.label)

    def rows_of_fibers(self, fiber: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first row of each `fiber_key`, int64 of the same shape; -1 where there is none."""
        return _find(*self._by_fiber, fiber)

    def rows_of_objects(self, object_id: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first row of each object, int64 of the same shape; -1 for none, and for id -1."""
        return _find(*self._by_object, object_id)

    @cached_property
    def _by_fiber(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return _sorted(self.fiber)

    @cached_property
    def _by_object(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return _sorted(self.object_id)


def fiber_key(
    plate: NDArray[np.integer], mjd: NDArray[np.integer], fiber: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Plate, MJD and fiber (at most 20 bits each) as one number; -1 if one of them is unknown."""
    parts = np.stack([np.asarray(part, np.int64) for part in (plate, mjd, fiber)])
    known = ((parts >= 0) & (parts < 1 << 20)).all(axis=0)
    return np.where(known, parts[0] << 40 | parts[1] << 20 | parts[2], -1)


def read(path: Path) -> Truth:
    """The truth in a FITS catalog; the table may be in any HDU, its columns in any case.

    Read are catalogs with the columns of Superset_DR12Q, with or without those on BALs (so
    QuasarNET's truth file too), and DR12Q.

    Raises:
        InputError: if the file cannot be read, or holds none of these catalogs.
    """
    with open_fits(path) as hdus:
        for catalog in CATALOGS:
            table = find_table(hdus, catalog.needed)
            if table is not None:
                names = catalog.needed | (catalog.used & columns(table))
                return catalog.adapt({name: np.array(table.data[name]) for name in names})
        tables = [columns(hdu) for hdu in hdus if columns(hdu)]
    if not tables:
        raise InputError(f"{path} holds no table; give a catalog like {CATALOGS[0].name}")
    nearest, table = min(product(CATALOGS, tables), key=lambda pair: len(pair[0].needed - pair[1]))
    lacking = ", ".join(sorted(nearest.needed - table))
    raise InputError(
        f"{path} is not a catalog that is read: for {nearest.name} it lacks {lacking};"
        f" give {' or '.join(c.name for c in CATALOGS)}"
    )


@dataclass(frozen=True)
class Catalog:
    """One catalog: its name, the columns it must and may have, and how they are understood."""

    name: str
    needed: frozenset[str]
    used: frozenset[str]
    adapt: Callable[[dict[str, NDArray[Any]]], Truth]


def _superset(table: dict[str, NDArray[Any]]) -> Truth:
    label = labels.from_class_person(table["CLASS_PERSON"])
    if "BAL_FLAG_VI" in table and "BI_CIV" in table:
        bal = _bal(table["BAL_FLAG_VI"], table["BI_CIV"])
    else:
        bal = np.full(len(label), labels.BAL_UNSURE, np.int8)
        bal[label == labels.QSO] = labels.NOT_BAL
        bal[label == labels.QSO_BAL] = labels.BAL
    return _truth(table, label, bal, table["Z_CONF_PERSON"], tuple(range(len(labels.CLASSES))))


def _dr12q(table: dict[str, NDArray[Any]]) -> Truth:
    """Every object was inspected and is a quasar with a secure redshift (Paris et al. 2017)."""
    flag = table["BAL_FLAG_VI"]
    label = np.where(flag > 0, labels.QSO_BAL, labels.QSO).astype(np.int8)
    secure = np.full(len(label), labels.CONFIDENT)
    return _truth(table, label, _bal(flag, table["BI_CIV"]), secure, (labels.QSO, labels.QSO_BAL))


CATALOGS = (
    Catalog(
        "Superset_DR12Q",
        frozenset({*JOIN, "Z_VI", "CLASS_PERSON", "Z_CONF_PERSON"}),
        frozenset({"BAL_FLAG_VI", "BI_CIV"}),
        _superset,
    ),
    Catalog("DR12Q", frozenset({*JOIN, "Z_VI", "BAL_FLAG_VI", "BI_CIV"}), frozenset(), _dr12q),
)
"""In the order in which they are tried."""


def _bal(flag: NDArray[Any], balnicity: NDArray[Any]) -> NDArray[np.int8]:
    """QuasarNET's three values: sure where the visual flag and BI_CIV agree (io.py, read_truth)."""
    bal = np.full(len(flag), labels.BAL_UNSURE, np.int8)
    bal[(flag == 1) & (balnicity > 0)] = labels.BAL
    bal[(flag == 0) & (balnicity == 0)] = labels.NOT_BAL
    return bal


def _truth(
    table: dict[str, NDArray[Any]],
    label: NDArray[np.int8],
    bal: NDArray[np.int8],
    z_conf: NDArray[Any],
    classes: tuple[int, ...],
) -> Truth:
    z = table["Z_VI"].astype(np.float64)
    missing = ~(z > MISSING_Z)
    return Truth(
        fiber=fiber_key(table["PLATE"], table["MJD"], table["FIBERID"]),
        object_id=table["THING_ID"].astype(np.int64),
        label=label,
        bal=bal,
        z=np.where(missing, np.nan, z),
        z_conf=np.where(missing, 0, z_conf).astype(np.int8),
        classes=classes,
    )


def _sorted(key: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(key, kind="stable")
    return key[order], order


def _find(
    key: NDArray[np.int64], order: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    if not len(key):
        return np.full(np.shape(wanted), -1)
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where((key[at] == wanted) & (wanted != -1), order[at], -1)
