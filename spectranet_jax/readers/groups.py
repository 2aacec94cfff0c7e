"""Groups of files, large enough for a worker and small enough to wait in memory."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")


def groups(
    items: Iterable[Item], sizes: Iterable[int], most: int, most_bytes: int
) -> Iterator[tuple[Item, ...]]:
    """Yield items in order, in groups that depend only on the arguments.

    Args:
        items: n of them.
        sizes: bytes of each.
        most: items in a group, at most.
        most_bytes: a group ends with the item that makes it so large.
    """
    group: list[Item] = []
    total = 0
    for item, size in zip(items, sizes, strict=True):
        group.append(item)
        total += int(size)
        if len(group) >= most or total >= most_bytes:
            yield tuple(group)
            group, total = [], 0
    if group:
        yield tuple(group)


def sizes_and_times(files: Sequence[str]) -> NDArray[np.int64]:
    """Return sizes in bytes and modification times in ns of files, int64 (n, 2); 0 if missing."""
    numbers = (number for file in files for number in _size_and_time(file))
    return np.fromiter(numbers, np.int64, 2 * len(files)).reshape(-1, 2)


def _size_and_time(file: str) -> tuple[int, int]:
    try:
        state = Path(file).stat()
    except (OSError, ValueError):  # ValueError for a name with a null byte
        return 0, 0
    return state.st_size, state.st_mtime_ns
