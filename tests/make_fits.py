"""Small survey files for tests, in the layouts that the readers meet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

CODES = {"J": np.int32, "K": np.int64, "E": np.float32, "D": np.float64}


def table(columns: Mapping[str, Any], name: str = "") -> fits.BinTableHDU:
    """A table HDU: integers as 32 or 64 bits, floats as 32 or 64 bits, by the dtype given."""
    made = []
    for column, values in columns.items():
        array = np.asarray(values)
        code = next(c for c, dtype in CODES.items() if array.dtype == dtype)
        made.append(fits.Column(column, code, array=array))
    return fits.BinTableHDU.from_columns(made, name=name)


def write_spec(
    path: Path,
    key: tuple[int, int, int] = (7102, 56666, 520),
    *,
    flux: Any = None,
    ivar: Any = None,
    and_mask: Any = None,
    upper: bool = False,
    name: str = "COADD",
    key_in: str = "header",
    loglam_in: str = "column",
) -> Path:
    """A spec file of 4,600 pixels from 3,570 Angstrom, with the exposure table of a full one.

    Args:
        upper: column names in upper case, as DR16 has them.
        name: of the HDU of the co-added spectrum.
        key_in: "header", "table" or "" for where plate, MJD and fiber stand.
        loglam_in: "column", "header" or "" for where the wavelengths stand.
    """
    pixels = 4600
    loglam = 3.5527 + 1e-4 * np.arange(pixels)
    columns = {
        "flux": np.full(pixels, 2.0) + np.sin(np.arange(pixels) / 50) if flux is None else flux,
        "ivar": np.ones(pixels) if ivar is None else ivar,
        "loglam": loglam,
    }
    columns = {k: np.asarray(v, np.float32) for k, v in columns.items()}
    columns["and_mask"] = np.asarray(np.zeros(pixels) if and_mask is None else and_mask, np.int32)
    if loglam_in != "column":
        del columns["loglam"]
    primary = fits.PrimaryHDU()
    if loglam_in == "header":
        primary.header["COEFF0"], primary.header["COEFF1"] = 3.5527, 1e-4
    if key_in == "header":
        for keyword, value in zip(("PLATEID", "MJD", "FIBERID"), key, strict=True):
            primary.header[keyword] = value
    exposure = {k: np.zeros(9, np.float32) for k in ("flux", "ivar", "loglam")}
    hdus = [
        primary,
        table({k.upper() if upper else k: v for k, v in columns.items()}, name),
        table({"CLASS": np.int32([0])} | _key_columns([key]) if key_in == "table" else {}, "SPALL"),
        table(exposure, "B1-00123"),
    ]
    fits.HDUList(hdus).writeto(path)
    return path


def _key_columns(keys: Any) -> dict[str, Any]:
    plate, mjd, fiber = np.asarray(keys, np.int32).reshape(-1, 3).T
    return {"PLATE": plate, "MJD": mjd, "FIBERID": fiber}


def write_catalog(
    path: Path, keys: Any, columns: Mapping[str, Any], *, lower: bool = False, hdu: int = 1
) -> Path:
    """A catalog: plate, MJD and fiber of each row, and further columns, in the given HDU."""
    content = _key_columns(keys) | dict(columns)
    content = {k.lower() if lower else k: v for k, v in content.items()}
    before = [fits.PrimaryHDU(), *(fits.ImageHDU(np.zeros(3)) for _ in range(hdu - 1))]
    fits.HDUList([*before, table(content)]).writeto(path)
    return path


def superset(
    class_person: Any, z: Any = None, z_conf: Any = None, thing_id: Any = None
) -> dict[str, Any]:
    """The columns of Superset_DR12Q, for `write_catalog`."""
    n = len(class_person)
    return {
        "THING_ID": np.int64(1000 + np.arange(n) if thing_id is None else thing_id),
        "CLASS_PERSON": np.int32(class_person),
        "Z_VI": np.float64(np.full(n, 2.0) if z is None else z),
        "Z_CONF_PERSON": np.int32(np.full(n, 3) if z_conf is None else z_conf),
    }


def write_quasarnet(path: Path, image: Any, thing_id: Any, keys: Any) -> Path:
    """A data file in QuasarNET's layout: image (n, 886), and TARGETID, PLATE, MJD, FIBERID."""
    columns = {"TARGETID": np.int64(thing_id)} | _key_columns(keys)
    fits.HDUList([fits.PrimaryHDU(np.asarray(image)), table(columns)]).writeto(path)
    return path
