"""A published split: lists of the spectra of valid and test, and perhaps of train.

As published for Superset_DR12Q by the authors of Bayesian SZNet (Podsztavek et al. 2022): text
files whose names hold the split's, with a spectrum per line as plate-mjd-fiber or as the name of
its file (6783/spec-6783-56284-0684.fits).
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.division import NOT_LISTED, Division, by_hash
from spectranet_jax.datasets.manifest import SPLITS
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import NONE, fiber_key

SUFFIXES = (".lst", ".txt", ".csv")
TRAIN, TEST = SPLITS.index("train"), SPLITS.index("test")

_NAME = re.compile(r"(?:.*/)?(?:spec(?:-lite)?-)?(\d+)-(\d+)-(\d+)(?:\.fits?(?:\.gz)?)?")


def by_lists(folder: Path, fiber: NDArray[np.int64], objects: NDArray[np.int64]) -> Division:
    """Return the division by the lists in a folder.

    An object goes where the spectrum of its catalog row is listed, and so do all its spectra: no
    object is in two splits. What is in no list belongs to train, or, where there is a list of
    train, to none.

    Args:
        folder: of the lists.
        fiber: (n,), `fiber_key` of the catalog's rows.
        objects: (n,), ids of the objects that these are of, -1 for none.

    Raises:
        InputError: if the folder has no list of test spectra, two of a split, a line that names no
            spectrum, or a spectrum in two lists.
    """
    lists = {split: _list_of(folder, split) for split in SPLITS}
    if lists["test"] is None:
        raise InputError(
            f"{folder} has no list of test spectra: a {', '.join(SUFFIXES)} file with test in its"
            " name, one plate-mjd-fiber per line"
        )
    keys, splits, record = _read(lists)
    unlisted = NOT_LISTED if lists["train"] else TRAIN
    of_row = _look_up(keys, splits, fiber, unlisted)
    # The most held-out split of an object with several rows: nothing of test is trained on.
    order = np.lexsort((-of_row, objects))
    distinct, first = np.unique(objects[order], return_index=True)
    of_object = of_row[order][first]

    def of(object_id: NDArray[np.int64], name: NDArray[np.bytes_]) -> NDArray[np.int8]:
        by_name = _look_up(keys, splits, np.array([_key(n.decode()) for n in name]), unlisted)
        by_object = _look_up(distinct, of_object, object_id, unlisted)
        return np.where(object_id == NONE, by_name, by_object).astype(np.int8)

    fractions = [
        float((of_row == split).mean()) if len(of_row) else 1.0 for split in range(len(SPLITS))
    ]
    return Division(
        of=of, fractions=fractions, record={"rule": f"lists in {folder}", "lists": record}
    )


def _list_of(folder: Path, split: str) -> Path | None:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the one that holds the split lists")
    matching = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and split in path.stem.lower()
    )
    if len(matching) > 1:
        names = " and ".join(path.name for path in matching)
        raise InputError(f"{folder} has several lists of {split}, {names}; leave one there")
    return matching[0] if matching else None


def _read(
    lists: dict[str, Path | None],
) -> tuple[NDArray[np.int64], NDArray[np.int8], list[dict[str, Any]]]:
    """Return sorted `fiber_key`s of the listed spectra, the split of each, and the lists' names."""
    keys, splits, record = [np.empty(0, np.int64)], [np.empty(0, np.int8)], []
    for number, (split, path) in enumerate(lists.items()):
        if path is None:
            continue
        try:
            content = path.read_bytes()
            lines = content.decode("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read as a list; check the file") from error
        listed = [_listed(path, i, line) for i, line in enumerate(lines, 1) if line.strip()]
        keys.append(np.array(listed, np.int64))
        splits.append(np.full(len(listed), number, np.int8))
        digest = hashlib.sha256(content).hexdigest()
        record.append({"split": split, "list": str(path), "spectra": len(listed), "sha256": digest})
    key, split_of = np.concatenate(keys), np.concatenate(splits)
    order = np.lexsort((split_of, key))
    key, split_of = key[order], split_of[order]
    twice = np.flatnonzero((np.diff(key) == 0) & (np.diff(split_of) != 0))
    if len(twice):
        number = int(key[twice[0]])
        name = f"{number >> 40:04d}-{number >> 20 & 0xFFFFF}-{number & 0xFFFFF:04d}"
        raise InputError(
            f"{name} and {len(twice) - 1} other spectra are in two of the split lists; each may be"
            " in one"
        )
    return key, split_of, record


def _listed(path: Path, number: int, line: str) -> int:
    key = _key(line.strip())
    if key < 0:
        raise InputError(
            f"line {number} of {path}, {line.strip()[:60]!r}, does not name a spectrum; write"
            " plate-mjd-fiber, as in 7102-56666-0082"
        )
    return key


def _key(name: str) -> int:
    match = _NAME.fullmatch(name)
    if match is None:
        return NONE
    return int(fiber_key(*(np.array(int(number[:9])) for number in match.groups())))


def _look_up(
    keys: NDArray[np.int64], values: NDArray[np.int8], wanted: NDArray[np.int64], default: int
) -> NDArray[np.int8]:
    if not len(keys):
        return np.full(len(wanted), default, np.int8)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], default).astype(np.int8)


def division(
    lists: Path | None,
    seed: int,
    fractions: Sequence[float],
    fiber: NDArray[np.int64],
    objects: NDArray[np.int64],
) -> Division:
    """Return the division by lists if a folder of them is given, else by hash: see `by_lists`."""
    return by_lists(lists, fiber, objects) if lists else by_hash(seed, fractions)


def check_lists(folder: Path | None) -> None:
    """Raise InputError, before any work, if the given lists cannot be used."""
    if folder is not None:
        nothing = np.empty(0, np.int64)
        by_lists(folder, nothing, nothing)
