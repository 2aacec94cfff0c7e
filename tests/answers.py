"""Answers of inspectors for tests: rows of their files, and the files."""

from pathlib import Path

from spectranet_jax.readers import vi_file

FIBER = {"PLATE": "7102", "MJD": "56666", "FIBERID": "82"}


def row(
    kind: str = "QSO",
    z: str = "2.1",
    quality: str = "4",
    who: str = "anna",
    comment: str = "",
    **named: str,
) -> vi_file.Row:
    """Return an answer about the spectrum that is named, by default by `FIBER`."""
    names = {"FILE": "a/spec.fits", "ID": "7102-56666-0082", **(named or FIBER)}
    answer = dict(zip(vi_file.VI_COLUMNS, (kind, z, quality, comment, who), strict=True))
    return names | answer


def write(path: Path, *rows: vi_file.Row) -> Path:
    """A file of answers."""
    path.write_text(vi_file.written(rows), encoding="utf-8", newline="")
    return path
