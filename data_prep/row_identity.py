"""Identity of a catalog's rows: observation and object."""

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.desi_identity import NAMES, of_header
from spectranet_jax.readers.fits import Fits
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.identity import (
    FIBER,
    FILE_TEXTS,
    NONE,
    OBJECTS,
    OBSERVATIONS,
    file_fields,
    object_ids,
    observation_keys,
)


class RowIdentity(NamedTuple):
    """Identity of n rows.

    Attributes:
        keys: fields of `identity.OBSERVATIONS` -> (n,) int64, as `observation_keys` has them.
        ids: field of `identity.OBJECTS` -> (n,) int64, -1 for none.
    """

    keys: dict[tuple[str, ...], NDArray[np.int64]]
    ids: dict[str, NDArray[np.int64]]


def names_rows(columns: AbstractSet[str]) -> bool:
    """Return whether a table has columns that identify the spectra or objects of its rows."""
    by_file_or_fiber = "FILE" in columns or set(FIBER) <= columns
    return by_file_or_fiber or any(name in columns for name in OBJECTS)


def naming_columns(columns: AbstractSet[str]) -> dict[str, str]:
    """Fields that identify an observation or object -> the table's columns that hold them."""
    columns_of = {}
    for field in dict.fromkeys((*OBJECTS, *(name for fields in OBSERVATIONS for name in fields))):
        names = NAMES.get(field, (field,))
        if (held := next((name for name in names if name in columns), None)) is not None:
            columns_of[field] = held
    if not set(FIBER) <= columns and "FIELD" not in columns:
        columns_of.pop("MJD", None)  # in DESI, a mean over nights
    if "FILE" in columns:
        columns_of["FILE"] = "FILE"
    return columns_of


def row_identity(hdus: Fits, content: Columns, count: int) -> RowIdentity:
    """Return observation and object of each row of a table.

    Args:
        hdus: the file, of which DESI's headers hold for all rows.
        content: field -> (count,), those of `naming_columns`.
        count: rows.

    Raises:
        InputError: if most rows are of BOSS plates, and one is not.
    """
    fields = dict(content)
    if "FILE" in fields:
        of_files = [file_fields(name) for name in fields.pop("FILE").tolist()]
        fields |= {name: np.array([of[name] for of in of_files], np.str_) for name in FILE_TEXTS}
    if "TARGETID" in fields:
        from_header = {k: v for k, v in of_header(hdus).items() if k not in fields}
        fields |= {name: np.full(count, value) for name, value in from_header.items()}
        fiber = _fibers_of_boss(hdus.path, fields["TARGETID"])
        of_boss = fiber["PLATE"] != NONE
        if of_boss.any() and not set(FIBER) <= fields.keys():
            fields |= fiber
        # Then it identifies a spectrum, not an object.
        fields["TARGETID"] = np.where(of_boss, NONE, fields["TARGETID"])
    return RowIdentity(observation_keys(fields), object_ids(fields))


def _fibers_of_boss(path: Path, target: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return plate, MJD and fiber of a table of BOSS spectra; -1 in a table of DESI's, of which a
    few ids may look like BOSS's.
    """
    fiber = fiber_of_boss_target(target)
    of_boss = fiber["PLATE"] != NONE
    foreign = np.flatnonzero(~of_boss & (target > 0))
    if len(foreign) and of_boss.sum() > len(foreign):
        raise InputError(
            f"{path} has TARGETIDs made of plate, MJD and fiber, and in row {foreign[0] + 1}"
            f" {target[foreign[0]]}, which is not; remove the row"
        )
    return {k: np.full_like(v, NONE) for k, v in fiber.items()} if len(foreign) else fiber


def fiber_of_boss_target(target: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return plate, MJD and fiber of the TARGETID that redrock gives to spectra of BOSS plates.

    It is PLATE x 10^9 + MJD x 10^4 + FIBERID (redrock's external/boss.py); -1 if one of them cannot
    be that, as DESI's own.
    """
    plate, remainder = np.divmod(target, 10**9)
    mjd, fiber = np.divmod(remainder, 10**4)
    boss = (plate >= 1) & (plate < 20_000) & (mjd > 50_000) & (mjd < 70_000)
    boss &= (fiber >= 1) & (fiber <= 1000)
    return {
        name: np.where(boss, value, NONE)
        for name, value in zip(FIBER, (plate, mjd, fiber), strict=True)
    }
