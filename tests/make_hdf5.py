"""HDF5 files in the layout of MultimodalUniverse, for tests."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def sdss_columns(
    loglam: Any, flux: Any, ivar: Any, keys: Any, classes: Any, z: Any, **others: Any
) -> dict[str, Any]:
    """Columns of n spectra of SDSS, padded to the longest as that project pads.

    Args:
        loglam, flux, ivar: n arrays of (pixels,) each; pixels may differ.
        keys: (n, 3) plate, MJD and fiber.
        classes: (n,) CLASS; z: (n,) redshifts.
        others: further columns, which replace those here.
    """
    longest = max(map(len, flux))

    def padded(rows: Any, value: Any = None) -> Any:
        return np.stack(
            [
                np.pad(np.float32(row), (0, longest - len(row)), constant_values=row[-1])
                if value is None
                else np.pad(np.float32(row), (0, longest - len(row)), constant_values=value)
                for row in rows
            ]
        )

    plate, mjd, fiber = np.int32(keys).T
    ivar = padded(ivar, 0)
    columns = {
        "spectrum_lambda": padded([10**row for row in loglam], -1),
        "spectrum_flux": padded(flux),
        "spectrum_ivar": ivar,
        "spectrum_mask": ivar <= 1e-6,
        "spectrum_lsf_sigma": np.ones_like(ivar),
        **{"PLATE": plate, "MJD": mjd, "FIBERID": fiber},
        "CLASS": np.array([f"{name:<6}" for name in classes], "S6"),
        "Z": np.float32(z),
        "ZWARNING": np.zeros(len(z), np.int32),
        "ra": np.linspace(10, 20, len(z)),
        "dec": np.linspace(-5, 5, len(z)),
        "healpix": np.full(len(z), 583),
        "object_id": np.array([f"{n:>19}" for n in range(len(z))], "S19"),
    }
    return {name: v for name, v in (columns | others).items() if v is not None}


def desi_columns(flux: Any, ivar: Any, ids: Any, classes: Any, z: Any) -> dict[str, Any]:
    """Columns of n spectra of DESI, (n, 7781) each, cameras combined."""
    count = len(z)
    return {
        "spectrum_flux": np.float32(flux),
        "spectrum_ivar": np.float32(ivar),
        "spectrum_lambda_min": np.full(count, 3600, np.float32),
        "spectrum_lambda_max": np.full(count, 9824, np.float32),
        "spectrum_lsf": np.ones((count, 11), np.float32),
        "TARGETID": np.int64(ids),
        "SPECTYPE": np.array(classes, "S6"),
        "Z": np.float64(z),
        "ZWARN": np.zeros(count, np.int64),
        "ra": np.linspace(10, 20, count),
        "dec": np.linspace(-5, 5, count),
    }


def write_hdf5(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    """A file of these datasets; options are those of h5py's create_dataset."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file.create_dataset(name, data=values, **options)
    return path
