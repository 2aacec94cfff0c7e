"""The columns of every catalog, and those of their values that no model gives. Without JAX."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.column import Column, Columns
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity_columns import IDENTITY_COLUMNS, unknown
from spectranet_jax.spectra.zwarn import ZWarn

COLUMNS: dict[str, Column] = {
    "FILE": Column("U1", "input file, as it was named to the command"),
    "ID": Column("U1", "name of the spectrum, such as plate-mjd-fiber or TARGETID"),
    **IDENTITY_COLUMNS,
    "CLASS": Column("U7", "most probable class (LineNet: a quasar is QSO_BAL if P_BAL is high)"),
    "P_STAR": Column("f4", "probability of STAR"),
    "P_GALAXY": Column("f4", "probability of GALAXY"),
    "P_QSO": Column("f4", "probability of QSO without broad absorption"),
    "P_QSO_BAL": Column("f4", "probability of QSO_BAL"),
    "Z": Column("f8", "redshift, refined at native pixels where possible; masked for stars"),
    "Z_ERR": Column("f4", "standard error of Z"),
    "P_3000": Column("f4", "probability that Z is right within 3000 km/s, if it is not a star"),
    "ZWARN": Column(
        "i4", "0: trust the row; else " + ", ".join(f"{w.value} {w.name}" for w in ZWarn)
    ),
    "Z_NET": Column(
        "f8", "the network's redshift if it is not a star; for every spectrum with data"
    ),
    "Z_NET_ERR": Column("f4", "standard deviation of the network's p(z) near Z_NET"),
    "Z_CHI2": Column("f4", "chi2 per degree of freedom of the fit that refined Z"),
    "P_BAL": Column("f4", "probability of broad absorption, given a quasar"),
    "SN": Column("f4", "median S/N per 690 km/s bin"),
    "FLAGS": Column("i4", "quality bits: " + ", ".join(f"{f.value} {f.name}" for f in Flag)),
    "ERROR": Column("U1", "why the file could not be read"),
}
"""Column name -> what it holds, in the catalog's order; absent values are masked."""

TEXTS = ("FILE", "ID", "ERROR")
"""Columns as wide as their longest entry."""

WITHOUT_PREDICTION = Flag.UNREADABLE | Flag.NO_DATA

MASKED_OTHERWISE = {
    **dict.fromkeys(("FILE", "FLAGS", "ERROR", "ZWARN"), Flag(0)),
    **dict.fromkeys(("ID", "SN", *IDENTITY_COLUMNS), Flag.UNREADABLE),
}
"""Columns that have other reasons to be masked than `WITHOUT_PREDICTION`."""


LONGEST_ERROR = 80
"""Maximum length of ERROR, which is as wide in every row of a FITS file."""


def _short(error: str, path: str) -> str:
    """Shorten a sentence, without the file's name, which has a column of its own."""
    text = error.removeprefix(f"{path} ").encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"


def known_columns(
    file: Sequence[str] | None = None,
    name: Sequence[str] | None = None,
    error: Sequence[str] | None = None,
    identity: Columns | None = None,
) -> dict[str, NDArray[Any]]:
    """Return columns of a catalog that are known before any prediction.

    Args:
        file: (n,) names of files.
        name: (n,) what the survey calls each spectrum.
        error: (n,) why the file cannot be read, "" if it can.
        identity: columns of `spectra.identity_columns`, (n,) each.
    """
    columns: dict[str, NDArray[Any]] = {
        key: np.ma.masked_array(values, unknown(values))
        for key, values in (identity or {}).items()
        if key in IDENTITY_COLUMNS
    }
    for key, texts in zip(TEXTS, (file, name, error), strict=True):
        if texts is not None:
            # A file name may not be valid text; invalid bytes are escaped.
            plain = [text.encode("utf-8", "backslashreplace").decode() for text in texts]
            columns[key] = np.asarray(plain, np.str_)
    if error is not None:
        shown = zip(error, file or [""] * len(error), strict=True)
        columns["ERROR"] = np.array([_short(text, path) for text, path in shown], np.str_)
        columns["ERROR"] = np.ma.masked_array(columns["ERROR"], columns["ERROR"] == "")
    return columns
