"""What is known of each object: catalogs in this project's terms, and their join with spectra."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.catalogs import CATALOGS, DUPLICATES, FIBER, BalRule, Catalog, check_rule
from data_prep.readers import refuse_spectra
from data_prep.readers.fits import columns, find_table, open_fits
from spectranet_jax.spectra import InputError

ROWS_AT_ONCE = 1 << 16
"""Of a catalog: spAll has millions, of a thousand bytes each."""


@dataclass(frozen=True)
class Truth:
    """Catalogs in this project's terms; every array has one row a catalog row, except `other_*`.

    Attributes:
        fiber: (n,) int64, `fiber_key` of plate, MJD and fiber.
        object_id: (n,) int64, THING_ID, TARGETID or CATALOGID, -1 where there is none.
        label: (n,) int8, index into `labels.CLASSES`, -1 for none of them.
        bal: (n,) int8, +1 BAL, -1 not, 0 unsure.
        z: (n,) float64, NaN where missing.
        z_conf: (n,) int8, 0 to 3, 3 secure; 0 where z is missing.
        classes: the labels that such catalogs can give.
        other_fiber, other_row: (k,) int64, further spectra of an object, and its row.
        kinds: names of the catalogs.
    """

    fiber: NDArray[np.int64]
    object_id: NDArray[np.int64]
    label: NDArray[np.int8]
    bal: NDArray[np.int8]
    z: NDArray[np.float64]
    z_conf: NDArray[np.int8]
    classes: tuple[int, ...]
    other_fiber: NDArray[np.int64]
    other_row: NDArray[np.int64]
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)

    def rows_of_fibers(self, fiber: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each `fiber_key`, int64 of the same shape; -1 where there is none.

        Of several rows the most confident counts, and of these the first.
        """
        return _find(*self._by_fiber, fiber)

    def rows_of_objects(self, object_id: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each object, as of each fiber; -1 for none, and for id -1."""
        return _find(*self._by_object, object_id)

    def rows_of(self, fiber: NDArray[np.int64], object_id: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each spectrum by its fiber, and by its object where that has no row."""
        rows = self.rows_of_fibers(fiber)
        return np.where(rows >= 0, rows, self.rows_of_objects(object_id))

    @cached_property
    def _by_fiber(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        key = np.concatenate([self.fiber, self.other_fiber])
        row = np.concatenate([np.arange(len(self)), self.other_row])
        return _sorted(key, row, self.z_conf)

    @cached_property
    def _by_object(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return _sorted(self.object_id, np.arange(len(self)), self.z_conf)


def fiber_key(
    plate: NDArray[np.integer], mjd: NDArray[np.integer], fiber: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Plate, MJD and fiber (at most 20 bits each) as one number; -1 if one of them is unknown."""
    parts = np.stack([np.asarray(part, np.int64) for part in (plate, mjd, fiber)])
    known = ((parts >= 0) & (parts < 1 << 20)).all(axis=0)
    return np.where(known, parts[0] << 40 | parts[1] << 20 | parts[2], -1)


def read(*paths: Path, bal: BalRule = "class") -> Truth:
    """The truth in FITS catalogs; the table may be in any HDU, its columns in any case.

    Read are the catalogs of `catalogs.CATALOGS`; QuasarNET's truth file is laid out as
    Superset_DR12Q.

    Args:
        paths: one or more files, of which the order matters only between equal rows.
        bal: what counts as a BAL: see `data_prep.catalogs`.

    Raises:
        InputError: if a file cannot be read, holds none of these catalogs, or cannot tell BALs by
            the rule.
    """
    return _concatenate([_read(path, bal) for path in paths])


def _read(path: Path, rule: BalRule) -> Truth:
    with open_fits(path, large=True) as hdus:
        refuse_spectra(path, hdus)
        for catalog in CATALOGS:
            table = find_table(hdus, catalog.needed)
            if table is not None:
                check_rule(path, catalog, columns(table), rule)
                return _adapt(path, catalog, table, rule)
        tables = [columns(hdu) for hdu in hdus if columns(hdu)]
    if not tables:
        raise InputError(f"{path} holds no table; give a catalog like {CATALOGS[0].name}")
    nearest, table = min(
        product(CATALOGS[:-1], tables), key=lambda pair: len(pair[0].needed - pair[1])
    )
    lacking = ", ".join(sorted(nearest.needed - table))
    raise InputError(
        f"{path} is not a catalog that is read: for {nearest.name} it lacks {lacking};"
        f" give {', '.join(c.name for c in CATALOGS[:-1])} or {CATALOGS[-1].name}"
    )


def _adapt(path: Path, catalog: Catalog, table: Any, rule: BalRule) -> Truth:
    names = catalog.needed | (catalog.used & columns(table))
    content, other_fiber, other_row = _columns(path, table, names)
    try:
        answer = catalog.adapt(content, rule)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path} has text, or numbers of another kind, in a column of {catalog.name};"
            " give the catalog as it is published"
        ) from error
    if len(answer.label) == 0:
        raise InputError(f"{path} holds no rows; give a catalog with the spectra in it")
    none = np.full(len(answer.label), -1, np.int64)
    has_fiber = set(FIBER) <= content.keys()
    object_id = content.get(catalog.object_column, none)
    if object_id.dtype.kind not in "iu":
        raise InputError(f"{path} has no whole numbers in {catalog.object_column}; fetch it again")
    object_id = object_id.astype(np.int64)
    fiber = fiber_key(*(content[name] for name in FIBER)) if has_fiber else none
    # An object without an id that has several spectra gets one, to stay in one split.
    nameless = np.intersect1d(other_row, np.flatnonzero(object_id == -1))
    object_id[nameless] = -2 - fiber[nameless]
    return Truth(
        fiber=fiber,
        object_id=object_id,
        label=answer.label,
        bal=answer.bal,
        z=answer.z,
        z_conf=answer.z_conf,
        classes=catalog.classes,
        other_fiber=other_fiber,
        other_row=other_row,
        kinds=(catalog.name,),
    )


def _columns(
    path: Path, table: Any, names: frozenset[str]
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64], NDArray[np.int64]]:
    """The columns, and the `fiber_key` and row of each further spectrum that they list."""
    plain = sorted(names - set(DUPLICATES))
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in plain}
    fibers, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, max(1, len(table.data)), ROWS_AT_ONCE):
        part = table.data[start : start + ROWS_AT_ONCE]
        for name in plain:
            column = np.array(part[name])
            if column.ndim != 1:
                raise InputError(f"{path} has several values a row in {name}; fetch it again")
            parts[name].append(column)
        if set(DUPLICATES) <= names:
            several = np.stack(
                [np.array(part[n], np.int64).reshape(len(part), -1) for n in DUPLICATES]
            )
            row, place = np.nonzero((several > 0).all(axis=0))
            fibers.append(fiber_key(*several[:, row, place]))
            rows.append(start + row)
    content = {name: np.concatenate(part) for name, part in parts.items()}
    return content, np.concatenate(fibers), np.concatenate(rows)


def _concatenate(truths: Sequence[Truth]) -> Truth:
    if len(truths) == 1:
        return truths[0]
    starts = np.cumsum([0, *map(len, truths)])

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(truth, name) for truth in truths])

    return Truth(
        **{n: joined(n) for n in ("fiber", "object_id", "label", "bal", "z", "z_conf")},
        classes=tuple(sorted({label for truth in truths for label in truth.classes})),
        other_fiber=joined("other_fiber"),
        other_row=np.concatenate(
            [start + t.other_row for start, t in zip(starts, truths, strict=False)]
        ),
        kinds=tuple(dict.fromkeys(kind for truth in truths for kind in truth.kinds)),
    )


def _sorted(
    key: NDArray[np.int64], row: NDArray[np.int64], z_conf: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.lexsort((-z_conf[row], key))  # stable: of equal rows the first comes first
    return key[order], row[order]


def _find(
    key: NDArray[np.int64], row: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    if not len(key):
        return np.full(np.shape(wanted), -1)
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where((key[at] == wanted) & (wanted != -1), row[at], -1)
