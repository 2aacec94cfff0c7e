"""What a worker makes of some files: their spectra on the grid, and its form in bytes."""

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from data_prep.summary import sha256_of
from spectranet_jax.datasets.columns import from_bytes, to_bytes
from spectranet_jax.readers import rebinned, stream
from spectranet_jax.readers.desi_identity import NOT_TARGETS
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.identity import Identity, as_arrays

HASHED_MEANWHILE = 4 << 20
"""Bytes of a file from which on handing it to a thread is worth it."""

_PREFIX = struct.Struct("<4sQII")
_MAGIC = b"SNF1"


@dataclass(frozen=True)
class Batch:
    """Files read and rebinned.

    Attributes:
        files: of each file: name as given, sha256 ("" if unreadable), number of its spectra, and
            the sentence that tells why it cannot be read ("" if it can).
        name: (n,) bytes, what the survey calls each spectrum.
        keys, ids: int64, what observation and what object each is of: `identity.as_arrays`.
        on_target: (n,) bool, whether the fiber was on a target (False: OBJTYPE is SKY or BAD).
        file: (n,) int32, index into `files`.
        flux, ivar: (n, bins) float32.
        flags: (n,) int32, bits of `spectra.flags` that file and pixels tell.
    """

    files: list[tuple[str, str, int, str]]
    name: NDArray[np.bytes_]
    keys: NDArray[np.int64]
    ids: NDArray[np.int64]
    on_target: NDArray[np.bool_]
    file: NDArray[np.int32]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    flags: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.name)


def read_files(paths: Sequence[str], grid: LogGrid) -> Batch:
    """Read and rebin some files of any survey; one that cannot be read has no spectra."""
    with ThreadPoolExecutor(1) as thread:
        return concatenate([_read_file(path, grid, thread) for path in paths])


def _read_file(path: str, grid: LogGrid, thread: Executor) -> Batch:
    digest = _digest(Path(path), thread)
    named: list[tuple[bytes, Identity]] = []
    nothing = np.zeros(0, np.int32), *np.zeros((2, 0, grid.size), np.float32)
    parts = [nothing]
    try:
        for spectra, bits, (pixels,) in rebinned(stream(Path(path)), [grid]):
            named += [(s.name.encode(), s.identity) for s in spectra]
            parts.append((bits, *pixels))
        file = path, digest(), len(named), ""
    except InputError as reason:  # be it after some spectra: none of them is trusted then
        named, parts = [], [nothing]
        file = path, "", 0, str(reason)
    flags, flux, ivar = (np.concatenate(part) for part in zip(*parts, strict=True))
    identities = [identity for _, identity in named]
    keys, ids = as_arrays(identities)
    return Batch(
        files=[file],
        name=np.array([name for name, _ in named], np.bytes_),
        keys=keys,
        ids=ids,
        on_target=np.array([one.get("OBJTYPE") not in NOT_TARGETS for one in identities], np.bool_),
        file=np.zeros(len(named), np.int32),
        flux=flux,
        ivar=ivar,
        flags=flags,
    )


def _digest(path: Path, thread: Executor) -> Callable[[], str]:
    """What gives the file's sha256; a large file is hashed by a thread meanwhile."""
    if path.is_file() and path.stat().st_size >= HASHED_MEANWHILE:
        return thread.submit(sha256_of, path).result
    return lambda: sha256_of(path)


def concatenate(batches: Sequence[Batch]) -> Batch:
    """One batch of all files and rows, in order."""
    starts = np.cumsum([0, *(len(batch.files) for batch in batches)])
    arrays = {f.name: [getattr(batch, f.name) for batch in batches] for f in fields(Batch)[1:]}
    arrays["file"] = [part + start for part, start in zip(arrays["file"], starts, strict=False)]
    return Batch(
        [file for batch in batches for file in batch.files],
        **{name: np.concatenate(parts) for name, parts in arrays.items()},
    )


def encode(batch: Batch) -> bytes:
    """A batch as bytes: magic, lengths, checksum, a JSON header and little-endian arrays."""
    headings, content = to_bytes({f.name: getattr(batch, f.name) for f in fields(Batch)[1:]})
    header = json.dumps([batch.files, headings]).encode()
    body = header + content
    return _PREFIX.pack(_MAGIC, len(body), len(header), zlib.crc32(body)) + body


def decode(file: IO[bytes]) -> Batch | None:
    """The next batch of a file; None if no whole one follows."""
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        return None
    magic, length, header_length, checksum = _PREFIX.unpack(prefix)
    if magic != _MAGIC:
        return None
    body = file.read(length)
    if len(body) != length or zlib.crc32(body) != checksum:
        return None
    files, headings = json.loads(body[:header_length])
    arrays = from_bytes(headings, body, header_length)
    return Batch([(f[0], f[1], f[2], f[3]) for f in files], **arrays)
