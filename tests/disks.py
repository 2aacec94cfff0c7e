"""Small disks in memory that fill up, turn read-only or go away; tests skip without permission."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _mount(*words: object) -> bool:
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *map(str, words)], capture_output=True).returncode == 0


@contextmanager
def disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a disk of a size, as 5m, on a new folder."""
    place.mkdir()
    if not _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", place):
        pytest.skip("no right to mount a disk")
    try:
        yield place
    finally:
        lose(place)


def change(place: Path, option: str) -> None:
    """Mount a disk again with an option, as size=40m or ro."""
    assert _mount("-o", f"remount,{option}", place)


def lose(place: Path) -> None:
    """Take a disk away, even while it is in use."""
    subprocess.run(["umount", "--lazy", place], capture_output=True)
