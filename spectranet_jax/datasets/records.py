"""A block of spectra, and its encoding as one record.

A record is magic, the length of a JSON header, a checksum of all that follows, the header, and the
columns one after the other as little-endian arrays, whose dtypes and shapes the header gives. No
pickle, no schema compiler: NumPy reads it with `frombuffer`.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.array_bytes import from_bytes, to_bytes
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError

BLOCK_SIZE = 512
"""Maximum of spectra per record: 512 are read 50 times faster per spectrum than 1."""

_MAGIC = b"SNB1"
_PREFIX = struct.Struct("<4sII")


@dataclass(frozen=True)
class Block:
    """Rebinned spectra with their labels and identity; every array has one row per spectrum.

    Attributes:
        flux: (n, bins) float32, raw rebinned flux, 1e-17 erg/s/cm^2/Angstrom.
        ivar: (n, bins) float32, inverse variance of flux, 0 where there is no measurement.
            In a noiseless mock survey the noise is still to be drawn, and ivar is the one that
            the draw would have.
        label: (n,) int8, index into `labels.CLASSES`, -1 for none.
        bal: (n,) int8, +1 BAL, -1 not, 0 unsure.
        z: (n,) float64, true redshift, NaN where there is none.
        z_conf: (n,) int8, 0 to 3 as Z_CONF_PERSON; 3 is secure.
        object_id: (n,) int64, THING_ID, TARGETID or mock id; what spectra are split by.
        name: (n,) bytes, plate-mjd-fiber, TARGETID or mock name.
        source: (n,) bytes, base name of the file it came from.
        sn: (n,) float32, median S/N per bin.
        identity: column -> (n,), position and ids as `spectra.identity_columns` has them, for the
            catalog; none in a mock survey.
        native: "flux" and "ivar" of the same observation on the native grid, (n, pixels) float32,
            as `spectra.native` has them, and "phase", (n,) float64, of the pixels that the bins
            were made of, as `spectra.phase` has it; none in a dataset without native pixels.
    """

    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    label: NDArray[np.int8]
    bal: NDArray[np.int8]
    z: NDArray[np.float64]
    z_conf: NDArray[np.int8]
    object_id: NDArray[np.int64]
    name: NDArray[np.bytes_]
    source: NDArray[np.bytes_]
    sn: NDArray[np.float32]
    identity: Columns = field(default_factory=dict)
    native: Columns = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> "Block":
        """Return the block of the given rows, in that order."""
        arrays: dict[str, Any] = {name: getattr(self, name)[rows] for name in ARRAYS}
        optional: dict[str, Any] = {
            group: {name: values[rows] for name, values in getattr(self, group).items()}
            for group in OPTIONAL
        }
        return Block(**arrays, **optional)


OPTIONAL = ("identity", "native")
"""Groups of columns that some datasets have; in a record their names begin with the group's."""

ARRAYS = tuple(f.name for f in fields(Block) if f.name not in OPTIONAL)
"""The columns that every block has."""


def concatenate(blocks: Sequence[Block]) -> Block:
    """Return one block of all rows, in order; all blocks have the same columns."""
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(block, name) for block in blocks]) for name in ARRAYS
    }
    optional: dict[str, Any] = {
        group: {
            name: np.concatenate([getattr(block, group)[name] for block in blocks])
            for name in getattr(blocks[0], group)
        }
        for group in OPTIONAL
    }
    return Block(**arrays, **optional)


def encode(block: Block) -> bytes:
    """Return the record of a block; the same block gives the same bytes on every machine."""
    optional = {
        f"{group}.{name}": values
        for group in OPTIONAL
        for name, values in getattr(block, group).items()
    }
    headings, content = to_bytes({name: getattr(block, name) for name in ARRAYS} | optional)
    header = json.dumps(headings).encode()
    body = header + content
    return _PREFIX.pack(_MAGIC, len(header), _checksum(body, len(header))) + body


def decode(record: bytes) -> Block:
    """Return the block of a record; arrays are read-only views into the bytes.

    Raises:
        InputError: if the record is damaged or was not written by `encode`.
    """
    if len(record) < _PREFIX.size or not record.startswith(_MAGIC):
        raise InputError("it is not a block of spectra")
    _, length, checksum = _PREFIX.unpack_from(record)
    if _checksum(memoryview(record)[_PREFIX.size :], length) != checksum:
        raise InputError("its checksum differs")
    start = _PREFIX.size + length
    arrays: dict[str, Any] = from_bytes(json.loads(record[_PREFIX.size : start]), record, start)
    optional: dict[str, Any] = {
        group: {
            name.removeprefix(f"{group}."): arrays.pop(name)
            for name in list(arrays)
            if name.startswith(f"{group}.")
        }
        for group in OPTIONAL
    }
    try:
        return Block(**arrays, **optional)
    except TypeError as error:
        raise InputError("it has other columns than this version's") from error


def _checksum(body: bytes | memoryview, length: int) -> int:
    """Return the CRC-32 of header and columns, and of the position between the two."""
    return zlib.crc32(body, length)
