"""SDSS-I/II spSpec files (.fit, DR7 and before): one fiber as the rows of an image, in vacuum.

The rows are flux, continuum-subtracted flux, error and mask (keywords ARRAY1 to ARRAY4); the
wavelengths are COEFF0 + COEFF1 * pixel, log10 of Angstrom, and VACUUM says that they are vacuum's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.readers import sdss
from data_prep.readers.fits import numbers, open_fits
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

FLUX, ERROR, MASK = 0, 2, 3
"""Rows of the image."""


def read(path: Path) -> list[Spectrum]:
    """The spectrum of an spSpec file, as a list of one.

    ivar is 1 / error**2, 0 where the error is not positive or bit 25 of the mask is set.

    Raises:
        InputError: if the file is missing, damaged or no spSpec file.
    """
    with open_fits(path) as hdus:
        if not recognizes(hdus):
            raise InputError(f"{path} is no spSpec file; give one of these")
        return list(spectra(path, hdus))


def recognizes(hdus: Any) -> bool:
    """Whether the primary HDU is that of an spSpec file: an image of one fiber."""
    header = hdus[0].header
    return header.get("NAXIS") == 2 and "COEFF0" in header and "FIBERID" in header


def spectra(path: Path, hdus: Any) -> Iterator[Spectrum]:
    """The spectrum in an open file: see `read`."""
    header = hdus[0].header
    sdss.check_vacuum(path, header)
    rows = numbers(path, hdus[0], np.float64)
    if rows.shape[0] <= MASK or rows.shape[1] == 0:
        raise InputError(
            f"{path} holds an image {rows.shape} where an spSpec file has at least 4 rows, flux,"
            " continuum-subtracted flux, error and mask; fetch it again"
        )
    error = rows[ERROR]
    good = np.isfinite(error) & (error > 0) & np.isfinite(rows[MASK])
    mask = np.where(np.isfinite(rows[MASK]), rows[MASK], 0).astype(np.int64)  # stored as float32
    good &= mask & sdss.COMBINEREJ == 0
    ivar = np.where(good, 1 / np.where(good, error, 1) ** 2, 0)
    values = [header.get(keyword) for keyword in ("PLATEID", "MJD", "FIBERID")]
    known = all(isinstance(value, int) for value in values)
    key = (values[0], values[1], values[2]) if known else sdss.NO_KEY
    name = sdss.spectrum_name(*key) if known else path.name.partition(".")[0]
    loglam = sdss.loglam_of_header(path, header, rows.shape[1])
    flux = rows[FLUX].astype(np.float32)
    yield Spectrum(name, loglam, flux, ivar.astype(np.float32), str(path), key)
