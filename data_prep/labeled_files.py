"""Files read for a dataset: spectra on the grid, what names them, and checksums of the files."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.summary import sha256_of
from spectranet_jax.datasets.array_bytes import pack, unpack
from spectranet_jax.readers import rebinned, stream
from spectranet_jax.readers.desi_identity import NOT_TARGETS
from spectranet_jax.readers.file_reading import FileRead, Reading, concatenate, read_file
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.identity import Identity, as_arrays
from spectranet_jax.spectra.identity_columns import identity_columns
from spectranet_jax.spectra.native import NATIVE_GRID, native_pixels
from spectranet_jax.spectra.phase import phase

HASHED_MEANWHILE = 4 << 20
"""Bytes of a file from which on handing it to a thread is worth it."""

KEYS, IDS, ON_TARGET = "keys", "ids", "on_target"
"""Columns of a `Reading` that is to be labeled: what observation (n, observations) and what object
(n, objects) each spectrum is of, int64, as `identity.as_arrays` has them; and whether the fiber was
on a target, bool (n,), False where OBJTYPE is SKY or BAD."""

NATIVE = {f"native.{name}": name for name in ("flux", "ivar", "phase")}
"""Columns of a `Reading` where native pixels are kept -> those of `Block.native`."""


def read_files(paths: Sequence[str], grid: LogGrid, native: bool = False) -> Reading:
    """Read and rebin some files of any survey; one that cannot be read has no spectra.

    Args:
        paths: the files.
        grid: the bins.
        native: keep the native pixels too, as the columns `NATIVE`.
    """
    with ThreadPoolExecutor(1) as thread:
        return concatenate([_read_file(path, grid, native, thread) for path in paths])


def _read_file(path: str, grid: LogGrid, native: bool, thread: Executor) -> Reading:
    digest = _digest(Path(path), thread)
    reading = read_file(path, [grid], naming)
    (file,) = reading.files
    if native:
        reading = replace(reading, columns={**reading.columns, **_native_columns(file, grid)})
    return reading if file.error else replace(reading, files=[file._replace(sha256=digest())])


def _native_columns(file: FileRead, grid: LogGrid) -> dict[str, NDArray[np.floating]]:
    """The columns `NATIVE` of a file, which is read once more for them."""
    blank = np.zeros((0, NATIVE_GRID.size), np.float32)
    parts: list[tuple[NDArray[np.floating], ...]] = [(blank, blank, np.zeros(0))]
    if not file.error:
        for spectra, _, _ in rebinned(stream(Path(file.name)), []):
            ivar = np.stack([spectrum.ivar for spectrum in spectra])
            parts.append((*native_pixels(spectra), phase(spectra[0].loglam, ivar, grid)))
    columns = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return dict(zip(NATIVE, columns, strict=True))


def naming(identities: Sequence[Identity]) -> dict[str, NDArray[Any]]:
    """The columns by which spectra are joined with a catalog, and those of their identity."""
    keys, ids = as_arrays(identities)
    on_target = [identity.get("OBJTYPE") not in NOT_TARGETS for identity in identities]
    return {
        KEYS: keys,
        IDS: ids,
        ON_TARGET: np.array(on_target, np.bool_),
        **identity_columns(identities),
    }


def _digest(path: Path, thread: Executor) -> Callable[[], str]:
    """What gives the file's sha256; a large file is hashed by a thread meanwhile."""
    if path.is_file() and path.stat().st_size >= HASHED_MEANWHILE:
        return thread.submit(sha256_of, path).result
    return lambda: sha256_of(path)


def encode(reading: Reading) -> bytes:
    """A reading on one grid as a record of a journal."""
    ((flux, ivar),) = reading.pixels.values()
    arrays = {name: getattr(reading, name) for name in ("file_index", "name", "flags")}
    return pack(reading.files, {**arrays, "flux": flux, "ivar": ivar, **reading.columns})


def decode(record: bytes, grid: LogGrid) -> Reading:
    """The reading of a record; its arrays are read-only views into the bytes."""
    files, arrays = unpack(record)
    pixels = {grid: (arrays.pop("flux"), arrays.pop("ivar"))}
    own: Mapping[str, Any] = {name: arrays.pop(name) for name in ("file_index", "name", "flags")}
    return Reading([FileRead(*file) for file in files], pixels=pixels, **own, columns=arrays)
