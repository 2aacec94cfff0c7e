"""A catalog and redrock's redshifts of the same targets, side by side.

DESI runs redrock on every target and a network as an afterburner, and uses the network's answer
where redrock's is wrong. Rows are joined by TARGETID. A target of several tiles has a row in each
of their redrock files: then the file that is named like the spectra counts (coadd-X, redrock-X).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from spectranet_jax.catalog.redrock_files import FROM_REDROCK, Redrock
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, dv
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.identity import pair
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.whole_numbers import whole_numbers
from spectranet_jax.spectra.zwarn import ZWarn

AGREEMENT = float(CATASTROPHIC)
"""Redshifts this close agree, km/s."""

COMPARED = ("Z_RR", "SPECTYPE_RR", "ZWARN_RR")
"""Columns in which rows of one target must not differ."""

SAME, CLASS_DIFFERS, Z_DIFFERS, BOTH_DIFFER = range(4)
AGREE_MEANING = (
    f"0: same class and within {AGREEMENT:.0f} km/s, 1: other class, 2: other redshift, 3: both"
)


def join_redrock(catalog: Table, redrock: Redrock) -> Table:
    """Return the catalog with the columns of `FROM_REDROCK`, DV_RR and AGREE_RR.

    DV_RR is c (Z - Z_RR) / (1 + Z_RR) in km/s, masked for what either calls a star. AGREE_RR is an
    int: see `AGREE_MEANING`. All are masked in rows that redrock does not have; those two also in
    rows without a prediction, or where redrock has no redshift, or no data (ZWARN). The rows are
    those of the catalog, in its order. The header names the files of redrock with their sha256 (RR1
    and so on), and the velocity up to which redshifts agree (RR_KMS).

    Args:
        catalog: with TARGETID, CLASS and Z.
        redrock: what `redrock_files.read_redrock` gives.

    Raises:
        InputError: if the catalog has no TARGETID, or not exact ones, or two rows of redrock fit
            one of it and differ in class, redshift or warnings.
    """
    place = _places(catalog, redrock)
    missing = place < 0
    joined = Table(catalog, masked=True, copy=True)
    for name, (_, dtype, description) in FROM_REDROCK.items():
        values = np.zeros(len(catalog), dtype)
        values[~missing] = redrock.columns[name][place[~missing]]
        joined[name] = MaskedColumn(values, mask=missing, description=description)
    star = joined["SPECTYPE_RR"] == "STAR"
    kind = np.ma.asarray(catalog["CLASS"])
    ours = np.array([CLASSES[2] if "QSO" in name else name for name in _texts(kind)])
    theirs = np.asarray(np.ma.getdata(joined["SPECTYPE_RR"]))
    z, z_rr = np.ma.asarray(catalog["Z"]), np.ma.asarray(joined["Z_RR"])
    unknown = missing | np.ma.getmaskarray(kind) | _without_redshift(joined)
    no_z = unknown | np.ma.getmaskarray(z) | np.asarray(np.ma.filled(star, True))
    # Where z_rr is not finite, the velocity is not either; that is masked.
    velocity = np.where(no_z, 0.0, dv(np.ma.getdata(z), np.ma.getdata(z_rr)))
    far = ~no_z & (np.abs(velocity) > AGREEMENT)
    agree = np.where(ours != theirs, CLASS_DIFFERS, SAME) + np.where(far, Z_DIFFERS, SAME)
    joined["DV_RR"] = MaskedColumn(
        velocity, mask=no_z, unit="km/s", description="Z minus Z_RR as a velocity"
    )
    joined["AGREE_RR"] = MaskedColumn(
        np.where(unknown, 0, agree).astype(np.int16), mask=unknown, description=AGREE_MEANING
    )
    joined.meta |= {f"RR{number}": file for number, file in enumerate(redrock.files, start=1)}
    joined.meta["RR_KMS"] = AGREEMENT
    return joined


def _without_redshift(joined: Table) -> NDArray[np.bool_]:
    """Return where redrock has no redshift to compare with, bool (n,)."""
    no_data = (np.ma.getdata(joined["ZWARN_RR"]) & ZWarn.NODATA) != 0
    return np.asarray(no_data | ~np.isfinite(np.ma.getdata(joined["Z_RR"])))


def _texts(column: Any) -> list[str]:
    names = np.ma.getdata(column).tolist()
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _places(catalog: Table, redrock: Redrock) -> NDArray[np.int64]:
    """Return the row of redrock for every row of the catalog, (n,); -1 where there is none."""
    if "TARGETID" not in catalog.colnames:
        raise InputError(
            "the catalog has no column TARGETID to join redrock's redshifts by; give one of DESI"
            " spectra, as this version writes it"
        )
    column = np.ma.asarray(catalog["TARGETID"])
    known = ~np.ma.getmaskarray(column)
    targets, wrong = whole_numbers(np.ma.getdata(column))
    if (wrong & known).any():
        raise InputError(
            "the catalog has a TARGETID that is not an exact whole number, row"
            f" {int((wrong & known).argmax()) + 1}; give it as spectranet predict writes it"
        )
    names = [pair(name) for name in _texts(catalog["FILE"])] if "FILE" in catalog.colnames else []
    rows_of: dict[int, list[int]] = {}
    for row, target in enumerate(redrock.target.tolist()):
        rows_of.setdefault(target, []).append(row)
    place = np.full(len(catalog), -1, np.int64)
    for row in np.flatnonzero(known).tolist():
        matches = rows_of.get(int(targets[row]), [])
        same_file = [c for c in matches if names and names[row] and redrock.pair[c] == names[row]]
        matches = same_file or matches
        if matches:
            _check_equal(matches, redrock, int(targets[row]))
            place[row] = matches[0]
    return place


def _check_equal(matches: Sequence[int], redrock: Redrock, target: int) -> None:
    """Raise InputError if rows of one target differ in what is compared."""
    if len(matches) == 1:
        return
    first, *other_rows = ([redrock.columns[name][row] for name in COMPARED] for row in matches)
    if any(not _equal(first, other) for other in other_rows):
        raise InputError(
            f"TARGETID {target} has {len(matches)} rows that differ in the redrock files, none of"
            " which is named like its spectra (coadd-X.fits, redrock-X.fits); give one of"
            " these files at a time"
        )


def _equal(first: Sequence[Any], second: Sequence[Any]) -> bool:
    """Return whether values are the same, NaN included."""
    return all(a == b or (a != a and b != b) for a, b in zip(first, second, strict=True))


def counts(joined: Table) -> dict[str, int]:
    """Count rows by how the two answers compare."""
    agree = np.ma.asarray(joined["AGREE_RR"])
    values = np.ma.getdata(agree)[~np.ma.getmaskarray(agree)]
    names = ("same class and redshift", "other class", "other redshift", "other class and redshift")
    compared = {name: int((values == code).sum()) for code, name in enumerate(names)}
    return compared | {"not compared": len(joined) - len(values)}
