"""The split of an object: a function of (seed, id of the object) alone.

A hash of the id is compared with thresholds, so that no object is in two splits, and the order of
rows does not matter. More spectra and rows move no object while it keeps its id, the smallest of
the first kind in `identity.OBJECTS` that is known of it (`objects.preferred`). They move it if they
add another id: an SDSS_ID to a known CATALOGID, or the evidence that two objects are one. So a
model's test spectra are those of the dataset that it was trained on, and of no later one.

The price is that fractions hold on average only. The hashes are integer arithmetic modulo 2**64 and
BLAKE2b: the same on every machine.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import NONE, mix

FRACTIONS = (0.6, 0.2, 0.2)
"""Of train, valid and test: the report's 80/20, then a quarter of the 80 for validation."""

RULE = "hash of (seed, object_id), or of (seed, name) where object_id is -1, against the fractions"

NOT_LISTED = -1
"""The split of a spectrum that belongs to none."""

Uint64Array = NDArray[np.uint64]


@dataclass(frozen=True)
class Division:
    """The division of spectra into splits.

    Attributes:
        of: (object_id (n,), name (n,)) -> split of each, int8 (n,), index into `manifest.SPLITS`,
            or `NOT_LISTED`.
        fractions: about how much goes into train, valid and test.
        record: what the manifest says of it.
    """

    of: Callable[[NDArray[np.int64], NDArray[np.bytes_]], NDArray[np.int8]]
    fractions: Sequence[float]
    record: dict[str, Any]


def by_hash(seed: int, fractions: Sequence[float] = FRACTIONS) -> "Division":
    """Return the division by `split_of`.

    Raises:
        InputError: if the fractions are not three that sum to 1.
    """
    check_fractions(fractions)
    return Division(
        of=lambda object_id, name: split_of(object_id, name, seed, fractions),
        fractions=fractions,
        record={"rule": RULE, "seed": seed, "fractions": list(fractions)},
    )


def name_hash(name: NDArray[np.bytes_]) -> Uint64Array:
    """Return BLAKE2b of each name, uint64 (n,)."""
    digests = (hashlib.blake2b(n, digest_size=8).digest() for n in name.tolist())
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def name_key(name: NDArray[np.bytes_], seed: int, salt: int) -> Uint64Array:
    """Return a hash of each name, uint64 (n,), independent of other salts and of the split."""
    return mix(mix(name_hash(name), salt), seed)


def object_hash(object_id: NDArray[np.int64], name: NDArray[np.bytes_], seed: int) -> Uint64Array:
    """Return one hash per object, uint64 (n,): of its id, or of its name where the id is -1."""
    key = np.asarray(object_id, np.int64).astype(np.uint64)  # two's complement, by definition
    nameless = np.asarray(object_id) == NONE
    if nameless.any():
        key[nameless] = name_hash(np.asarray(name)[nameless])
    return mix(mix(key), seed)


def check_fractions(fractions: Sequence[float]) -> None:
    """Raise InputError unless these are three fractions that sum to 1."""
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        listed = " ".join(f"{f:g}" for f in fractions)
        raise InputError(
            f"split fractions {listed} are not three numbers from 0 to 1 that sum to 1;"
            " give for example 0.6 0.2 0.2 for train, valid and test"
        )


def split_of(
    object_id: NDArray[np.int64],
    name: NDArray[np.bytes_],
    seed: int,
    fractions: Sequence[float] = FRACTIONS,
) -> NDArray[np.int8]:
    """Return the split of each spectrum, int8 (n,): an index into `manifest.SPLITS`.

    Args:
        object_id: (n,), -1 where there is none.
        name: (n,) bytes, used where object_id is -1.
        seed: another seed, another division.
        fractions: of train, valid and test.

    Raises:
        InputError: if the fractions are not three that sum to 1.
    """
    check_fractions(fractions)
    # float64 holds 53 bits: uniform in [0, 1), exactly the same everywhere.
    uniform = (object_hash(object_id, name, seed) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    used = np.flatnonzero(
        np.asarray(fractions) > 0
    )  # rounding must not put spectra into an empty split
    bounds = np.cumsum(np.asarray(fractions, np.float64)[used])[:-1]
    return used[np.searchsorted(bounds, uniform, side="right")].astype(np.int8)
