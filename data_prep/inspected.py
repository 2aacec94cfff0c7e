"""Answers of a visual inspection, as spectranet inspect exports them, in this project's terms.

Qualities 3 and 4 are secure: class and redshift count. Of others neither does.
"""

from pathlib import Path

import numpy as np

from data_prep.catalog_layouts import Answer, answer
from data_prep.row_identity import RowIdentity, names_rows
from spectranet_jax.readers import vi_file
from spectranet_jax.spectra import InputError, labels
from spectranet_jax.spectra.identity import NAMING, object_ids, observation_keys
from spectranet_jax.spectra.labels import CLASSES, QSO, QSO_BAL, UNKNOWN

SUFFIX = ".csv"

NAME = "visual inspection"


def is_inspection(path: Path) -> bool:
    """Whether a file is CSV with a column of an inspection's answers."""
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return False
    with path.open("rb") as file:
        heading = file.readline(1 << 16).decode("utf-8-sig", "replace")
    names = {name.strip(' "\t\r\n').upper() for name in heading.split(",")}
    return not names.isdisjoint(vi_file.VI_COLUMNS)


def read(path: Path) -> tuple[RowIdentity, Answer]:
    """What spectra the rows of a file are of, and the answers about them.

    Raises:
        InputError: if it cannot be read, has no rows, or does not name spectra.
    """
    rows = vi_file.read(path)
    if not rows:
        raise InputError(f"{path} holds no rows; export answers with spectranet inspect")
    fields = {
        name: np.array([row.get(name, "").strip() for row in rows], np.str_)
        for name in sorted(NAMING)
        if any(row.get(name) for row in rows)
    }
    if not names_rows(fields.keys()):
        raise InputError(
            f"{path} does not name its spectra by PLATE, MJD and FIBERID, or TARGETID; export it"
            " anew from a catalog that does"
        )
    identity = RowIdentity(observation_keys(fields), object_ids(fields))
    quality = np.array([vi_file.quality(row) or 0 for row in rows])
    secure = quality >= vi_file.SECURE
    given = [row["VI_CLASS"] for row in rows]
    label = np.array([CLASSES.index(name) if name else UNKNOWN for name in given], np.int8)
    label[~secure] = UNKNOWN
    bal = np.full(len(rows), labels.BAL_UNSURE, np.int8)
    bal[label == QSO], bal[label == QSO_BAL] = labels.NOT_BAL, labels.BAL
    z = np.array([np.nan if (z := vi_file.redshift(row)) is None else z for row in rows])
    return identity, answer(label, bal, z, np.where(secure, labels.CONFIDENT, quality))
