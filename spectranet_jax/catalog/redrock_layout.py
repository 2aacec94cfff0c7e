"""A catalog in the layout of DESI's redrock files: the HDUs REDSHIFTS and FIBERMAP.

Columns and dtypes are those of the DESI data model (desidatamodel, redrock-*.fits), so that tools
that read redrock files read these. What a network cannot know is filled and documented, in
`REDSHIFTS` and in the TCOMM keywords of the file:

- CHI2, COEFF, NCOEFF and NPIXELS describe a template fit; they are NaN or 0.
- DELTACHI2 is 2 ln(P_3000 / P_3000_Z2), the log-likelihood ratio of the best and the second
  redshift, which is what a difference of chi2 means; 0 where there is no second redshift.
- Z and ZERR of stars are 0: no radial velocity is measured.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.catalog.targetid import target_ids
from spectranet_jax.spectra.labels import CLASSES

COEFFICIENTS = 10
"""Template coefficients per row of a redrock file."""

SPECTYPES = {name: name.partition("_")[0] for name in CLASSES}
"""CLASS -> SPECTYPE; a QSO_BAL is a QSO of the SUBTYPE BAL."""

Column = NDArray[Any]


def filled(table: Table, name: str, value: Any) -> Column:
    """A column of a catalog, (n,), with `value` where it is masked or absent."""
    if name not in table.colnames:
        return np.full(len(table), value)
    return np.ma.filled(np.ma.asarray(table[name]), value)


def _spectype(table: Table) -> Column:
    return np.array([SPECTYPES.get(name, "") for name in _classes(table)], "S6")


def _subtype(table: Table) -> Column:
    return np.array([name.partition("_")[2] for name in _classes(table)], "S20")


def _classes(table: Table) -> list[str]:
    names = filled(table, "CLASS", "").tolist()
    return [name.decode() if isinstance(name, bytes) else name for name in names]


def _delta_chi2(table: Table) -> Column:
    best, second = (filled(table, name, np.nan) for name in ("P_3000", "P_3000_Z2"))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 2 * np.log(np.asarray(best, np.float64) / second)
    return np.where(np.isfinite(ratio), np.maximum(ratio, 0), 0)


def _no_coefficients(table: Table) -> Column:
    return np.zeros((len(table), COEFFICIENTS))


REDSHIFTS: dict[str, tuple[str, Callable[[Table], Column], str]] = {
    "TARGETID": ("i8", target_ids, "DESI target; made of PLATE, MJD and FIBERID for SDSS"),
    "CHI2": ("f8", lambda table: np.full(len(table), np.nan), "NaN: no template is fitted"),
    "COEFF": ("f8", _no_coefficients, "0: no template is fitted"),
    "Z": (
        "f8",
        lambda table: filled(table, "Z", 0),
        "redshift; 0 for stars and without one",
    ),
    "ZERR": ("f8", lambda table: filled(table, "Z_ERR", 0), "its error; 0 likewise"),
    "ZWARN": ("i8", lambda table: filled(table, "ZWARN", 0), "warning bits; 0: trust it"),
    "NPIXELS": ("i8", lambda table: np.zeros(len(table)), "0: not counted"),
    "SPECTYPE": ("S6", _spectype, "STAR, GALAXY, QSO; empty where there is no prediction"),
    "SUBTYPE": ("S20", _subtype, "BAL for quasars with broad absorption, else empty"),
    "NCOEFF": ("i8", lambda table: np.zeros(len(table)), "0: no template is fitted"),
    "DELTACHI2": (
        "f8",
        _delta_chi2,
        "2 ln(P_3000 / P_3000_Z2); 0 without Z2",
    ),
}
"""Column of REDSHIFTS -> dtype, how it follows from a catalog, description."""

FIBERMAP: dict[str, tuple[str, Callable[[Table], Column], str]] = {
    "TARGETID": ("i8", target_ids, "as in REDSHIFTS"),
    "TARGET_RA": (
        "f8",
        lambda table: filled(table, "RA", np.nan),
        "right ascension; NaN if unknown",
    ),
    "TARGET_DEC": ("f8", lambda table: filled(table, "DEC", np.nan), "NaN where unknown"),
    "OBJTYPE": (
        "S3",
        lambda table: np.full(len(table), b"TGT"),
        "TGT: taken as a target",
    ),
    "COADD_FIBERSTATUS": ("i4", lambda table: np.zeros(len(table)), "0: not known here"),
}
"""Column of FIBERMAP -> dtype, how it follows from a catalog, description."""

UNITS = {"TARGET_RA": "deg", "TARGET_DEC": "deg"}


def hdus(table: Table) -> dict[str, Table]:
    """HDU name -> its table, one row per row of the catalog, in order."""
    return {"REDSHIFTS": make(table, REDSHIFTS), "FIBERMAP": make(table, FIBERMAP)}


def make(table: Table, columns: dict[str, tuple[str, Callable[[Table], Column], str]]) -> Table:
    """A table with these columns of a catalog."""
    made = Table()
    for name, (dtype, values, description) in columns.items():
        made[name] = np.asarray(values(table)).astype(dtype)
        made[name].description = description
        made[name].unit = UNITS.get(name)
    return made
