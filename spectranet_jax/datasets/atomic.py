"""Files that are either complete or absent."""

import glob
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from spectranet_jax.spectra.errors import InputError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` only if the block succeeds.

    The temporary name keeps the file's full suffix, since writers choose a format by it. The first
    file in a folder also removes what killed processes left there.

    Raises:
        InputError: if the file cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _forget_killed_once(path.parent.absolute())
        folder = Path(tempfile.mkdtemp(prefix=_of_this_process(), dir=path.parent))
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; choose another output path"
        ) from error
    temporary = folder / path.name
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:  # no room, or `path` is a folder
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; choose another output path"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forget_killed(folder: Path) -> None:
    """Remove from a folder the temporary files of this machine's processes that were killed."""
    begin = _of_this_machine()
    for left in folder.glob(f"{glob.escape(begin)}*"):
        if not runs(left.name.removeprefix(begin).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)


@cache
def _forget_killed_once(folder: Path) -> None:
    """Call `forget_killed` for a folder at its first use, not for each of a million figures."""
    forget_killed(folder)


def runs(process: str) -> bool:
    """Return whether a process of this machine, other than ours, has that number."""
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _of_this_machine() -> str:
    return f".writing-{socket.gethostname()}-"


def _of_this_process() -> str:
    return f"{_of_this_machine()}{os.getpid()}-"


def check_writable(path: Path, folder: bool = False) -> None:
    """Raise an error before any work if a file or folder cannot be made.

    A trial file is written in the folder itself or in the nearest one above, since permissions do
    not show a full disk or a folder of the system. What killed processes left there is removed.

    Args:
        path: file or folder to be made, by the name that the user gave.
        folder: whether it is to be a folder.

    Raises:
        InputError: with that name.
    """
    try:
        if folder and path.is_file():
            raise InputError(f"cannot write {path}: it is a file; choose another folder")
        exists = path.exists()  # or the name is too long
        above = next(parent for parent in path.absolute().parents if parent.exists())
        place = path if folder and exists else above
        tempfile.TemporaryDirectory(prefix=_of_this_process(), dir=place).cleanup()
        forget_killed(place)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; choose another output path"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path` atomically: no reader ever sees half of it."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
