"""Named arrays as consecutive bytes, with headings that recover them. No pickle."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Heading = Sequence[Any]
"""Heading of an array: name, dtype as NumPy writes it, and shape, in a form that JSON can hold."""


_LENGTH = struct.Struct("<Q")


def to_bytes(arrays: Mapping[str, NDArray[Any]]) -> tuple[list[Heading], bytes]:
    """Return the heading of each array and their little-endian bytes, the same on every machine."""
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
    """Return the arrays that begin at byte `start`, as read-only views."""
    arrays = {}
    for name, dtype, shape in headings:
        arrays[name] = np.frombuffer(content, dtype, math.prod(shape), start).reshape(shape)
        start += arrays[name].nbytes
    return arrays


def pack(header: Any, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a header, which JSON can hold, and arrays as one string of bytes."""
    headings, content = to_bytes(arrays)
    front = json.dumps([header, headings]).encode()
    return _LENGTH.pack(len(front)) + front + content


def unpack(packed: bytes) -> tuple[Any, dict[str, NDArray[Any]]]:
    """Return the header and the arrays, as read-only views, that `pack` packed."""
    start = _LENGTH.size + _LENGTH.unpack_from(packed)[0]
    header, headings = json.loads(packed[_LENGTH.size : start])
    return header, from_bytes(headings, packed, start)
