"""Files read for a dataset: spectra on the grid, their identities, and checksums of the files."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.array_bytes import pack, unpack
from spectranet_jax.datasets.checksums import sha256_of
from spectranet_jax.readers.desi_identity import NOT_TARGETS
from spectranet_jax.readers.file_reading import FileRead, Reading, concatenate, read_file
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.identity import Identity, as_arrays, file_fields
from spectranet_jax.spectra.identity_columns import identity_columns

HASHED_MEANWHILE = 4 << 20
"""Bytes of a file from which hashing it in a thread is worthwhile."""

KEYS, IDS, ON_TARGET = "keys", "ids", "on_target"
"""Columns of a `Reading` to be labeled: the observation (n, observations) and object (n, objects)
of each spectrum, int64, as `identity.as_arrays` has them; and whether the fiber was on a target,
bool (n,), False where OBJTYPE is SKY or BAD.
"""

NATIVE = {f"native.{name}": name for name in ("flux", "ivar", "phase")}
"""Columns of a `Reading` with native pixels -> those of `Block.native`."""


def read_files(paths: Sequence[str], grid: LogGrid, native: bool = False) -> Reading:
    """Read and rebin files of any survey; one that cannot be read has no spectra.

    Args:
        paths: the files.
        grid: the bins.
        native: keep the native pixels too, as the columns `NATIVE`.
    """
    with ThreadPoolExecutor(1) as thread:
        return concatenate([_read_file(path, grid, native, thread) for path in paths])


def _read_file(path: str, grid: LogGrid, native: bool, thread: Executor) -> Reading:
    digest = _digest(Path(path), thread)
    reading = read_file(path, [grid], partial(naming, file=path), native or None)
    if (file_columns := reading.native) is not None:
        arrays: tuple[NDArray[Any], ...] = (
            file_columns.flux,
            file_columns.ivar,
            file_columns.phase[grid],
        )
        of_native = dict(zip(NATIVE, arrays, strict=True))
        reading = replace(reading, columns={**reading.columns, **of_native}, native=None)
    (file,) = reading.files
    return reading if file.error else replace(reading, files=[file._replace(sha256=digest())])


def naming(identities: Sequence[Identity], file: str = "") -> dict[str, NDArray[Any]]:
    """Return the columns that join spectra with a catalog, and those of their identity.

    Args:
        identities: of n spectra.
        file: where they come from; its name counts where it holds no other spectrum.
    """
    if len(identities) == 1:
        identities = [{**identities[0], **file_fields(file)}]
    keys, ids = as_arrays(identities)
    on_target = [identity.get("OBJTYPE") not in NOT_TARGETS for identity in identities]
    return {
        KEYS: keys,
        IDS: ids,
        ON_TARGET: np.array(on_target, np.bool_),
        **identity_columns(identities),
    }


def _digest(path: Path, thread: Executor) -> Callable[[], str]:
    """A function that gives the file's sha256; a large file is hashed by a thread meanwhile."""
    if path.is_file() and path.stat().st_size >= HASHED_MEANWHILE:
        return thread.submit(sha256_of, path).result
    return lambda: sha256_of(path)


def encode(reading: Reading) -> bytes:
    """Return a reading on one grid as a record of a journal."""
    ((flux, ivar),) = reading.pixels.values()
    arrays = {name: getattr(reading, name) for name in ("file_index", "name", "flags")}
    return pack(reading.files, {**arrays, "flux": flux, "ivar": ivar, **reading.columns})


def decode(record: bytes, grid: LogGrid) -> Reading:
    """Return the reading of a record; its arrays are read-only views into the bytes."""
    files, arrays = unpack(record)
    pixels = {grid: (arrays.pop("flux"), arrays.pop("ivar"))}
    file_columns: Mapping[str, Any] = {
        name: arrays.pop(name) for name in ("file_index", "name", "flags")
    }
    return Reading(
        [FileRead(*file) for file in files], pixels=pixels, **file_columns, columns=arrays
    )
