"""SDSS and BOSS spec files, lite and full: one co-added spectrum a file, in vacuum.

HDUs and columns are found by name in any case, since releases differ in both (SDSS data model,
files spec and spec-lite): SPALL or, for SDSS-I/II, SPECOBJ in HDU 2; DR16 files have no HDU names
at all; from DR18 on a file is named after field, MJD and CATALOGID.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.readers.fits import columns, find_table, integers_after, numbers, open_fits
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

COMBINEREJ = 1 << 25
"""Bit of and_mask: the pixel was rejected in every exposure (SPPIXMASK), so its ivar means nothing.
QuasarNET masks it too."""

NO_KEY = (-1, -1, -1)

CATALOG_VALUES = ("PLATE", "MJD", "FIBERID", "THING_ID", "FIELD", "CATALOGID")


def read(path: Path) -> list[Spectrum]:
    """The spectrum of a spec or spec-lite file, as a list of one.

    The wavelengths are the column loglam, or COEFF0 + COEFF1 * pixel of a header where there is no
    such column. Plate, MJD and fiber come from the primary header, or from the table of catalog
    values (SPALL or SPECOBJ); without either, the name is the file's and the key (-1, -1, -1).
    A file of DR18 or later is named field-MJD-CATALOGID and has the key (CATALOGID, -1, -1).

    Raises:
        InputError: if the file is missing, damaged, or of another format.
    """
    with open_fits(path) as hdus:
        return list(spectra(path, hdus))


def recognizes(hdus: Any) -> bool:
    """Whether the file begins as a spec file does: further HDUs are not looked at."""
    return any({"FLUX", "IVAR"} <= columns(hdu) for hdu in islice(hdus, 1, 2))


def spectra(path: Path, hdus: Any) -> Iterator[Spectrum]:
    """The spectrum in an open file: see `read`."""
    check_vacuum(path, hdus[0].header)
    # Full files append a table a single exposure, so the first is the co-added one.
    table = find_table(hdus, {"FLUX", "IVAR"})
    if table is None:
        raise InputError(
            f"{path} has no table with columns flux and ivar, so it is no SDSS spectrum;"
            " give spec, spec-lite, spPlate, spSpec or DESI coadd files"
        )
    flux = numbers(path, table, np.float32, "flux")
    ivar = numbers(path, table, np.float32, "ivar")
    if "AND_MASK" in columns(table):
        ivar[numbers(path, table, np.int64, "and_mask") & COMBINEREJ != 0] = 0
    if not len(flux):
        raise InputError(f"{path} holds a spectrum without pixels; fetch it again")
    if "LOGLAM" in columns(table):
        loglam = numbers(path, table, np.float64, "loglam")
    else:
        header = table.header if "COEFF0" in table.header else hdus[0].header
        loglam = loglam_of_header(path, header, len(flux))
    name, key, object_id = _identity(path, hdus)
    yield Spectrum(name, loglam, flux, ivar, str(path), key, object_id)


def check_vacuum(path: Path, header: Any) -> None:
    """Raise InputError where a header says that the wavelengths are those in air."""
    if header.get("VACUUM", True) is False:
        raise InputError(
            f"{path} has wavelengths in air (VACUUM = F in its header), and every spectrum is taken"
            " in vacuum here; give the file as SDSS distributes it"
        )


def loglam_of_header(path: Path, header: Any, pixels: int) -> NDArray[np.float64]:
    """log10 wavelength COEFF0 + COEFF1 * pixel of a header, vacuum Angstrom, (pixels,).

    Raises:
        InputError: if the header lacks them or they are no wavelengths.
    """
    first, step = header.get("COEFF0"), header.get("COEFF1")
    if not all(isinstance(value, int | float) for value in (first, step)):
        raise InputError(
            f"{path} has no wavelengths: neither a column loglam nor COEFF0 and COEFF1 in a header;"
            " fetch the file as the survey distributes it"
        )
    last = first + step * (pixels - 1)
    if not (2 < first < 5 and 2 < last < 5 and step > 0):  # 100 Angstrom to 10 micron
        raise InputError(
            f"{path} has COEFF0 = {first} and COEFF1 = {step}, which are not log10 of wavelengths"
            " in Angstrom; fetch it again"
        )
    return first + step * np.arange(pixels, dtype=np.float64)


def spectrum_name(plate: int, mjd: int, fiber: int) -> str:
    """What SDSS calls a spectrum: plate-mjd-fiber."""
    return f"{plate:04d}-{mjd:d}-{fiber:04d}"


def _identity(path: Path, hdus: Any) -> tuple[str, tuple[int, int, int], int]:
    """Name, key, and THING_ID or CATALOGID (-1 where the file does not tell)."""
    values = integers_after(hdus[1], CATALOG_VALUES)  # SPALL or SPECOBJ is HDU 2
    header, thing_id = hdus[0].header, values.get("THING_ID", -1)
    if all(isinstance(header.get(k), int) for k in ("PLATEID", "MJD", "FIBERID")):
        key = header["PLATEID"], header["MJD"], header["FIBERID"]
        return spectrum_name(*key), key, thing_id
    if {"PLATE", "MJD", "FIBERID"} <= values.keys():
        key = values["PLATE"], values["MJD"], values["FIBERID"]
        return spectrum_name(*key), key, thing_id
    if {"FIELD", "MJD", "CATALOGID"} <= values.keys():
        catalog_id = values["CATALOGID"]
        name = f"{values['FIELD']:06d}-{values['MJD']:d}-{catalog_id:d}"
        return name, (catalog_id, -1, -1), catalog_id
    return path.name.partition(".")[0], NO_KEY, -1
