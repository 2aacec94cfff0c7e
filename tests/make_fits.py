"""Small survey files for tests, in the layouts that the readers meet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

FIBER = ("PLATE", "MJD", "FIBERID")


def fiber_of(spectrum: Any) -> tuple[Any, ...]:
    """Return plate, MJD and fiber in a spectrum's file; None for missing ones."""
    return tuple(spectrum.identity.get(name) for name in FIBER)


CODES = {"J": np.int32, "K": np.int64, "E": np.float32, "D": np.float64}


def table(columns: Mapping[str, Any], name: str = "") -> fits.BinTableHDU:
    """A table HDU: integers as 32 or 64 bits, floats as 32 or 64 bits, by the dtype given; text.

    A column (rows, k) has k values per row.
    """
    made = []
    for column, values in columns.items():
        array = np.asarray(values)
        if array.dtype.kind == "U":
            code = f"{array.dtype.itemsize // 4}A"
        else:
            code = next(c for c, dtype in CODES.items() if array.dtype == dtype)
            code = f"{array.shape[1]}{code}" if array.ndim > 1 else code
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
    thing_id: int | None = None,
    pixels: int = 4600,
) -> Path:
    """A spec file from 3,570 Angstrom, with the exposure table of a full one.

    Args:
        upper: column names in upper case, as DR16 has them.
        name: of the HDU of the co-added spectrum.
        key_in: "header", "table" or "" for where plate, MJD and fiber stand; "dr18" for a table
            of field, MJD and CATALOGID.
        loglam_in: "column", "header" or "" for where the wavelengths stand.
        thing_id: in the table of catalog values.
    """
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
    values: dict[str, Any] = {"SUBCLASS": ["abc"], "COLOR": np.float64([[1, 2, 3]])}
    if key_in == "table":
        values |= _key_columns([key])
    if key_in == "dr18":
        values |= {"FIELD": np.int32([key[0]]), "MJD": np.int32([key[1]])}
        values |= {"CATALOGID": np.int64([key[2]])}
    if thing_id is not None:
        values |= {"THING_ID": np.int32([thing_id])}
    exposure = {k: np.zeros(9, np.float32) for k in ("flux", "ivar", "loglam")}
    hdus = [
        primary,
        table({k.upper() if upper else k: v for k, v in columns.items()}, name),
        table(values, "SPALL"),
        table(exposure, "B1-00123"),
    ]
    fits.HDUList(hdus).writeto(path)
    return path


def _key_columns(keys: Any) -> dict[str, Any]:
    plate, mjd, fiber = np.asarray(keys, np.int32).reshape(-1, 3).T
    return dict(zip(FIBER, (plate, mjd, fiber), strict=True))


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


def write_spplate(
    path: Path, plate: int = 4055, mjd: int = 55359, *, flux: Any, ivar: Any, **hdus: Any
) -> Path:
    """An spPlate file: flux and ivar (fibers, pixels) from 3,548 Angstrom.

    Args:
        hdus: and_mask (fibers, pixels), fibers (fibers,), and names=False for HDUs without names.
    """
    flux = np.asarray(flux, np.float32)
    name = (lambda text: text) if hdus.get("names", True) else lambda _: ""
    primary = fits.PrimaryHDU(flux)
    primary.header.update({"PLATEID": plate, "MJD": mjd, "COEFF0": 3.55, "COEFF1": 1e-4})
    mask = np.asarray(hdus.get("and_mask", np.zeros(flux.shape)), np.int32)
    fibers = np.int32(hdus.get("fibers", np.arange(1, len(flux) + 1)))
    images = {
        "IVAR": np.asarray(ivar, np.float32),
        "ANDMASK": mask,
        "ORMASK": np.zeros_like(mask),
        "WAVEDISP": np.ones_like(flux),
    }
    content = [fits.ImageHDU(image, name=name(key)) for key, image in images.items()]
    plug_map = table({"OBJID": np.int32(fibers * 7), "FIBERID": fibers}, name("PLUGMAP"))
    sky = fits.ImageHDU(np.zeros_like(flux), name=name("SKY"))
    fits.HDUList([primary, *content, plug_map, sky]).writeto(path)
    return path


def write_spspec(
    path: Path, key: tuple[int, int, int] = (304, 51609, 87), *, flux: Any, error: Any, mask: Any
) -> Path:
    """An spSpec file: rows flux, continuum-subtracted flux, error, mask from 3,800 Angstrom."""
    rows = np.stack([flux, np.zeros_like(flux), error, mask, np.zeros_like(flux)])
    image = fits.PrimaryHDU(np.asarray(rows, np.float32))
    image.header.update(dict(zip(("PLATEID", "MJD", "FIBERID"), key, strict=True)))
    image.header.update({"COEFF0": 3.5798, "COEFF1": 1e-4, "VACUUM": True})
    image.writeto(path)
    return path


DESI_ARMS = {"B": (3600.0, 5800.0), "R": (5760.0, 7620.0), "Z": (7520.0, 9824.0)}


def write_coadd(
    path: Path, target_id: Any, rng: Any, *, step: float = 0.8, checksum: bool = False
) -> Path:
    """A DESI coadd: three arms of random spectra for each TARGETID."""
    ids = np.int64(target_id)
    hdus = [fits.PrimaryHDU(), table({"TARGETID": ids}, "FIBERMAP")]
    for arm, (first, last) in DESI_ARMS.items():
        wavelength = np.arange(first, last + step / 2, step)
        shape = (len(ids), len(wavelength))
        hdus += [
            fits.ImageHDU(wavelength, name=f"{arm}_WAVELENGTH"),
            fits.ImageHDU(rng.normal(3, 1, shape).astype(np.float32), name=f"{arm}_FLUX"),
            fits.ImageHDU(rng.uniform(1, 2, shape).astype(np.float32), name=f"{arm}_IVAR"),
            fits.ImageHDU(np.zeros(shape, np.int32), name=f"{arm}_MASK"),
        ]
    fits.HDUList(hdus).writeto(path, checksum=checksum)
    return path
