"""A folder as found in practice: good spectra among everything else that a folder can hold."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from make_fits import write_spec

PIXELS = 460
KEY = (7000, 56000, 1)


def _spec(path: Path, rng: np.random.Generator, **columns: object) -> None:
    columns.setdefault("flux", rng.normal(3, 1, PIXELS))
    key = (7000, 56000, int(path.name.split("-")[1]))
    write_spec(path, key, pixels=PIXELS, **columns)  # type: ignore[arg-type]


def _good(path: Path, rng: np.random.Generator) -> None:
    _spec(path, rng)


def _cut(path: Path, rng: np.random.Generator) -> None:
    _spec(path, rng)
    os.truncate(path, 9000)


def _masked(path: Path, rng: np.random.Generator) -> None:
    _spec(path, rng, ivar=np.zeros(PIXELS))


def _nan(path: Path, rng: np.random.Generator) -> None:
    _spec(path, rng, flux=np.full(PIXELS, np.nan))


def _infinite(path: Path, rng: np.random.Generator) -> None:
    _spec(path, rng, flux=np.full(PIXELS, np.inf))


def _constant(path: Path, rng: np.random.Generator) -> None:
    _spec(path, rng, flux=np.full(PIXELS, 2.0))


def _huge(path: Path, rng: np.random.Generator) -> None:
    _spec(path, rng, flux=rng.normal(3, 1, PIXELS) * np.where(np.arange(PIXELS) < 300, 1, 3e37))


def _units(path: Path, rng: np.random.Generator) -> None:
    """Write errors where ivar should be: the scatter is a thousand times what it implies."""
    _spec(path, rng, flux=rng.normal(0, 1000, PIXELS), ivar=np.full(PIXELS, 1.0))


def _bomb(path: Path, rng: np.random.Generator) -> None:
    del rng
    path.write_bytes(gzip.compress(bytes(1 << 22)))


def _columns(path: Path, rng: np.random.Generator) -> None:
    """Write a table of a billion columns."""
    _spec(path, rng)
    fields = b"TFIELDS = "
    content = path.read_bytes().replace(fields + b"%20d" % 4, fields + b"%20d" % 10**9)
    path.write_bytes(content)


def _loop(path: Path, rng: np.random.Generator) -> None:
    del rng
    path.symlink_to(path.name)


KINDS: dict[str, tuple[Callable[[Path, np.random.Generator], object], str]] = {
    "good": (_good, ""),
    "cut": (_cut, "UNREADABLE"),
    "empty": (lambda path, _: path.touch(), "UNREADABLE"),
    "text": (lambda path, _: path.write_text("no FITS at all"), "UNREADABLE"),
    "masked": (_masked, "NO_DATA"),
    "nan": (_nan, "NO_DATA"),
    "infinite": (_infinite, "NO_DATA"),
    "constant": (_constant, "NO_DATA"),
    "huge": (_huge, "BAD_PIXELS"),
    "units": (_units, "NOISE_MISMATCH"),
    "bomb": (_bomb, "UNREADABLE"),
    "columns": (_columns, "UNREADABLE"),
    "folder": (lambda path, _: path.mkdir(), "UNREADABLE"),
    "loop": (_loop, "UNREADABLE"),
    "fifo": (lambda path, _: os.mkfifo(path), "UNREADABLE"),
    "dangling": (lambda path, _: path.symlink_to("nowhere"), "UNREADABLE"),
    "device": (lambda path, _: path.symlink_to("/dev/zero"), "UNREADABLE"),
}
"""Kind of entry -> how it is made, and the flag that its row must have; "" for none of these."""


def write(folder: Path, count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Write entries of every kind in turn; some names are not UTF-8, every 50th is a duplicate.

    Returns:
        names as the operating system has them, sorted, and the kind of each.
    """
    folder.mkdir()
    entries = []
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        odd = "\udcff" if number % 10 == 3 else ""  # byte 255, which no UTF-8 has
        path = folder / f"spec-{number:05d}-{kind}{odd}.fits"
        if number % 50 == 0 and number:
            kind = "good"
            path = folder / f"spec-{number:05d}-duplicate.fits"
            path.write_bytes((folder / "spec-00000-good.fits").read_bytes())
        else:
            KINDS[kind][0](path, rng)
        entries.append((path.name, kind))
    return sorted(entries)
