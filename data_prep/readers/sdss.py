"""SDSS and BOSS spec files, lite and full: one co-added spectrum a file.

HDUs and columns are found by name in any case, since releases differ in both (SDSS data model,
files spec and spec-lite; DR16 files have no HDU names at all).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.readers.fits import columns, find_table, open_fits
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

COMBINEREJ = 1 << 25
"""Bit of and_mask: the pixel was rejected in every exposure (SPPIXMASK), so its ivar means nothing.
QuasarNET masks it too."""

NO_KEY = (-1, -1, -1)


def read(path: Path) -> list[Spectrum]:
    """The spectrum of a spec or spec-lite file, as a list of one.

    The wavelengths are the column loglam, or COEFF0 + COEFF1 * pixel of a header where there is no
    such column. Plate, MJD and fiber come from the primary header, or from the table of catalog
    values (SPALL or SPECOBJ); without either, the name is the file's and the key (-1, -1, -1).

    Raises:
        InputError: if the file is missing, damaged, or of another format.
    """
    with open_fits(path) as hdus:
        return spectra(path, hdus)


def spectra(path: Path, hdus: Any) -> list[Spectrum]:
    """The spectrum in an open file: see `read`."""
    table = _coadd(hdus)
    if table is None:
        raise InputError(_what_it_is(path, hdus))
    data = table.data
    flux = np.array(data["flux"], np.float32)
    ivar = np.array(data["ivar"], np.float32)
    if "AND_MASK" in columns(table):
        ivar[np.asarray(data["and_mask"]) & COMBINEREJ != 0] = 0
    loglam = _loglam(path, hdus, table, len(flux))
    key = _key(hdus)
    if not len(flux):
        raise InputError(f"{path} holds a spectrum without pixels; fetch it again")
    name = "{:04d}-{:d}-{:04d}".format(*key) if key != NO_KEY else path.name.partition(".")[0]
    return [Spectrum(name, loglam, flux, ivar, str(path), key)]


def _coadd(hdus: Any) -> Any | None:
    """The table of the co-added spectrum; full files append one a single exposure after it."""
    named = [hdu for hdu in hdus if hdu.name.upper() == "COADD"]
    return find_table([*named, *hdus], {"FLUX", "IVAR"})


def _loglam(path: Path, hdus: Any, table: Any, pixels: int) -> NDArray[np.float64]:
    if "LOGLAM" in columns(table):
        return np.array(table.data["loglam"], np.float64)
    for header in (table.header, hdus[0].header):
        if "COEFF0" in header and "COEFF1" in header:
            pixel = np.arange(pixels, dtype=np.float64)
            return header["COEFF0"] + header["COEFF1"] * pixel
    raise InputError(
        f"{path} has no wavelengths: neither a column loglam nor COEFF0 and COEFF1 in a header;"
        " fetch the file as the survey distributes it"
    )


def _key(hdus: Any) -> tuple[int, int, int]:
    header = hdus[0].header
    if all(k in header for k in ("PLATEID", "MJD", "FIBERID")):
        return int(header["PLATEID"]), int(header["MJD"]), int(header["FIBERID"])
    table = find_table(hdus, {"PLATE", "MJD", "FIBERID"})
    if table is not None and len(table.data):
        row = table.data[0]
        return int(row["PLATE"]), int(row["MJD"]), int(row["FIBERID"])
    return NO_KEY


def _what_it_is(path: Path, hdus: Any) -> str:
    """A sentence on a file that is no spec file: what it is instead, and what to do."""
    header, names = hdus[0].header, {hdu.name.upper() for hdu in hdus}
    advice = "give spec or spec-lite files"
    if header["NAXIS"] == 2 and "COEFF0" in header:
        if "FIBERID" in header:
            return (
                f"{path} is an spSpec file (one fiber, DR7 and before), a format that is not read;"
                f" {advice} of the same plate, MJD and fiber, as DR8 and later have them"
            )
        lacking = "" if "IVAR" in names or len(hdus) > 2 else " and lacks its inverse variance"
        return f"{path} is an spPlate file (a whole plate), which is not read{lacking}; {advice}"
    if {"B_FLUX", "R_FLUX", "Z_FLUX"} & names:
        return f"{path} is a DESI file, which the SDSS reader does not read; {advice}"
    return f"{path} has no table with columns flux and ivar, so it is no SDSS spectrum; {advice}"
