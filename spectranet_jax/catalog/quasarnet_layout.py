"""A catalog in the layout of DESI's qso_qn files: the HDU QN_RR.

DESI runs QuasarNET after redrock and keeps, per target, a confidence C_LINE and a redshift Z_LINE
of six lines (desispec, scripts/qso_catalog; the columns of pull request 2407). A QuasarNET catalog
has these. LineNet has one redshift and evidence per line, so that there

    C_LINE = P(quasar) exp(EV_LINE - max EV)     Z_LINE = Z_NET

with the maximum over the six lines: the line with most evidence carries the probability of a
quasar, so a threshold on the greatest C_LINE is one on that probability. Columns that only a second
run of redrock could fill (IS_QSO_QN_NEW_RR, Z_RR, SPECTYPE_RR) say that there was none.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.catalog.redrock_layout import filled, make
from spectranet_jax.catalog.targetid import target_ids
from spectranet_jax.spectra.errors import InputError

LINES = {
    "LYA": "EV_Lya",
    "CIV": "EV_CIV",
    "CIII": "EV_CIII",
    "MgII": "EV_MgII",
    "Hbeta": "EV_Hbeta",
    "Halpha": "EV_Halpha",
}
"""DESI's name of a line -> LineNet's column of its evidence."""

Column = NDArray[Any]


def hdus(table: Table) -> dict[str, Table]:
    """HDU name -> its table, one row per row of the catalog, in order.

    Raises:
        InputError: if the catalog tells nothing of lines.
    """
    confidence, z_of_line = _lines(table)
    columns: dict[str, tuple[str, Callable[[Table], Column], str]] = {
        "TARGETID": ("i8", target_ids, "DESI target; made of PLATE, MJD and FIBERID for SDSS"),
        "RA": ("f8", lambda t: filled(t, "RA", np.nan), "right ascension in degrees"),
        "DEC": ("f8", lambda t: filled(t, "DEC", np.nan), "declination in degrees"),
        "IS_QSO_QN_NEW_RR": ("?", lambda t: np.zeros(len(t)), "False: redrock was not run again"),
        "Z_RR": ("f8", lambda t: np.full(len(t), np.nan), "NaN: redrock was not run"),
        "Z_QN": ("f8", _network_redshift, "the network's redshift; NaN without data"),
    }
    for name in LINES:
        columns[f"C_{name}"] = ("f8", _constant(confidence[name]), f"confidence of {name}")
        columns[f"Z_{name}"] = ("f8", _constant(z_of_line[name]), f"redshift by {name}")
    return {"QN_RR": make(table, columns)}


def _constant(values: Column) -> Callable[[Table], Column]:
    return lambda _: values


def _network_redshift(table: Table) -> Column:
    name = "Z_NET" if "Z_NET" in table.colnames else "Z"
    return np.asarray(filled(table, name, np.nan), np.float64)


def _lines(table: Table) -> tuple[dict[str, Column], dict[str, Column]]:
    """Confidence and redshift of each line, (n,) each, 0 and NaN where there is no prediction."""
    names = set(table.colnames)
    if {f"C_{name}" for name in LINES} <= names:
        return (
            {name: filled(table, f"C_{name}", 0.0) for name in LINES},
            {name: filled(table, f"Z_{name}", np.nan) for name in LINES},
        )
    if not set(LINES.values()) <= names:
        raise InputError(
            "the catalog has no column per line (EV_Lya or C_LYA and others) to fill QN_RR with;"
            " predict with --model linenet, or with a QuasarNET"
        )
    evidence = np.stack([filled(table, column, -np.inf) for column in LINES.values()])
    greatest = np.where(np.isfinite(evidence).any(axis=0), evidence.max(axis=0), 0.0)
    quasar = filled(table, "P_QSO", 0.0) + filled(table, "P_QSO_BAL", 0.0)
    confidence = dict(zip(LINES, quasar * np.exp(evidence - greatest), strict=True))
    return confidence, dict.fromkeys(LINES, _network_redshift(table))
