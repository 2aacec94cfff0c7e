"""SDSS-I/II spSpec files (.fit, DR7 and before): one fiber as the rows of an image, in vacuum.

The rows are flux, continuum-subtracted flux, error and mask (keywords ARRAY1 to ARRAY4); the
wavelengths are COEFF0 + COEFF1 * pixel, log10 of Angstrom, and VACUUM says that they are vacuum's.
"""

from collections.abc import Iterator

import numpy as np

from spectranet_jax.readers import sdss_spec
from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import checksum_flag
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.sky_position import position
from spectranet_jax.spectra.spectrum import Spectrum

FLUX, ERROR, MASK = 0, 2, 3
"""Rows of the image."""


def recognizes(hdus: Fits) -> bool:
    """Return whether the primary HDU is an spSpec file's: an image of one fiber of a plate."""
    hdu = hdus[0]
    if hdu.get("NAXIS") != 2 or "COEFF0" not in hdu or "FIBERID" not in hdu:
        return False
    if "TELESCOP" in hdu and "SDSS" not in hdu.text("TELESCOP").upper():
        return False
    return hdu.text("ARRAY3").upper() == "ERROR" if "ARRAY3" in hdu else "PLATEID" in hdu


def spectra(hdus: Fits) -> Iterator[Spectrum]:
    """Yield the spectrum of an spSpec file.

    ivar is 1 / error**2, 0 where the error is not positive or bit 25 of the mask is set.

    Raises:
        InputError: if the file is damaged, or its image is of another layout.
    """
    path, hdu = hdus.path, hdus[0]
    sdss_spec.check_vacuum(hdu)
    rows = hdu.numbers(np.float64)
    if rows.shape[0] <= MASK or rows.shape[1] == 0:
        raise InputError(
            f"{path} holds an image {rows.shape} where an spSpec file has at least 4 rows, flux,"
            " continuum-subtracted flux, error and mask; fetch it again"
        )
    error = rows[ERROR]
    if np.all(np.diff(error) > 0):
        raise InputError(
            f"{path} has a third row that rises throughout, as wavelengths do, where an spSpec file"
            " has the error; it is of another layout"
        )
    good = np.isfinite(error) & (error > 0) & np.isfinite(rows[MASK])
    mask = np.where(np.isfinite(rows[MASK]), rows[MASK], 0).astype(np.int64)  # stored as float32
    good &= mask & sdss_spec.COMBINEREJ == 0
    ivar = np.where(good, 1 / np.where(good, error, 1) ** 2, 0)
    identity: dict[str, int | float | str] = {
        **sdss_spec.fiber_of_header(hdu),
        **position(hdu.get("RAOBJ"), hdu.get("DECOBJ")),
        "SURVEY": "sdss",
    }
    name = sdss_spec.name_of(identity) or path.name.partition(".")[0]
    loglam = sdss_spec.loglam_of_header(hdu, rows.shape[1])
    flux, ivar = rows[FLUX].astype(np.float32), ivar.astype(np.float32)
    yield Spectrum(name, loglam, flux, ivar, str(path), identity, checksum_flag(hdu))
