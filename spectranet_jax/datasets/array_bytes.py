"""Named arrays as bytes, one after the other, and what tells them apart again. No pickle."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Heading = Sequence[Any]
"""Of an array: its name, its dtype as NumPy writes it, its shape; JSON holds it."""


_LENGTH = struct.Struct("<Q")


def to_bytes(arrays: Mapping[str, NDArray[Any]]) -> tuple[list[Heading], bytes]:
    """The heading of each array, and all of them little-endian; the same on every machine."""
    headings: list[Heading] = []
    content = []
    for name, values in arrays.items():
        array = np.ascontiguousarray(values)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        headings.append([name, array.dtype.str, list(array.shape)])
        content.append(array.tobytes())
    return headings, b"".join(content)


def from_bytes(
    headings: Sequence[Heading], content: bytes, start: int = 0
) -> dict[str, NDArray[Any]]:
    """The arrays that begin at byte `start`, as read-only views."""
    arrays = {}
    for name, dtype, shape in headings:
        arrays[name] = np.frombuffer(content, dtype, math.prod(shape), start).reshape(shape)
        start += arrays[name].nbytes
    return arrays


def pack(header: Any, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A header, which JSON can hold, and arrays as one string of bytes."""
    headings, content = to_bytes(arrays)
    front = json.dumps([header, headings]).encode()
    return _LENGTH.pack(len(front)) + front + content


def unpack(packed: bytes) -> tuple[Any, dict[str, NDArray[Any]]]:
    """The header and the arrays, as read-only views, that `pack` was given."""
    start = _LENGTH.size + _LENGTH.unpack_from(packed)[0]
    header, headings = json.loads(packed[_LENGTH.size : start])
    return header, from_bytes(headings, packed, start)
