"""A catalog in the layout of DESI's redrock files: the HDUs REDSHIFTS and FIBERMAP.

Columns and dtypes are those of the DESI data model (desidatamodel, redrock-*.fits), so that tools
that read redrock files read these. Columns that a network cannot know are filled and documented, in
`REDSHIFTS` and in the TCOMM keywords of the file:

- CHI2, COEFF, NCOEFF and NPIXELS describe a template fit; they are NaN or 0.
- DELTACHI2 is 2 ln(P_3000 / P_3000_Z2), the log-likelihood ratio of the best and the second
  redshift, which is what a difference of chi2 means; P_3000_Z2 counts as 1e-30 at least, so that
  it is large where there is no second redshift, and it is 0 where P_3000 is masked.
- Z and ZERR of stars are 0: no radial velocity is measured.
- ZWARN is `ZWarn.NOT_ASSESSED` where the catalog has none.
- OBJTYPE and COADD_FIBERSTATUS are those of the DESI file. Where it does not have them, as for
  SDSS, they are TGT and 0. A fiber of another status and no OBJTYPE has none here either, as DESI
  writes it, and one that OBJTYPE alone calls BAD has the status `BADFIBER`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.catalog.targetid import TARGETID_MEANING, target_ids
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.zwarn import ZWarn

COEFFICIENTS = 10
"""Template coefficients per row of a redrock file."""

BADFIBER = 1 << 16
"""Bit of DESI's fiber status for a bad fiber (desispec, maskbits: fibermask)."""

LEAST = 1e-30
"""Lower limit of P_3000_Z2 in DELTACHI2."""

SPECTYPES = {name: name.partition("_")[0] for name in CLASSES}
"""CLASS -> SPECTYPE; a QSO_BAL is a QSO of the SUBTYPE BAL."""

Values = NDArray[Any]


def filled(table: Table, name: str, value: Any) -> Values:
    """Return a column of a catalog, (n,), with `value` where it is masked or absent."""
    if name not in table.colnames:
        return np.full(len(table), value)
    return np.ma.filled(np.ma.asarray(table[name]), value)


def texts(table: Table, name: str) -> list[str]:
    """Return a column of text of a catalog, "" where it is masked or absent."""
    values = filled(table, name, "").tolist()
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def spectype(table: Table) -> Values:
    return np.array([SPECTYPES.get(name, "") for name in texts(table, "CLASS")], "S6")


def subtype(table: Table) -> Values:
    return np.array([name.partition("_")[2] for name in texts(table, "CLASS")], "S20")


def zwarn(table: Table) -> Values:
    """Return the warning bits of a catalog, (n,)."""
    return filled(table, "ZWARN", int(ZWarn.NOT_ASSESSED))


def delta_chi2(table: Table) -> Values:
    """Return the substitute for the chi2 difference of the best two redshifts, float64 (n,)."""
    best, second = (np.asarray(filled(table, n, 0), np.float64) for n in ("P_3000", "P_3000_Z2"))
    return np.maximum(2 * np.log(np.maximum(best, LEAST) / np.maximum(second, LEAST)), 0)


def _objtype(table: Table) -> Values:
    status = np.asarray(filled(table, "FIBERSTATUS", 0))
    known = np.array(texts(table, "OBJTYPE"), "S3")
    return np.where((known == b"") & (status == 0), b"TGT", known)


def _fiberstatus(table: Table) -> Values:
    status = np.asarray(filled(table, "FIBERSTATUS", 0))
    return np.where((_objtype(table) == b"BAD") & (status == 0), BADFIBER, status)


def no_coefficients(table: Table) -> Values:
    return np.zeros((len(table), COEFFICIENTS))


REDSHIFTS: dict[str, tuple[str, Callable[[Table], Values], str]] = {
    "TARGETID": ("i8", target_ids, TARGETID_MEANING),
    "CHI2": ("f8", lambda table: np.full(len(table), np.nan), "NaN: no template is fitted"),
    "COEFF": ("f8", no_coefficients, "0: no template is fitted"),
    "Z": (
        "f8",
        lambda table: filled(table, "Z", 0),
        "redshift; 0 for stars and without one",
    ),
    "ZERR": ("f8", lambda table: filled(table, "Z_ERR", 0), "its error; 0 likewise"),
    "ZWARN": ("i8", zwarn, "warning bits; 0: trust it"),
    "NPIXELS": ("i8", lambda table: np.zeros(len(table)), "0: not counted"),
    "SPECTYPE": ("S6", spectype, "STAR, GALAXY, QSO; empty where no model gives a class"),
    "SUBTYPE": ("S20", subtype, "BAL for quasars with broad absorption, else empty"),
    "NCOEFF": ("i8", lambda table: np.zeros(len(table)), "0: no template is fitted"),
    "DELTACHI2": (
        "f8",
        delta_chi2,
        "2 ln(P_3000 / P_3000_Z2); 0 without P_3000",
    ),
}
"""Column of REDSHIFTS -> dtype, conversion from a catalog, description."""

FIBERMAP: dict[str, tuple[str, Callable[[Table], Values], str]] = {
    "TARGETID": ("i8", target_ids, "as in REDSHIFTS"),
    "TARGET_RA": (
        "f8",
        lambda table: filled(table, "RA", np.nan),
        "right ascension; NaN if unknown",
    ),
    "TARGET_DEC": ("f8", lambda table: filled(table, "DEC", np.nan), "NaN where unknown"),
    "OBJTYPE": (
        "S3",
        _objtype,
        "of DESI's file; TGT where unknown",
    ),
    "COADD_FIBERSTATUS": ("i4", _fiberstatus, "of DESI's file; 0 where unknown"),
}
"""Column of FIBERMAP -> dtype, conversion from a catalog, description."""

UNITS = {"TARGET_RA": "deg", "TARGET_DEC": "deg"}


def hdus(table: Table) -> dict[str, Table]:
    """Return HDU name -> its table, one row per row of the catalog, in order."""
    return {"REDSHIFTS": make(table, REDSHIFTS), "FIBERMAP": make(table, FIBERMAP)}


def make(table: Table, columns: dict[str, tuple[str, Callable[[Table], Values], str]]) -> Table:
    """Return a table with these columns of a catalog."""
    made = Table()
    for name, (dtype, values, description) in columns.items():
        made[name] = np.asarray(values(table)).astype(dtype)
        made[name].description = description
        made[name].unit = UNITS.get(name)
    return made
