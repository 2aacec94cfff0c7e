"""SHA256SUMS: the sha256 of every file of a folder, and of the list itself.

The lines are those of `sha256sum`, so that `sha256sum -c SHA256SUMS` checks a folder without this
package; the last line, a comment, has the sha256 of the lines above.
"""

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from spectranet_jax.datasets.atomic import write_text
from spectranet_jax.spectra.errors import InputError

FILE_NAME = "SHA256SUMS"

HASHED_AT_ONCE = 4 << 20
"""Bytes hashed at once."""

_COMMENT = "# sha256 of the lines above: "


def sha256_of(path: Path) -> str:
    """Return the checksum of a file's content, hexadecimal.

    Reads large pieces: a hashing thread needs Python's lock between them, and may have to wait.
    """
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(min(os.fstat(file.fileno()).st_size, HASHED_AT_ONCE) or 1)
        while size := file.readinto(buffer):
            digest.update(memoryview(buffer)[:size])
    return digest.hexdigest()


def write(folder: Path, names: Iterable[str] | None = None) -> None:
    """Write the checksums of a folder's files, after all its other files.

    Args:
        folder: holds the files.
        names: of the files; by default all that are in the folder and below it.
    """
    if names is None:
        files = (path for path in folder.rglob("*") if path.is_file())
        names = [path.relative_to(folder).as_posix() for path in files]
    lines = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in sorted(names))
    write_text(folder / FILE_NAME, f"{lines}{_COMMENT}{_digest(lines)}\n")


def damage(folder: Path) -> str:
    """What is wrong with a folder that has checksums, as "FILE is missing"; "" if nothing is.

    Files that are not listed are not checked.
    """
    try:
        text = (folder / FILE_NAME).read_bytes().decode()
    except FileNotFoundError:
        return f"{FILE_NAME} is missing"
    except (OSError, UnicodeDecodeError) as error:
        return f"{FILE_NAME} cannot be read ({getattr(error, 'strerror', None) or 'not text'})"
    lines, comment, digest = text.partition(_COMMENT)
    if not comment or digest != f"{_digest(lines)}\n":
        return f"{FILE_NAME} is not as it was written"
    wrong = (_wrong(folder, *line.split("  ", 1)) for line in lines.splitlines())
    return next(filter(None, wrong), "")


def check(folder: Path, remedy: str) -> None:
    """Check a folder against its checksums; warn if there are none, as in an older release.

    Args:
        folder: to check.
        remedy: what to do if it is damaged.

    Raises:
        InputError: if it is damaged.
    """
    if not (folder / FILE_NAME).exists():
        print(
            f"warning: {folder} has no {FILE_NAME}, as written by an earlier release; it is used"
            " without a check for damage",
            file=sys.stderr,
        )
    elif wrong := damage(folder):
        raise InputError(f"{folder} is damaged: {wrong}; {remedy}")


def _wrong(folder: Path, digest: str, name: str) -> str:
    if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
        return f"{FILE_NAME} names {name}, which is not in its folder"
    try:
        matches = sha256_of(folder / name) == digest
    except FileNotFoundError:
        return f"{name} is missing"
    except OSError as error:
        return f"{name} cannot be read ({error.strerror or error})"
    return "" if matches else f"{name} differs from its sha256"


def _digest(lines: str) -> str:
    return hashlib.sha256(lines.encode()).hexdigest()
