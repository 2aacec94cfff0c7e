"""LAMOST low-resolution spectra (LRS): one co-added spectrum per file, in vacuum.

Up to DR7 a file is an image of five rows: flux, ivar, wavelength, and-mask, or-mask. From DR8 on
HDU 1 is a table of one row, whose cells FLUX, IVAR, WAVELENGTH, ANDMASK and ORMASK hold the pixels
(LAMOST data release notes, "LRS FITS files"). Flux is relative: its unit differs from file to file,
which normalization takes away. A spectrum is named as its file: LMJD-PLANID_spSPID-FIBERID.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu, checksum_flag
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.sky_position import position
from spectranet_jax.spectra.spectrum import Spectrum

ROWS = 5
"""Rows of the image: flux, ivar, wavelength, and-mask, or-mask."""

BRIGHT_SKY = 8
"""Bit of the and-mask for bright sky, which ivar already accounts for."""

COLUMNS = frozenset({"FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK"})


def is_lamost(hdu: Hdu) -> bool:
    """Return whether a header says that the telescope is LAMOST."""
    origin = " ".join(hdu.text(keyword) for keyword in ("TELESCOP", "ORIGIN", "AUTHOR"))
    return "LAMOST" in origin.upper()


def recognizes(hdus: Fits) -> bool:
    """Return whether a file is LAMOST's: an image of five rows or a table with the five columns."""
    hdu = hdus[0]
    if hdu.get("NAXIS") == 2:
        return is_lamost(hdu) and hdu.get("NAXIS2") == ROWS
    table = hdus.at(1)
    return table is not None and table.columns >= COLUMNS and not table.is_a_number("FLUX")


def spectra(hdus: Fits) -> Iterator[Spectrum]:
    """Yield the spectrum of a LAMOST file.

    ivar is 0 where the and-mask has more than `BRIGHT_SKY`: something was wrong with the pixel in
    every exposure.

    Raises:
        InputError: if the file is damaged, or its cells do not belong together.
    """
    path, hdu = hdus.path, hdus[0] if hdus[0].get("NAXIS") == 2 else hdus[1]
    flux, ivar, wavelength, mask = _cells(hdu) if hdu.is_table else hdu.numbers(np.float64)[:4]
    loglam = np.log10(np.where(wavelength > 0, wavelength, np.nan))
    yield Spectrum(
        _name(hdus[0]) or path.name.partition(".")[0],
        loglam,
        flux.astype(np.float32),
        np.where((mask == 0) | (mask == BRIGHT_SKY), ivar, 0).astype(np.float32),
        str(path),
        {**position(hdus[0].get("RA"), hdus[0].get("DEC")), "SURVEY": "lamost"},
        checksum_flag(hdu),
    )


def _cells(table: Hdu) -> list[NDArray[np.float64]]:
    """Return flux, ivar, wavelength and and-mask, (pixels,) each, of a table of one row."""
    cells = [table.cells(name) for name in ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK")]
    shapes = {cell.shape for cell in cells}
    numbers = all(cell.dtype.kind in "iuf" for cell in cells)
    if len(shapes) > 1 or not numbers or cells[0].ndim != 2 or len(cells[0]) != 1:
        raise InputError(
            f"{table.path} has cells of shapes {', '.join(map(str, sorted(shapes)))} where a LAMOST"
            " file has one row of as many fluxes, ivars, wavelengths and masks; fetch it again"
        )
    return [cell[0].astype(np.float64) for cell in cells]


def _name(hdu: Hdu) -> str:
    numbers, plan = hdu.integers("LMJD", "SPID", "FIBERID"), hdu.text("PLANID")
    if numbers is None or not plan:
        return ""
    mjd, spectrograph, fiber = numbers
    return f"{mjd}-{plan}_sp{spectrograph:02d}-{fiber:03d}"
