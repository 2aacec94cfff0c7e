"""Public spectra that are known by name, with labels and checksums: public_spectra.csv.

The sets are those that the tables of the documentation are measured on, as far as they are in the
SDSS archive, and `sample`, 20 spectra of four classes. A checksum is the SHA-256 of a spectrum's
columns loglam, flux, ivar and and_mask one after the other as big-endian 32-bit numbers: so it is
the same for spec and spec-lite files, packed or not, and for copies of which further HDUs were
taken away, as those that the tables were measured on.
"""

import csv
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep import archive
from data_prep.archive import Release, Wanted
from data_prep.fetch_many import Target
from spectranet_jax.datasets.atomic import write_text
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.spectra import InputError

TABLE = Path(__file__).with_name("public_spectra.csv")
"""Columns SET, RELEASE, RUN2D (empty: any of SDSS-I/II), PLATE, MJD, FIBERID, CLASS, Z, SHA256."""

SAMPLE = "sample"

LABELS = "labels.csv"
"""Written beside the spectra of a set, for `python -m data_prep.sdss --catalog`."""

LABEL_COLUMNS = ("PLATE", "MJD", "FIBERID", "CLASS", "Z")

INDEX = "index.csv"
"""Written beside the folders of sets, for the commands that measure: `python -m
experiments.headline`."""

INDEX_COLUMNS = ("file", "label", "z")

SUMMED = {"loglam": ">f4", "flux": ">f4", "ivar": ">f4", "and_mask": ">i4"}


class PublicSpectrum(NamedTuple):
    """A row of `TABLE`."""

    set: str
    release: Release
    wanted: Wanted
    label: str
    z: str
    sha256: str


def public_spectra() -> list[PublicSpectrum]:
    """Return the rows of `TABLE`, in order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            PublicSpectrum(
                row["SET"],
                row["RELEASE"],  # type: ignore[arg-type]
                Wanted(int(row["PLATE"]), int(row["MJD"]), int(row["FIBERID"]), row["RUN2D"]),
                row["CLASS"],
                row["Z"],
                row["SHA256"],
            )
            for row in csv.DictReader(file)
        ]


def targets(out: Path, sample: bool, base_url: str) -> Iterator[Target]:
    """Yield the files of the sample, to one folder, or those of all sets, to a folder each.

    Args:
        out: the folder.
        sample: whether the sample is wanted, else the sets.
        base_url: the archive, or a mirror.
    """
    for spectrum in public_spectra():
        if (spectrum.set == SAMPLE) == sample:
            urls = list(archive.addresses(spectrum.wanted, "spec-lite", spectrum.release, base_url))
            name = archive.file_name(spectrum.wanted, "spec-lite")
            check = partial(_wrong, spectrum.sha256)
            yield Target(_folder(out, spectrum, sample) / name, urls, check)


def write_labels(out: Path, sample: bool) -> list[Path]:
    """Write labels.csv beside the spectra, and index.csv of all sets; what was written."""
    tables: dict[Path, list[tuple[str | int, ...]]] = {}
    for spectrum in public_spectra():
        if (spectrum.set == SAMPLE) == sample:
            wanted, known = spectrum.wanted, (spectrum.label, spectrum.z)
            path = _folder(out, spectrum, sample) / LABELS
            rows = tables.setdefault(path, [LABEL_COLUMNS])
            rows.append((wanted.plate, wanted.mjd, wanted.fiber, *known))
            if not sample:
                file = f"{spectrum.set}/{archive.file_name(wanted, 'spec-lite')}"
                tables.setdefault(out / INDEX, [INDEX_COLUMNS]).append((file, *known))
    for path, rows in tables.items():
        write_text(path, "".join(",".join(map(str, row)) + "\n" for row in rows))
    return list(tables)


def _folder(out: Path, spectrum: PublicSpectrum, sample: bool) -> Path:
    return out if sample else out / spectrum.set


def content_sha256(path: Path) -> str:
    """Return the SHA-256 of the used columns of a spec file: see the module.

    Raises:
        InputError: if it cannot be read as one.
    """
    digest = hashlib.sha256()
    with open_fits(path) as hdus:
        for column, dtype in SUMMED.items():
            kind = np.float32 if dtype == ">f4" else np.int32
            digest.update(hdus[1].numbers(kind, column).astype(dtype).tobytes())
    return digest.hexdigest()


def _wrong(sha256: str, path: Path) -> str:
    """Return what is wrong with a file whose spectrum should have this checksum; "" if nothing."""
    try:
        actual = content_sha256(path)
    except InputError as error:
        return str(error)
    if actual == sha256:
        return ""
    return f"its spectrum has SHA-256 {actual}, but {sha256} is listed in {TABLE.name}"
