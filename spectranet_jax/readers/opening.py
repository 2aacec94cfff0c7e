"""Untrusted files: only regular ones are opened, and gzip files are unpacked within bounds.

A FIFO or a device would keep a reader waiting, or never end, so neither is opened. Where the file
system itself fails, a sentence says so.
"""

import errno
import gzip
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from spectranet_jax.readers.damage import Damage
from spectranet_jax.spectra import InputError

MAGIC, GZIP_MAGIC = b"SIMPLE", b"\x1f\x8b"
IN_MEMORY = 64 << 20
"""Bytes of a gzip file's content beyond which it is unpacked to disk."""

UNPACKED_AT_LEAST, UNPACKED_TIMES = 1 << 30, 100
"""Limits of an unpacked gzip file, in bytes and relative to the packed file; the larger one holds:
those of surveys unpack to 2 to 30 times, and a bomb to 1,000.
"""

AT_ONCE = 1 << 20


def check_regular(path: Path) -> None:
    """Raise InputError unless there is a regular file of that name, without opening it."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the name") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions") from error
    except (OSError, ValueError) as error:  # ValueError for a name with a null byte
        raise InputError(f"{path} cannot be opened ({error}); check the name") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder where a file is expected; name the file")
    if not stat.S_ISREG(mode):
        raise InputError(
            f"{path} is a pipe, a socket or a device, which is not opened; give a regular file"
        )


def open_regular(path: Path) -> IO[bytes]:
    """Open a file without unpacking it: every reader opens untrusted files with this.

    Raises:
        InputError: if there is none that may be read, or it is no regular one.
    """
    check_regular(path)
    try:
        # If a FIFO takes the file's place now, opening it does not wait.
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    except FileNotFoundError as error:
        raise InputError(f"{path} vanished before it was read; check the name") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions") from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error}); check the name") from error


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked to its end if it is a gzip file, since its checksum is there.

    Raises:
        InputError: if there is none, it does not begin as FITS, or it unpacks beyond all bounds.
    """
    with open_regular(path) as file, tempfile.SpooledTemporaryFile(IN_MEMORY) as content:
        with Damage(path):
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
        if packed:
            _unpack(path, file, content)
            content.seek(0)
        else:
            _check_begin(path, file)
        yield content if packed else file


def _unpack(path: Path, file: IO[bytes], content: IO[bytes]) -> None:
    """Unpack a gzip file whose content begins as FITS."""
    size = os.fstat(file.fileno()).st_size
    most = max(UNPACKED_AT_LEAST, UNPACKED_TIMES * size)
    with gzip.open(file) as unpacked:
        _check_begin(path, unpacked)
        total = 0
        while True:
            with Damage(path):
                piece = unpacked.read(AT_ONCE)
            total += len(piece)
            if not piece:
                return
            if total > most:
                raise InputError(
                    f"{path} unpacks from {size / 1e6:.1f} MB to more than {most / 1e9:.1f} GB, as"
                    " no survey's file does; unpack it with gunzip if it is to be trusted"
                )
            _write(path, piece, content)


def _write(path: Path, piece: bytes, content: IO[bytes]) -> None:
    try:
        content.write(piece)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(
            f"{path} cannot be unpacked: there is no room in {tempfile.gettempdir()}; make room, or"
            " name another folder in TMPDIR"
        ) from error


def _check_begin(path: Path, file: IO[bytes] | gzip.GzipFile) -> None:
    """Distinguish files that never were FITS from truncated ones, even within their first word."""
    with Damage(path):
        begin = file.read(len(MAGIC))
        file.seek(0)
    if not MAGIC.startswith(begin):
        raise InputError(f"{path} is not a FITS file; give the file as the survey distributes it")
