"""A catalog in the layout of DESI's qso_qn files: the HDU QN_RR.

DESI runs QuasarNET after redrock and keeps, per target, a confidence C_LINE and a redshift Z_LINE
of six lines (desispec, scripts/qso_catalog; the columns of pull request 2407). A QuasarNET catalog
has these. LineNet has one redshift and evidence per line, so for it

    C_LINE = P(quasar) exp(EV_LINE - max EV)     Z_LINE = Z_NET

with the maximum over those of the six lines that are on the grid at Z_NET; a line off the grid has
C_LINE 0. A star has no evidence: there every line on the grid has P(quasar). So a threshold on the
greatest C_LINE is one on that probability.

In DESI's files the columns that end in NEW are those of a second run of redrock. Here they hold the
network's own answer, and IS_QSO_QN_NEW_RR, SPECTYPE_RR and Z_RR say that redrock was not run.
"""

import re
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.catalog.redrock_layout import (
    delta_chi2,
    filled,
    make,
    no_coefficients,
    spectype,
    subtype,
    zwarn,
)
from spectranet_jax.catalog.targetid import TARGETID_MEANING, target_ids
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, evidence_column

LINES = {
    "LYA": "Lya",
    "CIV": "CIV",
    "CIII": "CIII]",
    "MgII": "MgII",
    "Hbeta": "Hbeta",
    "Halpha": "Halpha",
}
"""DESI's name of a line -> its name in `spectra.lines`."""

EVIDENCE = [evidence_column(line) for line in LINES.values()]
"""The catalog's columns of their evidence."""

Values = NDArray[Any]
Making = tuple[str, Callable[[Table], Values], str]


def check(names: Collection[str]) -> None:
    """Raise InputError if a catalog of these columns has no evidence of lines."""
    quasarnet_columns = {f"{kind}_{name}" for kind in "CZ" for name in LINES}
    if not quasarnet_columns <= set(names) and not set(EVIDENCE) <= set(names):
        raise InputError(
            "--format qn needs a column per line (EV_Lya or C_LYA and others) to fill QN_RR with;"
            " predict with --model linenet, or with a QuasarNET"
        )


def hdus(table: Table) -> dict[str, Table]:
    """Return HDU name -> its table, one row per row of the catalog, in order.

    Raises:
        InputError: if the catalog tells nothing of lines.
    """
    check(table.colnames)
    confidence, z_of_line = _lines(table)
    of_lines: dict[str, Making] = {}
    for name in LINES:
        of_lines[f"C_{name}"] = ("f8", _constant(confidence[name]), f"confidence of {name}")
        of_lines[f"Z_{name}"] = ("f8", _constant(z_of_line[name]), f"redshift by {name}")
    return {"QN_RR": make(table, BEFORE_LINES | of_lines | AFTER_LINES)}


def _constant(values: Values) -> Callable[[Table], Values]:
    return lambda _: values


def _network_redshift(table: Table) -> Values:
    name = "Z_NET" if "Z_NET" in table.colnames else "Z"
    return np.asarray(filled(table, name, np.nan), np.float64)


BEFORE_LINES: dict[str, Making] = {
    "TARGETID": ("i8", target_ids, TARGETID_MEANING),
    "RA": ("f8", lambda t: filled(t, "RA", np.nan), "right ascension in degrees"),
    "DEC": ("f8", lambda t: filled(t, "DEC", np.nan), "declination in degrees"),
    "DESI_TARGET": ("i8", lambda t: np.zeros(len(t)), "0: bits of the targeting are not known"),
    "IS_QSO_QN_NEW_RR": ("?", lambda t: np.zeros(len(t)), "False: redrock was not run again"),
    "SPECTYPE_RR": ("S6", lambda t: np.full(len(t), b""), "empty: redrock was not run"),
    "Z_RR": ("f8", lambda t: np.full(len(t), np.nan), "NaN: redrock was not run"),
    "Z_QN": ("f8", _network_redshift, "the network's redshift; NaN without data"),
}
"""Column of QN_RR -> dtype, conversion from a catalog, description."""

AFTER_LINES: dict[str, Making] = {
    "Z_NEW": ("f8", _network_redshift, "as Z_QN"),
    "ZERR_NEW": ("f8", lambda t: filled(t, "Z_ERR", np.nan), "its error; NaN where unknown"),
    "ZWARN_NEW": ("i8", zwarn, "warning bits of the catalog; 0: trust it"),
    "SPECTYPE_NEW": ("S6", spectype, "STAR, GALAXY, QSO; empty where no model gives a class"),
    "SUBTYPE_NEW": ("S20", subtype, "BAL for quasars with broad absorption, else empty"),
    "CHI2_NEW": ("f8", lambda t: np.full(len(t), np.nan), "NaN: no template is fitted"),
    "DELTACHI2_NEW": ("f8", delta_chi2, "2 ln(P_3000 / P_3000_Z2); 0 without P_3000"),
    "COEFF_NEW": ("f8", no_coefficients, "0: no template is fitted"),
}
"""The same for the columns that follow those of the lines."""


def _lines(table: Table) -> tuple[dict[str, Values], dict[str, Values]]:
    """Return confidence and redshift of each line, (n,) each, 0 and NaN without a prediction."""
    if {f"C_{name}" for name in LINES} <= set(table.colnames):
        return (
            {name: filled(table, f"C_{name}", 0.0) for name in LINES},
            {name: filled(table, f"Z_{name}", np.nan) for name in LINES},
        )
    z = _network_redshift(table)
    weights = _weights(table, _on_grid(z, _grid(table)))
    quasar = filled(table, "P_QSO", 0.0) + filled(table, "P_QSO_BAL", 0.0)
    return dict(zip(LINES, quasar * weights, strict=True)), dict.fromkeys(LINES, z)


def _weights(table: Table, on_grid: Values) -> Values:
    """Return exp(EV_LINE - max EV) of each line, (6, n); 1 without any evidence, 0 off the grid."""
    evidence = np.stack([filled(table, column, -np.inf) for column in EVIDENCE])
    known = np.isfinite(evidence) & on_grid
    evidence = np.where(known, np.asarray(evidence, np.float64), -np.inf)
    greatest = np.where(known.any(axis=0), evidence.max(axis=0), 0.0)
    return np.where(known.any(axis=0), np.exp(evidence - greatest), on_grid)


def _on_grid(z: Values, grid: LogGrid) -> Values:
    """Return whether each line is on the grid at these redshifts, bool (6, n)."""
    rest = np.array([REST[line] for line in LINES.values()])
    observed = rest[:, None] * (1 + z)
    return (observed >= grid.edges[0]) & (observed < grid.edges[-1])


def _grid(table: Table) -> LogGrid:
    """Return the grid in a catalog's header (GRID).

    Raises:
        InputError: if it has none.
    """
    parsed = re.match(r"log10 (\S+) \+ (\S+) x (\d+)", str(table.meta.get("GRID", "")))
    if parsed is None:
        raise InputError(
            "the catalog's header names no GRID, which --format qn requires; predict it anew"
        )
    return LogGrid(float(parsed[1]), float(parsed[2]), int(parsed[3]))
