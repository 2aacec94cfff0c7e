"""What a worker makes of some files: their spectra on the grid, and its form in bytes."""

import json
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from data_prep.readers import read, rebin_all
from data_prep.summary import sha256_of
from data_prep.truth import fiber_key
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag, pixel_flags

_PREFIX = struct.Struct("<4sQII")
_MAGIC = b"SNF1"


@dataclass(frozen=True)
class Batch:
    """Files read and rebinned.

    Attributes:
        files: of each file: name as given, sha256 ("" if unreadable), number of its spectra, and
            the sentence that tells why it cannot be read ("" if it can).
        name: (n,) bytes, what the survey calls each spectrum.
        fiber: (n,) int64, `fiber_key`, -1 where there is none.
        object_id: (n,) int64, where the file tells it, else -1.
        file: (n,) int32, index into `files`.
        flux, ivar: (n, 443) float32.
        masked: (n,) bool, whether pixels were masked that are no numbers, or of negative ivar.
    """

    files: list[tuple[str, str, int, str]]
    name: NDArray[np.bytes_]
    fiber: NDArray[np.int64]
    object_id: NDArray[np.int64]
    file: NDArray[np.int32]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    masked: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.name)


def read_files(paths: Sequence[str]) -> Batch:
    """Read and rebin some files of any survey; one that cannot be read has no spectra."""
    files, spectra, numbers = [], [], []
    for number, path in enumerate(paths):
        try:
            of_file = read(Path(path))
            files.append((path, sha256_of(Path(path)), len(of_file), ""))
        except InputError as reason:
            of_file = []
            files.append((path, "", 0, str(reason)))
        spectra += of_file
        numbers += [number] * len(of_file)
    flux, ivar = rebin_all(spectra)
    keys = np.array([s.key for s in spectra], np.int64).reshape(-1, 3)
    return Batch(
        files=files,
        name=np.array([s.name.encode() for s in spectra], np.bytes_),
        fiber=fiber_key(*keys.T),
        object_id=np.array([s.object_id for s in spectra], np.int64),
        file=np.array(numbers, np.int32),
        flux=flux,
        ivar=ivar,
        masked=np.array(
            [bool(pixel_flags(s.flux, s.ivar) & Flag.BAD_PIXELS) for s in spectra], np.bool_
        ),
    )


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
    columns, payload = [], []
    for field in fields(Batch)[1:]:
        array = np.ascontiguousarray(getattr(batch, field.name))
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        columns.append([field.name, array.dtype.str, list(array.shape)])
        payload.append(array.tobytes())
    header = json.dumps([batch.files, columns]).encode()
    body = header + b"".join(payload)
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
    files, columns = json.loads(body[:header_length])
    arrays, start = {}, header_length
    for name, dtype, shape in columns:
        arrays[name] = np.frombuffer(body, dtype, math.prod(shape), start).reshape(shape)
        start += arrays[name].nbytes
    return Batch([(f[0], f[1], f[2], f[3]) for f in files], **arrays)
