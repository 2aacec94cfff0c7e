"""A catalog and redrock's redshifts of the same targets, side by side.

DESI runs redrock on every target and a network as an afterburner, and takes the network's answer
where redrock's is wrong. Rows are joined by TARGETID. A target of several tiles has a row in each
of their redrock files: then the file that is named like the spectra counts (coadd-X, redrock-X).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from spectranet_jax.readers.fits import open_fits
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.identity import pair
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

AGREEMENT = 3000.0
"""km/s: two redshifts no further apart agree."""

EXTENSIONS = ("REDSHIFTS", "ZBEST")
"""HDUs with redrock's redshifts: today's name, and that of files before 2021."""

FROM_REDROCK: dict[str, tuple[str, str, str]] = {
    "SPECTYPE_RR": ("SPECTYPE", "U6", "redrock's class"),
    "SUBTYPE_RR": ("SUBTYPE", "U20", "redrock's subclass"),
    "Z_RR": ("Z", "f8", "redrock's redshift"),
    "ZERR_RR": ("ZERR", "f8", "redrock's redshift error"),
    "ZWARN_RR": ("ZWARN", "i8", "redrock's warning bits; 0: trust it"),
    "DELTACHI2_RR": ("DELTACHI2", "f8", "chi2 between redrock's best two redshifts"),
}
"""Column -> redrock's column, dtype, description."""

SAME, CLASS_DIFFERS, Z_DIFFERS, BOTH_DIFFER = range(4)
AGREE_MEANING = (
    f"0: same class and within {AGREEMENT:.0f} km/s, 1: other class, 2: other redshift, 3: both"
)


@dataclass(frozen=True)
class Redrock:
    """Rows of redrock files.

    Attributes:
        target: (n,) int64, TARGETID.
        pair: (n,), what the name of the file shares with that of the spectra, "" if nothing.
        columns: column of the joined catalog -> (n,).
    """

    target: NDArray[np.int64]
    pair: NDArray[np.str_]
    columns: dict[str, NDArray[Any]]


def read_redrock(paths: Sequence[str | Path]) -> Redrock:
    """The redshifts of redrock files, one after the other.

    Raises:
        InputError: if a file is none of redrock's, or is damaged.
    """
    parts = [_read(Path(path)) for path in paths]
    return Redrock(
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.pair for part in parts]),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in FROM_REDROCK},
    )


def _read(path: Path) -> Redrock:
    with open_fits(path) as hdus:
        named = hdus.named()
        table = next((named[name] for name in EXTENSIONS if name in named), None)
        needed = {"TARGETID", *(source for source, _, _ in FROM_REDROCK.values())}
        if table is None or not needed <= table.columns:
            raise InputError(
                f"{path} is not a redrock file: it has no table REDSHIFTS with columns"
                f" {', '.join(sorted(needed))}; give redrock-*.fits"
            )
        target = table.cells("TARGETID").astype(np.int64)
        columns = {
            name: table.cells(source).astype(dtype)
            for name, (source, dtype, _) in FROM_REDROCK.items()
        }
    columns["SPECTYPE_RR"] = np.char.strip(columns["SPECTYPE_RR"])
    return Redrock(target, np.full(len(target), pair(path)), columns)


def join_redrock(catalog: Table, redrock: Redrock) -> Table:
    """The catalog with the columns of `FROM_REDROCK`, DV_RR and AGREE_RR.

    DV_RR is c (Z - Z_RR) / (1 + Z_RR) in km/s, masked for what either calls a star. AGREE_RR is an
    int: see `AGREE_MEANING`. All are masked in rows without a prediction, or that redrock does not
    have. The rows are those of the catalog, in its order.

    Args:
        catalog: with TARGETID, CLASS and Z.
        redrock: what `read_redrock` gives.

    Raises:
        InputError: if the catalog has no TARGETID, or several rows of redrock fit one of it and
            differ.
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
    unknown = missing | np.ma.getmaskarray(kind)
    no_z = unknown | np.ma.getmaskarray(z) | np.asarray(np.ma.filled(star, True))
    dv = SPEED_OF_LIGHT * (np.ma.getdata(z) - np.ma.getdata(z_rr)) / (1 + np.ma.getdata(z_rr))
    dv = np.where(no_z, 0.0, dv)
    far = ~no_z & (np.abs(dv) > AGREEMENT)
    agree = np.where(ours != theirs, CLASS_DIFFERS, SAME) + np.where(far, Z_DIFFERS, SAME)
    joined["DV_RR"] = MaskedColumn(
        dv, mask=no_z, unit="km/s", description="Z less Z_RR as a velocity"
    )
    joined["AGREE_RR"] = MaskedColumn(
        np.where(unknown, 0, agree).astype(np.int16), mask=unknown, description=AGREE_MEANING
    )
    return joined


def _texts(column: Any) -> list[str]:
    names = np.ma.getdata(column).tolist()
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _places(catalog: Table, redrock: Redrock) -> NDArray[np.int64]:
    """The row of redrock for every row of the catalog, (n,); -1 where there is none."""
    if "TARGETID" not in catalog.colnames:
        raise InputError(
            "the catalog has no column TARGETID to join redrock's redshifts by; give one of DESI"
            " spectra, as this version writes it"
        )
    targets = np.ma.asarray(catalog["TARGETID"])
    known = ~np.ma.getmaskarray(targets)
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
    """Raise InputError if rows of one target have different redshifts."""
    values = redrock.columns["Z_RR"][list(matches)]
    if (values != values[0]).any():
        raise InputError(
            f"TARGETID {target} has {len(matches)} different redshifts in the redrock files, and"
            " none of these is named as its spectra (coadd-X.fits, redrock-X.fits); give one of"
            " these files at a time"
        )


def counts(joined: Table) -> dict[str, int]:
    """Rows by how the two answers compare."""
    agree = np.ma.asarray(joined["AGREE_RR"])
    values = np.ma.getdata(agree)[~np.ma.getmaskarray(agree)]
    names = ("same class and redshift", "other class", "other redshift", "other class and redshift")
    compared = {name: int((values == code).sum()) for code, name in enumerate(names)}
    return compared | {"not compared": len(joined) - len(values)}
