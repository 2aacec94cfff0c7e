"""Whether two files are equal, byte by byte; if not, a failure that shows the first difference."""

from pathlib import Path

import pytest

AROUND = 80
"""Bytes to show before and after the first one that differs: a card of a FITS header."""


def same_bytes(ours: Path | bytes, theirs: Path | bytes) -> None:
    """Fail where contents differ, and say from which byte on."""
    a, b = (item.read_bytes() if isinstance(item, Path) else item for item in (ours, theirs))
    if a == b:
        return
    pairs = enumerate(zip(a, b, strict=False))
    first = next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))
    part = slice(max(first - AROUND, 0), first + AROUND)
    pytest.fail(
        f"{len(a)} and {len(b)} bytes, which differ from byte {first} on:\n{a[part]!r}\n{b[part]!r}"
    )
