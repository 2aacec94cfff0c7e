"""Answers of a visual inspection, as spectranet inspect exports them, as labels.

Qualities 3 and 4 are secure: class and redshift count. Of others neither does.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.catalog_layouts import Answer, answer
from data_prep.row_identity import RowIdentity, names_rows
from spectranet_jax.readers import vi_file
from spectranet_jax.spectra import InputError, labels
from spectranet_jax.spectra.identity import NAMING, TEXTS, file_fields, object_ids, observation_keys
from spectranet_jax.spectra.labels import CLASSES, QSO, QSO_BAL, UNKNOWN
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT
from spectranet_jax.spectra.whole_numbers import whole_numbers

SUFFIX = ".csv"

NAME = "visual inspection"

DIFFERS = "DIFFERS"
"""Column of a file of disagreements, as spectranet merge-vi writes it."""

STAR_MOST = 0.01
"""Greatest |z| of a star: 3000 km/s, faster than any."""

APART = 1000.0
"""Greatest difference between redshifts of one spectrum that agree, km/s."""


def is_inspection(path: Path) -> bool:
    """Return whether a file is CSV with a column of an inspection's answers."""
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return False
    with path.open("rb") as file:
        heading = file.readline(1 << 16).decode("utf-8-sig", "replace")
    names = {name.strip(' "\t\r\n').upper() for name in heading.split(",")}
    return not names.isdisjoint(vi_file.VI_COLUMNS)


def read(path: Path) -> tuple[RowIdentity, Answer]:
    """Read the identities of the rows of a file, and the answers about them.

    Raises:
        InputError: if it cannot be read, has no rows, does not name spectra, or holds answers that
            do not agree or cannot be.
    """
    rows = vi_file.read(path)
    if not rows:
        raise InputError(f"{path} holds no rows; export answers with spectranet inspect")
    if DIFFERS in rows[0]:
        raise InputError(
            f"{path} has a column {DIFFERS}, and so answers that disagree; give the other"
            " file of spectranet merge-vi"
        )
    fields = {
        name: np.array([row.get(name, "").strip() for row in rows], np.str_)
        for name in sorted(NAMING)
        if any(row.get(name) for row in rows)
    }
    if not names_rows(fields.keys()) and not any(row.get("FILE") for row in rows):
        raise InputError(
            f"{path} does not name its spectra by PLATE, MJD and FIBERID, or TARGETID, or FILE;"
            " export it anew from a catalog that does"
        )
    _check_numbers(path, fields)
    identity = RowIdentity(observation_keys(fields), object_ids(fields))
    identity.keys.update(_file_keys(rows, nameless(identity, len(rows))))
    quality = np.array([vi_file.quality(row) or 0 for row in rows])
    secure = quality >= vi_file.SECURE
    _check_secure(path, rows, secure, identity)
    written = [row["VI_CLASS"] for row in rows]
    label = np.array([CLASSES.index(name) if name else UNKNOWN for name in written], np.int8)
    label[~secure] = UNKNOWN
    bal = np.full(len(rows), labels.BAL_UNSURE, np.int8)
    bal[label == QSO], bal[label == QSO_BAL] = labels.NOT_BAL, labels.BAL
    z = np.array([np.nan if (z := vi_file.redshift(row)) is None else z for row in rows])
    return identity, answer(label, bal, z, np.where(secure, labels.CONFIDENT, quality))


def nameless(identity: RowIdentity, count: int) -> NDArray[np.bool_]:
    """Return the rows that nothing identifies, bool (count,)."""
    keys = (*identity.keys.values(), *identity.ids.values())
    return np.logical_and.reduce([key < 0 for key in keys], initial=True) & np.ones(count, np.bool_)


def _file_keys(
    rows: Sequence[vi_file.Row], chosen: NDArray[np.bool_]
) -> dict[tuple[str, ...], NDArray[np.int64]]:
    """Return keys by FILE of the chosen rows; -1 where other rows are of other spectra of the file.

    The name without its folder counts where no other file of the rows has it.
    """
    files = [row.get("FILE", "").strip() for row in rows]
    fields = [file_fields(file) for file in files]
    spectra_of: dict[str, set[tuple[str, str]]] = defaultdict(set)
    files_of: dict[str, set[str]] = defaultdict(set)
    for row, file, names in zip(rows, files, fields, strict=True):
        spectra_of[file].add((row.get("ID", ""), row.get("OCCURRENCE") or "1"))
        files_of[names["FILE_NAME"]].add(file)
    alone = chosen & [len(spectra_of[file]) == 1 for file in files]
    unique = alone & [len(files_of[names["FILE_NAME"]]) == 1 for names in fields]
    columns = {
        name: np.where(known, [names[name] for names in fields], "")
        for name, known in (("FILE_PATH", alone), ("FILE_NAME", unique))
    }
    return observation_keys(columns)


def _check_numbers(path: Path, fields: Mapping[str, NDArray[np.str_]]) -> None:
    """Raise an error for an identifier that is not whole, as a spreadsheet's 3.96336E+16."""
    for name in fields.keys() - TEXTS:
        if (wrong := whole_numbers(fields[name])[1]).any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"{path} has {fields[name][row]!r:.40} in column {name}, {_named(row)}, which is"
                " not a whole number; a spreadsheet rounds long ones: import such columns as text"
            )


def _check_secure(
    path: Path, rows: Sequence[vi_file.Row], secure: NDArray[np.bool_], identity: RowIdentity
) -> None:
    """Raise an error for secure answers that are impossible or contradict each other."""
    for row in np.flatnonzero(secure).tolist():
        kind, z = rows[row]["VI_CLASS"], vi_file.redshift(rows[row])
        fast = kind == "STAR" and z is not None and abs(z) > STAR_MOST
        if fast or (kind in ("QSO", "QSO_BAL") and not (z is not None and z > 0)):
            raise InputError(
                f"{path} has a secure {kind} at VI_Z {rows[row]['VI_Z']!r} in {_named(row)};"
                " correct VI_CLASS or VI_Z, or lower VI_QUALITY"
            )
    for keys in identity.keys.values():
        first: dict[int, int] = {}
        for row in np.flatnonzero(secure & (keys >= 0)).tolist():
            earlier_row = first.setdefault(int(keys[row]), row)
            if _contradict(rows[earlier_row], rows[row]):
                raise InputError(
                    f"{path} has secure answers about one spectrum that differ,"
                    f" {_named(earlier_row)} and"
                    f" {_named(row)}; keep one of these rows"
                )


def _contradict(first: vi_file.Row, second: vi_file.Row) -> bool:
    z = [
        value for value in (vi_file.redshift(first), vi_file.redshift(second)) if value is not None
    ]
    far = len(z) == 2 and SPEED_OF_LIGHT * (max(z) - min(z)) > APART * (1 + min(z))
    return first["VI_CLASS"] != second["VI_CLASS"] or far


def _named(row: int) -> str:
    return f"row {row + 2}"  # numbered as in a spreadsheet, below the heading
