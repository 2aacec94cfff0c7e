"""Folders of spectra with labels in index.csv: columns file, label and z."""

import csv
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.errors import InputError

INDEX = "index.csv"
NEEDED = ("file", "label", "z")


@dataclass(frozen=True)
class Labeled:
    """Rows of an index, in its order.

    Attributes:
        file: (n,) paths within the folder.
        label: (n,) STAR, GALAXY, QSO, QSO_BAL, or another label of the index, such as SKY.
        z: (n,) redshifts, NaN where there is none.
    """

    file: NDArray[np.str_]
    label: NDArray[np.str_]
    z: NDArray[np.float64]

    @property
    def set(self) -> NDArray[np.str_]:
        """The set that each spectrum is of, (n,): the first folder of its path, "." without."""
        folders = [Path(file).parent.parts or (".",) for file in self.file.tolist()]
        return np.array([parts[0] for parts in folders], np.str_)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Labeled":
        """Return the chosen rows."""
        return Labeled(self.file[rows], self.label[rows], self.z[rows])

    @property
    def sha256(self) -> str:
        """Return the checksum of files, labels and redshifts, in their order."""
        rows = zip(self.file.tolist(), self.label.tolist(), self.z.tolist(), strict=True)
        return hashlib.sha256(json.dumps(list(rows)).encode()).hexdigest()


def read_index(folder: Path) -> Labeled:
    """Read the labels of a folder of spectra.

    Raises:
        InputError: if there is no index.csv, it lacks a column, is empty, or a redshift is not a
            number.
    """
    path = folder / INDEX
    rows = read_rows(path, NEEDED)
    if not rows:
        raise InputError(f"{path} lists no spectrum; give a folder whose {INDEX} lists spectra")
    return Labeled(
        np.array([row["file"] for row in rows], np.str_),
        np.array([row["label"] for row in rows], np.str_),
        np.array([_redshift(path, place, row["z"]) for place, row in enumerate(rows, start=2)]),
    )


def those_there(folder: Path, labeled: Labeled) -> Labeled:
    """The rows whose files are there; it tells on standard error how many are not.

    Raises:
        InputError: if there is none.
    """
    there = np.array([(folder / file).is_file() for file in labeled.file.tolist()])
    if there.all():
        return labeled
    lacking = labeled.file[~there]
    what = f"{len(lacking)} of the {len(there)} spectra of {folder / INDEX}, {lacking[0]} the first"
    fetch = f"python -m data_prep.download --sets --out {folder} fetches those of the SDSS archive"
    if not there.any():
        raise InputError(f"{what}, are not there; {fetch}")
    print(f"warning: {what}, are not there and are left out; {fetch}", file=sys.stderr)
    return labeled.take(there)


def read_rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read the lines of a CSV table, by column.

    Raises:
        InputError: if it cannot be read or lacks one of the columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            absent = [name for name in needed if name not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = (
            "does not exist"
            if isinstance(error, FileNotFoundError)
            else f"cannot be read ({error})"
        )
        raise InputError(
            f"{path} {problem}; give a folder with {path.name}, whose columns are"
            f" {', '.join(needed)}"
        ) from error
    if absent:
        raise InputError(f"{path} has no column {', '.join(absent)}; give {', '.join(needed)}")
    return rows


def _redshift(path: Path, line: int, text: str | None) -> float:
    if not (text or "").strip():
        return float("nan")
    try:
        return float(str(text))
    except ValueError as error:
        raise InputError(f"{path}, line {line}: z is {text!r}; give a number or nothing") from error
