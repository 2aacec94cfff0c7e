"""48 short spec files with their catalog, and what is prepared of them."""

from pathlib import Path

import numpy as np
from make_fits import superset, write_catalog, write_spec

from data_prep import survey_files as surveys

FILES = 48


def make(folder: Path) -> Path:
    """Write the files into folder/spectra and folder/catalog.fits."""
    rng = np.random.default_rng(3)
    keys = [(7000, 56000, 1 + i) for i in range(FILES)]
    (folder / "spectra").mkdir()
    for key in keys:
        path = folder / "spectra" / "spec-{}-{}-{:04d}.fits".format(*key)
        write_spec(path, key, flux=rng.normal(3, 1, 4600))
    codes = np.array([1, 4, 3, 30])[np.arange(FILES) % 4]
    write_catalog(folder / "catalog.fits", keys, superset(codes))
    return folder


def config(folder: Path, out: Path, **options) -> surveys.Config:
    spectra = (str(folder / "spectra"),)
    return surveys.Config((str(folder / "catalog.fits"),), spectra, out, **options)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Content of a dataset's shards by name."""
    return {path.name: path.read_bytes() for path in folder.glob("*.array_record")}
