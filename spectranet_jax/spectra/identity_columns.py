"""Columns of catalogs for a spectrum's position, fiber and survey identifiers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.column import Column
from spectranet_jax.spectra.identity import Identity

IDENTITY_COLUMNS: Mapping[str, Column] = {
    "SURVEY": Column("U16", "survey, as named in the file; boss includes eBOSS"),
    "RA": Column("f8", "right ascension of the object (ICRS)", "deg"),
    "DEC": Column("f8", "declination of the object (ICRS)", "deg"),
    "PLATE": Column("i4", "SDSS plate"),
    "MJD": Column("i4", "Modified Julian Date of the observation", "d"),
    "FIBERID": Column("i4", "SDSS fiber"),
    "FIELD": Column("i4", "SDSS-V field"),
    "CATALOGID": Column("i8", "SDSS-V identifier of the target"),
    "SDSS_ID": Column("i8", "SDSS-V identifier of the object"),
    "TARGETID": Column("i8", "DESI identifier of the target"),
    "THING_ID": Column("i8", "SDSS identifier of the object"),
    "OBJTYPE": Column("U8", "DESI: TGT for a target, SKY, or BAD for a defective fiber"),
    "FIBERSTATUS": Column("i4", "DESI: problems of the fiber as bits (COADD_FIBERSTATUS)"),
}
"""The columns, in the order of a catalog."""

NO_NUMBER = np.iinfo(np.int64).min
"""Marks an unknown whole number, since DESI's identifiers may be negative."""


def identity_columns(identities: Sequence[Identity]) -> dict[str, NDArray[Any]]:
    """Return `IDENTITY_COLUMNS` of n spectra, (n,) each: int64, float64, or text.

    What is unknown is `NO_NUMBER`, NaN, or "": see `unknown`.
    """
    return {
        name: _column(column.dtype, [_value(name, identity) for identity in identities])
        for name, column in IDENTITY_COLUMNS.items()
    }


def _value(name: str, identity: Identity) -> Any:
    if name == "FIELD" and "CATALOGID" not in identity:
        return None  # in BOSS catalogs this is a field of the imaging
    return identity.get(name)


def _column(dtype: str, values: list[Any]) -> NDArray[Any]:
    if dtype.startswith("U"):
        return np.array(["" if value is None else value for value in values], dtype)
    if dtype.startswith("f"):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array([NO_NUMBER if value is None else value for value in values], np.int64)


def unknown(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values of a column are unknown, bool (n,)."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return values == ("" if values.dtype.kind == "U" else NO_NUMBER)
