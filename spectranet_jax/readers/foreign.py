"""Layouts that are not read: how each is recognized, and what to give instead."""

from collections.abc import Callable
from itertools import islice
from typing import NoReturn

from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.readers.lamost import is_lamost
from spectranet_jax.spectra import InputError

READ = (
    "SDSS and BOSS spec, spPlate and spSpec, DESI coadd and spectra, LAMOST low-resolution files,"
    " or HDF5 of MultimodalUniverse"
)
"""The layouts that are read, in a sentence."""

REBIN = (
    "read it with astropy, and make a spectrum of its wavelengths, flux and errors with"
    " spectranet_jax.spectrum"
)

SDSS_V = ("BOSS/APO", "BOSS/LCO", "APOGEE/APO", "APOGEE/LCO")
"""HDUs of SDSS-V's mwmStar and mwmVisit (astra data model)."""

MAX_HDUS = 8
"""HDUs of an unknown file that are examined, and named."""


def _some(hdus: Fits) -> list[Hdu]:
    return list(islice(hdus, MAX_HDUS))


def _whole_spectra(hdu: Hdu) -> bool:
    names = ("FLUX", "FLUX_REDUCED", "SPEC")
    return any(name in hdu.columns and not hdu.is_a_number(name) for name in names)


def _linear(hdu: Hdu) -> bool:
    axes = {"CDELT1", "CD1_1"}
    return not hdu.is_table and "CRVAL1" in hdu and any(axis in hdu for axis in axes)


LAYOUTS: tuple[tuple[Callable[[Fits], bool], str], ...] = (
    (
        lambda hdus: any(hdu.name in SDSS_V for hdu in _some(hdus)),
        "is an mwmStar or mwmVisit file of SDSS-V, with whole spectra in the rows of its tables;"
        " give the spec-FIELD-MJD-CATALOGID files instead",
    ),
    (
        lambda hdus: is_lamost(hdus[0]),
        "is a LAMOST file of another layout than the low-resolution one; give LRS spectra",
    ),
    (
        lambda hdus: any(_whole_spectra(hdu) for hdu in _some(hdus)),
        f"has whole spectra in the rows of a table, as ESO's Phase 3 products have; {REBIN}",
    ),
    (
        lambda hdus: any({"FLUX", "IVAR"} <= hdu.columns for hdu in _some(hdus)),
        "has flux and ivar, but no wavelengths: neither a column loglam nor COEFF0 and COEFF1 in a"
        " header; fetch the file as the survey distributes it",
    ),
    (
        lambda hdus: any(_linear(hdu) for hdu in _some(hdus)),
        f"is an image with wavelengths CRVAL1 + CDELT1 * pixel, as IRAF writes; {REBIN}",
    ),
)
"""Pairs of a test of the HDUs and what to say of a layout not read; the first that matches."""


def refuse(hdus: Fits) -> NoReturn:
    """Raise InputError for a file that no reader recognizes."""
    for recognizes, sentence in LAYOUTS:
        if recognizes(hdus):
            raise InputError(f"{hdus.path} {sentence}")
    content = ", ".join(_described(hdu) for hdu in _some(hdus))
    raise InputError(
        f"{hdus.path} holds no spectra in a layout that is read ({content}); give {READ}"
    )


def _described(hdu: Hdu) -> str:
    if not hdu.is_table:
        return hdu.called
    names = sorted(hdu.columns)
    return f"{hdu.called} with columns {' '.join(names[:4])}{' ...' if len(names) > 4 else ''}"
