"""Labels of objects from catalogs, and their join with spectra."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep import inspected
from data_prep.catalog_content import columns, objtype
from data_prep.catalog_files import Names, open_catalog
from data_prep.catalog_layouts import Answer, BalRule, Catalog
from data_prep.class_names import check_names
from data_prep.one_class import all_are
from data_prep.row_identity import RowIdentity, names_rows, naming_columns, row_identity
from data_prep.which_catalog import check_rule, which_catalog
from spectranet_jax.readers import refuse_spectra
from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu, checksum_flag
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER, NONE, OBJECTS, OBSERVATIONS
from spectranet_jax.spectra.labels import CLASSES, UNKNOWN

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """Labels from catalogs; every array has one row per catalog row, except `other_*`.

    Attributes:
        keys: fields of `identity.OBSERVATIONS` -> (n,) int64, which spectrum a row describes;
            -1 where that is unknown.
        ids: fields of `identity.OBJECTS` -> (n,) int64, of what object, -1 for unknown.
        label: (n,) int8, index into `labels.CLASSES`, -1 for none of them.
        bal: (n,) int8, +1 BAL, -1 not, 0 unsure.
        z: (n,) float64, NaN where missing.
        z_conf: (n,) int8, 0 to 3, 3 secure; 0 where z is missing.
        classes: the labels that such catalogs can give.
        other_fiber, other_row: (k,) int64, `fiber_key` of further spectra of an object, and its
            row.
        kinds: names of the catalogs.
    """

    keys: Mapping[tuple[str, ...], Int64]
    ids: Mapping[str, Int64]
    label: NDArray[np.int8]
    bal: NDArray[np.int8]
    z: NDArray[np.float64]
    z_conf: NDArray[np.int8]
    classes: tuple[int, ...]
    other_fiber: Int64
    other_row: Int64
    kinds: tuple[str, ...]

    @classmethod
    def of_rows(
        cls,
        answers: Answer,
        identity: RowIdentity | None = None,
        classes: Iterable[int] = (),
        kind: str = "",
        other: tuple[Int64, Int64] | None = None,
    ) -> "Truth":
        """Return the labels of one catalog.

        Args:
            answers: of n rows.
            identity: of the rows, if they name spectra.
            classes: the labels that such catalogs can give, beside those of these rows.
            kind: the catalog's name.
            other: `other_fiber` and `other_row`, where it lists further spectra.
        """
        keys, ids = identity or RowIdentity({}, {})
        nothing = np.empty(0, np.int64)
        other_fiber, other_row = other or (nothing, nothing)
        held = {*classes, *answers.label.tolist()} - {UNKNOWN}
        return cls(
            keys=keys,
            ids=ids,
            **vars(answers),
            classes=tuple(sorted(held)),
            other_fiber=other_fiber,
            other_row=other_row,
            kinds=(kind,),
        )

    def __len__(self) -> int:
        return len(self.label)

    @property
    def fiber(self) -> Int64:
        """Return (n,) `fiber_key` of plate, MJD and fiber."""
        return self.keys.get(FIBER, np.full(len(self), NONE))

    def rows_of(
        self, keys: Mapping[tuple[str, ...], Int64], ids: Mapping[str, Int64]
    ) -> tuple[Int64, NDArray[np.bool_]]:
        """Return the row of each of m spectra, and whether it was matched by the object alone.

        That of its own observation comes first, by the surest fields that both tell; only where
        there is none, a row of the same object. Of several rows the most confident counts, and of
        these the first.

        Args:
            keys: as of the rows, (m,) each.
            ids: likewise.

        Returns:
            rows, int64 (m,), -1 for none; and bool (m,).
        """
        count = len(next(iter((*keys.values(), *ids.values())), ()))
        rows = np.full(count, NONE)
        for fields in OBSERVATIONS:
            if fields in keys and fields in self._rows_by:
                rows = np.where(rows >= 0, rows, _find(*self._rows_by[fields], keys[fields]))
        has_row = rows >= 0
        for name in OBJECTS:
            if name in ids and (name,) in self._rows_by:
                rows = np.where(rows >= 0, rows, _find(*self._rows_by[name,], ids[name]))
        return rows, (rows >= 0) & ~has_row

    @cached_property
    def _rows_by(self) -> dict[tuple[str, ...], tuple[Int64, Int64]]:
        """Return sorted keys and their rows, by fields."""
        every = np.arange(len(self))
        rows_by = {
            fields: _sorted(key, every, self.z_conf)
            for fields, key in (*self.keys.items(), *(((n,), v) for n, v in self.ids.items()))
        }
        if len(self.other_fiber):
            key = np.concatenate([self.fiber, self.other_fiber])
            row = np.concatenate([every, self.other_row])
            rows_by[FIBER] = _sorted(key, row, self.z_conf)
        return rows_by


def read(
    *paths: Path, bal: BalRule = "class", every: str = "", names: Names | None = None
) -> Truth:
    """Read labels from catalogs; the table may be in any HDU, its columns in any case.

    Read are the catalogs of `catalog_layouts.CATALOGS`, which end with a table of one's own labels,
    and those of one class, as of quasars; QuasarNET's truth file is laid out as Superset_DR12Q. A
    CSV file with the columns VI_CLASS, VI_Z and VI_QUALITY holds the answers of a visual
    inspection: see `inspected`.

    Args:
        paths: one or more files, of which the order matters only between equal rows.
        bal: what counts as a BAL: see `data_prep.catalog_layouts`.
        every: class of all rows of catalogs that do not tell it; "" if that is not known.
        names: columns that the files call otherwise: see `catalog_files`.

    Raises:
        InputError: if a file cannot be read, holds none of these catalogs, or cannot tell BALs by
            the rule; or if `every` is given and all catalogs tell classes.
    """
    truths = [_read(path, bal, every, names) for path in paths]
    if every and not any(all_are(every).name in truth.kinds for truth in truths):
        raise InputError(
            f"--all-are {every} is for catalogs that do not tell classes, and"
            f" {', '.join(map(str, paths))} does; leave it out"
        )
    return _concatenate(truths)


def _read(path: Path, rule: BalRule, every: str, names: Names | None) -> Truth:
    if inspected.is_inspection(path):
        return _read_inspected(path, rule)
    with open_catalog(path, names) as hdus:
        refuse_spectra(hdus)
        catalog, table = which_catalog(hdus, every)
        check_rule(path, catalog, table.columns, rule)
        if checksum_flag(table):
            print(
                f"warning: {path} does not match its DATASUM; if nobody edited it, fetch it again",
                file=sys.stderr,
            )
        return _adapt(hdus, catalog, table, rule)


def _read_inspected(path: Path, rule: BalRule) -> Truth:
    if rule != "class":
        raise InputError(
            f"{path}, a visual inspection, has no BAL flag and BI_CIV, so --bal {rule} cannot be"
            " used with it; pass --bal class"
        )
    identity, answer = inspected.read(path)
    secure = answer.label != UNKNOWN
    if lost := int((inspected.nameless(identity, len(secure)) & secure).sum()):
        print(
            f"warning: {path}: {lost} of {int(secure.sum())} secure rows are not used, since they"
            " do not name their spectra by PLATE, MJD and FIBERID, TARGETID, or a FILE with one"
            " spectrum",
            file=sys.stderr,
        )
    return Truth.of_rows(answer, identity, range(len(CLASSES)), inspected.NAME)


def _adapt(hdus: Fits, catalog: Catalog, table: Hdu, rule: BalRule) -> Truth:
    if not names_rows(table.columns):
        raise InputError(
            f"{hdus.path} does not name spectra: it has neither FILE, nor PLATE, MJD and FIBERID,"
            " nor an id such as TARGETID or CATALOGID; if a column does, name it, as with"
            " --columns FILE=COLUMN"
        )
    naming = naming_columns(table.columns)
    names = catalog.needed | (catalog.used & table.columns) | set(naming.values())
    content, other_fiber, other_row = columns(table, names)
    if "OBJTYPE" in catalog.used and "OBJTYPE" not in content:
        content |= objtype(hdus, content["TARGETID"])
    if "CLASS" in content:
        check_names(hdus.path, content["CLASS"])
    answer = catalog.adapt(content, rule)
    count = len(answer.label)
    if count == 0:
        raise InputError(f"{hdus.path} holds no rows; give a catalog with the spectra in it")
    identity = row_identity(hdus, {f: content[name] for f, name in naming.items()}, count)
    return Truth.of_rows(answer, identity, catalog.classes, catalog.name, (other_fiber, other_row))


def _concatenate(truths: Sequence[Truth]) -> Truth:
    if len(truths) == 1:
        return truths[0]
    starts = np.cumsum([0, *map(len, truths)])

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(truth, name) for truth in truths])

    return Truth(
        keys=_joined([truth.keys for truth in truths], truths),
        ids=_joined([truth.ids for truth in truths], truths),
        **{name: joined(name) for name in ("label", "bal", "z", "z_conf")},
        classes=tuple(sorted({label for truth in truths for label in truth.classes})),
        other_fiber=joined("other_fiber"),
        other_row=np.concatenate(
            [start + t.other_row for start, t in zip(starts, truths, strict=False)]
        ),
        kinds=tuple(dict.fromkeys(kind for truth in truths for kind in truth.kinds)),
    )


def _joined(catalogs: Sequence[Mapping[Any, Int64]], truths: Sequence[Truth]) -> dict[Any, Int64]:
    """Concatenate columns of several catalogs, -1 where one lacks a column."""
    names = dict.fromkeys(name for columns in catalogs for name in columns)
    return {
        name: np.concatenate(
            [
                columns.get(name, np.full(len(truth), NONE))
                for columns, truth in zip(catalogs, truths, strict=True)
            ]
        )
        for name in names
    }


def _sorted(key: Int64, row: Int64, z_conf: NDArray[np.int8]) -> tuple[Int64, Int64]:
    order = np.lexsort((-z_conf[row], key))  # stable: of equal rows the first comes first
    return key[order], row[order]


def _find(key: Int64, row: Int64, wanted: Int64) -> Int64:
    if not len(key):
        return np.full(np.shape(wanted), NONE)
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where((key[at] == wanted) & (wanted != NONE), row[at], NONE)
