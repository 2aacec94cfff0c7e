"""Folders that are either complete or absent."""

import glob
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.atomic import check_writable, runs
from spectranet_jax.spectra import InputError


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`, renamed to `out` only if the block succeeds.

    Raises:
        InputError: if `out` is taken, or the folder cannot be made.
    """
    check_free(out)
    out = out.absolute()
    begin = f".writing-{out.name}-{socket.gethostname()}-"
    folder = out.parent / f"{begin}{os.getpid()}"
    with writing(out):
        for left in out.parent.glob(f"{glob.escape(begin)}*"):  # left by a run that was killed
            if not runs(left.name.removeprefix(begin)):
                shutil.rmtree(left)
        folder.mkdir(parents=True)
    try:
        yield folder
        with writing(out):
            folder.rename(out)  # also replaces an empty folder
    except KeyboardInterrupt as interrupt:
        raise type(interrupt)(
            f"interrupted before {out} was complete, so it was not written; run the same command"
            " again"
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_free(out: Path) -> None:
    """Raise InputError unless `out` is absent or an empty folder: nothing is ever overwritten."""
    if (out / manifest.FILE_NAME).exists():
        raise InputError(
            f"{out} already holds a dataset; choose another folder, or remove it first"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder; choose another folder for the dataset")
    check_writable(out)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn errors of the disk into an InputError about `out`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write {out}: {error.strerror or error}; choose another folder or make room"
        ) from error
