"""TARGETID of every row of a catalog: DESI's, or one made from SDSS's identifiers."""

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.spectra.identity import FIBER

FACTORS = (1_000_000_000, 10_000, 1)
"""Factors of PLATE, MJD and FIBERID: 7102, 56666 and 82 make 7102566660082."""


TARGETID_MEANING = "DESI target; SDSS: of PLATE, MJD, FIBERID, or CATALOGID; else below 0"
"""Description of the column of `target_ids`."""


def target_ids(table: Table) -> NDArray[np.int64]:
    """Return one id per row, int64 (n,).

    TARGETID where the catalog has it; else PLATE, MJD and FIBERID in the digits of one number, as
    in 7102566660082; else SDSS-V's CATALOGID; else the negative of the row's number, counted from
    1: DESI reserves negative TARGETIDs for what is no target.
    """
    ids = -1 - np.arange(len(table), dtype=np.int64)
    ids = _where_known(table, "CATALOGID", ids)
    if set(FIBER) <= set(table.colnames):
        fields = [np.ma.filled(np.ma.asarray(table[name]), 0).astype(np.int64) for name in FIBER]
        known = np.all([field > 0 for field in fields], axis=0)
        made = sum(factor * field for factor, field in zip(FACTORS, fields, strict=True))
        ids = np.where(known, made, ids)
    return _where_known(table, "TARGETID", ids)


def _where_known(table: Table, name: str, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a column of a catalog, (n,), and `ids` where it is masked or absent."""
    if name not in table.colnames:
        return ids
    column = np.ma.asarray(table[name])
    return np.where(np.ma.getmaskarray(column), ids, np.ma.getdata(column))
