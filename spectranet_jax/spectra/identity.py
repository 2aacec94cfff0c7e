"""The identity of a spectrum: its observation and its object.

A file and a catalog give it in fields of the same names, such as PLATE or TARGETID. A spectrum and
a row belong together if they agree in all fields of one of `OBSERVATIONS`; spectra that agree in
one of `OBJECTS` are of the same object.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.whole_numbers import NONE as NONE
from spectranet_jax.spectra.whole_numbers import whole_number, whole_numbers

Identity = Mapping[str, int | float | str]
"""Known fields of one spectrum; besides those that identify it, RA and DEC in degrees."""

FIBER = ("PLATE", "MJD", "FIBERID")
IN_FOLDER = ("TARGETID", "FOLDER", "PAIR")
ANYWHERE = ("TARGETID", "PAIR")
FILE_PATH, FILE_NAME = ("FILE_PATH",), ("FILE_NAME",)
OF_HEADERS = (("TARGETID", "SURVEY", "PROGRAM", "HEALPIX"), ("TARGETID", "TILEID", "NIGHT"))

OBSERVATIONS: tuple[tuple[str, ...], ...] = (
    FIBER,
    ("FIELD", "MJD", "CATALOGID"),
    IN_FOLDER,
    *OF_HEADERS,
    ANYWHERE,
    FILE_PATH,
    FILE_NAME,
)
"""Fields that together name an observation, the most reliable first. PAIR is the part that the
names of a file of DESI spectra and of its redshifts share (see `pair`), FOLDER the folder of both.
These distinguish a night's spectra from the cumulative ones, which have the same headers; but
headers take precedence over names (`data_prep.pairs`). FILE_PATH and FILE_NAME are of a file that
holds one spectrum (see `file_fields`).
"""

OBJECTS = ("SDSS_ID", "THING_ID", "TARGETID", "CATALOGID")
"""Fields that name an object, the preferred first: in SDSS-V an object has several CATALOGID, and
since DR19 one SDSS_ID.
"""

NAMING = frozenset(OBJECTS).union(*OBSERVATIONS)

FILE_TEXTS = (*FILE_PATH, *FILE_NAME)
TEXTS = ("SURVEY", "PROGRAM", "FOLDER", "PAIR", *FILE_TEXTS)

FROM_ZERO = ("HEALPIX",)
"""Fields that count from 0. In all others 0 means unknown, as -1 and -999 do."""

_PAIR = re.compile(r"(?:coadd|spectra|redrock|zbest)-(.+?)\.fits?(?:\.gz)?", re.IGNORECASE)


def pair(path: str | Path) -> str:
    """Return the X that coadd-X.fits and redrock-X.fits of the same spectra share; "" otherwise."""
    match = _PAIR.fullmatch(Path(path).name)
    return match.group(1) if match else ""


def file_fields(path: str) -> dict[str, str]:
    """Return FILE_PATH and FILE_NAME of a file, with or without .gz; "" for an empty name."""
    path = path.strip().removesuffix(".gz")
    if not path:
        return dict.fromkeys(FILE_TEXTS, "")
    return {"FILE_PATH": os.path.abspath(path), "FILE_NAME": path.rpartition("/")[2]}  # noqa: PTH100


def is_known(name: str, values: Any) -> Any:
    """Return whether values of a numeric field are known: a bool, or (n,) bool for an array."""
    return values >= 0 if name in FROM_ZERO else values > 0


def fiber_key(
    plate: NDArray[np.integer], mjd: NDArray[np.integer], fiber: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return plate, MJD and fiber (at most 20 bits each) as one number; -1 if any is unknown."""
    numbers = np.stack([np.asarray(field, np.int64) for field in (plate, mjd, fiber)])
    is_known_row = ((numbers > 0) & (numbers < 1 << 20)).all(axis=0)
    return np.where(is_known_row, numbers[0] << 40 | numbers[1] << 20 | numbers[2], NONE)


def observation_keys(columns: Columns) -> dict[tuple[str, ...], NDArray[Any]]:
    """Return one key per row, int64 (n,), for each of `OBSERVATIONS` whose fields are all present.

    Rows with equal numbers are of the same observation: PLATE, MJD and FIBERID as `fiber_key`, the
    others by a hash of 63 bits. -1 where a field is not known.

    Args:
        columns: field -> (n,), numbers or text; see `is_known`, and "" is unknown.
            A number that is written as text counts; anything else in its place is unknown.
    """
    return {
        fields: _key(number, fields, columns)
        for number, fields in enumerate(OBSERVATIONS)
        if columns.keys() >= set(fields)
    }


def _key(number: int, fields: tuple[str, ...], columns: Columns) -> NDArray[np.int64]:
    if fields == FIBER:
        return fiber_key(*(_numbers(columns[name]) for name in fields))
    is_known_row = np.ones(len(columns[fields[0]]), np.bool_)
    key = np.full(len(is_known_row), number, np.uint64)
    for name in fields:
        if name in TEXTS:
            values = _text_hashes(columns[name], any_case=name not in FILE_TEXTS)
        else:
            values = _numbers(columns[name])
        is_known_row &= is_known(name, values)
        key = mix(key ^ mix(values.astype(np.uint64)))
    return np.where(is_known_row, (key >> np.uint64(1)).astype(np.int64), NONE)


def _numbers(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return whole numbers, also from text; -1 for anything else."""
    return whole_numbers(np.asarray(values))[0]


def _number(value: int | float | str | None) -> int:
    number = whole_number(value)
    return NONE if number is None else number


def _text_hashes(texts: NDArray[Any], any_case: bool) -> NDArray[np.int64]:
    """Return a number for each text, ignoring spaces around it and optionally case; -1 for ""."""
    texts = np.char.strip(np.asarray(texts).astype(str))
    texts = np.char.lower(texts) if any_case else texts
    distinct, place = np.unique(texts, return_inverse=True)
    numbers = [_text_hash(text) if text else NONE for text in distinct.tolist()]
    return np.array(numbers, np.int64)[place]


def _text_hash(text: str) -> int:
    content = text.encode("utf-8", "surrogateescape")  # a file's name may be any bytes
    return int.from_bytes(hashlib.blake2b(content, digest_size=7).digest(), "big")


def mix(value: NDArray[np.uint64] | np.uint64 | int, seed: int = 0) -> NDArray[np.uint64]:
    """SplitMix64: 64 well-mixed bits for every 64-bit integer, uint64 of the same shape.

    The finalizer of Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators";
    `seed` counts the steps of its Weyl sequence, so that seeds give unrelated hashes.
    """
    golden = 0x9E3779B97F4A7C15
    step = (seed + 1) * golden % 2**64  # Python integers, of any size and sign
    x = np.atleast_1d(np.asarray(value, np.uint64)) + np.uint64(step)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def object_ids(columns: Columns) -> dict[str, NDArray[np.int64]]:
    """Return the ids, int64 (n,), of those of `OBJECTS` that are present; -1 where unknown."""
    ids = {}
    for name in OBJECTS:
        if name in columns:
            values = _numbers(columns[name])
            ids[name] = np.where(is_known(name, values), values, NONE)
    return ids


def as_arrays(identities: Sequence[Identity]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the observation keys and object ids of n spectra.

    Returns:
        int64 (n, len(OBSERVATIONS)) and (n, len(OBJECTS)), -1 where unknown.
    """
    columns = {
        name: np.array([identity.get(name, "") for identity in identities], str)
        if name in TEXTS
        else np.array([_number(identity.get(name)) for identity in identities], np.int64)
        for name in {name: None for identity in identities for name in identity}
        if name in NAMING
    }
    none = np.full(len(identities), NONE)
    keys, ids = observation_keys(columns), object_ids(columns)
    return (
        np.stack([keys.get(fields, none) for fields in OBSERVATIONS], axis=-1),
        np.stack([ids.get(name, none) for name in OBJECTS], axis=-1),
    )
