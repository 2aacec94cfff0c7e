"""Journal of the work done so far, kept beside an unfinished result so that a run can be resumed.

A journal is a folder with one file, to which records are appended: each has its length and a
checksum in front of it. The file's first line names this format, and by a key what the records are
of. Other files of the unfinished work may lie beside it.
"""

import shutil
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from spectranet_jax.datasets.folder import writing
from spectranet_jax.spectra import InputError

FORMAT = "spectranet-jax journal 2"
FILE_NAME = "journal"

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")


class Journal:
    """An append-only file of records.

    A journal of another key or format is removed, with a note.

    Attributes:
        folder: where it is.
        path: the file.
    """

    def __init__(self, folder: Path, key: str) -> None:
        """Open the journal in a folder, or start a new one.

        Args:
            folder: made if it is missing.
            key: what must be the same for an earlier run to count; one line.
        """
        self.folder = folder
        self.path = folder / FILE_NAME
        head = f"{FORMAT} {key}\n".encode()
        self._begin = self._end = len(head)
        with writing(folder):
            if not self._begins_with(head):
                _remove_stranger(folder)
                folder.mkdir(parents=True, exist_ok=True)
                self.path.write_bytes(head)

    def _begins_with(self, head: bytes) -> bool:
        if not self.path.is_file():
            return False
        with self.path.open("rb") as file:
            return file.read(len(head)) == head

    def records(self) -> Iterator[bytes]:
        """Yield the records in order, including an earlier run's, up to the first incomplete one.

        A record counts as done as soon as the next one is requested; so when a caller stops at a
        record, it and the later ones count as not done, and the next `add` replaces them.
        """
        with self.path.open("rb") as file:
            file.seek(self._begin)
            while (record := _next(file)) is not None:
                yield record
                self._end = max(self._end, file.tell())

    def add(self, record: bytes) -> None:
        """Append a record to those that are done."""
        length = _LENGTH.pack(len(record))
        with writing(self.path), self.path.open("r+b") as file:
            file.seek(self._end)
            file.write(length + _CHECKSUM.pack(_checksum(length, record)) + record)
            file.truncate()
            self._end = file.tell()

    @property
    def is_empty(self) -> bool:
        """Return whether the file holds no record, of this or an earlier run."""
        return not self.path.is_file() or self.path.stat().st_size <= self._begin

    def clear(self) -> None:
        """Remove every record."""
        with writing(self.path), self.path.open("r+b") as file:
            file.truncate(self._begin)
        self._end = self._begin


def _next(file: IO[bytes]) -> bytes | None:
    """Return the next record of a file; None if no complete one follows."""
    front = file.read(_LENGTH.size + _CHECKSUM.size)
    if len(front) < _LENGTH.size + _CHECKSUM.size:
        return None
    (length,), (checksum,) = _LENGTH.unpack_from(front), _CHECKSUM.unpack_from(front, _LENGTH.size)
    start = file.tell()
    if length > file.seek(0, 2) - start:
        return None
    file.seek(start)
    record = file.read(length)
    return record if _checksum(front[: _LENGTH.size], record) == checksum else None


def _checksum(length: bytes, record: bytes) -> int:
    """CRC-32 of both, so that zeros, as a crash of the machine may leave, are no record."""
    return zlib.crc32(record, zlib.crc32(length))


def _remove_stranger(folder: Path) -> None:
    if folder.exists():
        print(
            f"{folder} is of other inputs or settings, or of another version; starting over",
            file=sys.stderr,
        )
        _remove(folder)


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@contextmanager
def journal(out: Path, key: str, is_short: bool = False) -> Iterator[Journal]:
    """Yield the journal of a result, and remove it when the block succeeds.

    After a user's error or Ctrl-C it stays for the next run, with a note, unless it is empty.

    Args:
        out: the result, a file or a folder.
        key: what must be the same for an earlier run to count; one line.
        is_short: whether the work is short enough to be repeated after a user's error.
    """
    record = Journal(out.absolute().parent / f".finished-{out.name}", key)
    try:
        yield record
    except (InputError, KeyboardInterrupt) as error:
        if record.is_empty or (is_short and isinstance(error, InputError)):
            shutil.rmtree(record.folder, ignore_errors=True)
        else:
            print(
                f"finished work is kept in {record.folder}; run the same command again to resume",
                file=sys.stderr,
            )
        raise
    shutil.rmtree(record.folder, ignore_errors=True)
