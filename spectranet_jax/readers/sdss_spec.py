"""SDSS and BOSS spec files, lite and full: one co-added spectrum per file, in vacuum.

HDUs and columns are found by name in any case, since releases differ in both (SDSS data model,
files spec and spec-lite): SPALL or, for SDSS-I/II, SPECOBJ in HDU 2; DR16 files have no HDU names
at all; from DR18 on a file is named after field, MJD and CATALOGID.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.first_row import values_after
from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu, checksum_flag
from spectranet_jax.readers.whole_column import whole_column
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity import FIBER, OBJECTS, is_known
from spectranet_jax.spectra.sky_position import position
from spectranet_jax.spectra.spectrum import Spectrum

COMBINEREJ = 1 << 25
"""Bit of and_mask: the pixel was rejected in every exposure (SPPIXMASK), so its ivar means nothing.
QuasarNET masks it too."""

HEADER = ("PLATEID", "MJD", "FIBERID")
"""Keywords of a primary header with plate, MJD and fiber."""

FIELDS = ("FIELD", "MJD", "CATALOGID")
NUMBERS = (*FIBER, *FIELDS, *OBJECTS)
POSITIONS = (("PLUG_RA", "PLUG_DEC"), ("RACAT", "DECCAT"), ("RA", "DEC"))
"""Columns of SPALL or SPECOBJ with an object's position, the best first. RA and DEC of a primary
header are the telescope's pointing; PLUG_RA and PLUG_DEC are the object's there too.
"""

CATALOG_VALUES = (*NUMBERS, *(name for pair in POSITIONS for name in pair), "SURVEY")

SURVEYS = {"v5": "boss", "v6": "sdss-v"}
"""Beginning of RUN2D -> the survey, where no column SURVEY names it; boss includes eBOSS."""


def recognizes(hdus: Fits) -> bool:
    """Return whether HDU 1 is the table of a spec file; later HDUs are not read."""
    table = hdus.at(1)
    if table is None or not {"FLUX", "IVAR"} <= table.columns:
        return False
    has_wavelengths = "LOGLAM" in table.columns or "COEFF0" in table or "COEFF0" in hdus[0]
    return has_wavelengths and table.is_a_number("FLUX")


def spectra(hdus: Fits) -> Iterator[Spectrum]:
    """Yield the spectrum of a spec or spec-lite file.

    The wavelengths are the column loglam, or COEFF0 + COEFF1 * pixel of a header where there is no
    such column. Plate, MJD and fiber come from the primary header, or from the table of catalog
    values (SPALL or SPECOBJ); without either, the name is the file's. A file of DR18 or later is
    named field-MJD-CATALOGID.

    Raises:
        InputError: if the file is damaged, or its wavelengths are in air or missing.
    """
    path = hdus.path
    check_vacuum(hdus[0])
    table = hdus[1]  # full files append one per exposure
    flux = table.numbers(np.float32, "flux")
    ivar = table.numbers(np.float32, "ivar")
    if "AND_MASK" in table.columns:
        ivar[table.numbers(np.int64, "and_mask") & COMBINEREJ != 0] = 0
    if not len(flux):
        raise InputError(f"{path} holds a spectrum without pixels; fetch it again")
    if "LOGLAM" in table.columns:
        loglam = table.numbers(np.float64, "loglam")
    else:
        loglam = loglam_of_header(table if "COEFF0" in table else hdus[0], len(flux))
    identity, flags = _identity(hdus)
    name = name_of(identity) or path.name.partition(".")[0]
    flags |= checksum_flag(table)
    yield Spectrum(name, loglam, flux, ivar, str(path), identity, flags)


def check_vacuum(hdu: Hdu) -> None:
    """Raise InputError if a header says that the wavelengths are in air."""
    if hdu.get("VACUUM") is False:
        raise InputError(
            f"{hdu.path} has wavelengths in air (VACUUM = F in its header), but vacuum"
            " wavelengths are expected; give the file as SDSS distributes it"
        )


def loglam_of_header(hdu: Hdu, pixels: int) -> NDArray[np.float64]:
    """Return log10 wavelength COEFF0 + COEFF1 * pixel of a header, vacuum Angstrom, (pixels,).

    Raises:
        InputError: if the header lacks them or they are no wavelengths.
    """
    first, step = hdu.get("COEFF0"), hdu.get("COEFF1")
    if not (isinstance(first, int | float) and isinstance(step, int | float)):
        raise InputError(
            f"{hdu.path} has no wavelengths: neither a column loglam nor COEFF0 and COEFF1 in a"
            " header; fetch the file as the survey distributes it"
        )
    last = first + step * (pixels - 1)
    if not (2 < first < 5 and 2 < last < 5 and step > 0):  # 100 Angstrom to 10 micron
        raise InputError(
            f"{hdu.path} has COEFF0 = {first} and COEFF1 = {step}, which are not log10 of"
            " wavelengths in Angstrom; fetch it again"
        )
    return first + step * np.arange(pixels, dtype=np.float64)


def name_of(identity: Mapping[str, int | float | str]) -> str:
    """Return SDSS's name of a spectrum: plate-mjd-fiber, or field-MJD-CATALOGID; "" if unknown."""
    for fields, form in ((FIBER, "{:04d}-{:d}-{:04d}"), (FIELDS, "{:06d}-{:d}-{:d}")):
        if all(name in identity and is_known(name, identity[name]) for name in fields):
            return form.format(*(identity[name] for name in fields))
    return ""


def fiber_of_header(hdu: Hdu) -> dict[str, int | float | str]:
    """Return plate, MJD and fiber of a primary header; {} unless all are there."""
    values = hdu.integers(*HEADER)
    return dict(zip(FIBER, values, strict=True)) if values else {}


def _identity(hdus: Fits) -> tuple[dict[str, int | float | str], Flag]:
    """Identity in a file, and CHECKSUM if the table it is from disagrees with its sum."""
    values, flags = values_after(hdus[1], CATALOG_VALUES), Flag(0)  # mostly HDU 2
    if values is None or not all(isinstance(values.get(name, 0), int) for name in NUMBERS):
        values, flags = _catalog_values(hdus)
    numbers = {name: values[name] for name in NUMBERS if name in values}
    known = {name: value for name, value in numbers.items() if is_known(name, value)}
    return {
        **known,
        **fiber_of_header(hdus[0]),
        **_position(hdus[0], values),
        **survey_of(hdus[0], values),
    }, flags


def _position(header: Hdu, values: Mapping[str, Any]) -> dict[str, float]:
    """Return the first known of `POSITIONS`, from the primary header or the catalog's row."""
    plugged = position(header.get("PLUG_RA"), header.get("PLUG_DEC"))
    return plugged or next(
        filter(None, (position(values.get(ra), values.get(dec)) for ra, dec in POSITIONS)), {}
    )


def survey_of(header: Hdu, values: Mapping[str, Any]) -> dict[str, str]:
    """Return SURVEY in lower case, from the catalog's row or RUN2D; {} if neither has it."""
    named = values.get("SURVEY")
    survey = named.strip().lower() if isinstance(named, str) else ""
    survey = survey or SURVEYS.get(header.text("RUN2D").lower()[:2], "")
    return {"SURVEY": survey} if survey else {}


def _catalog_values(hdus: Fits) -> tuple[dict[str, int | float | str], Flag]:
    """Return the values of SPALL or SPECOBJ, wherever they are, or else of HDU 2.

    A whole number in a float that may have been rounded is unknown.
    """
    named = hdus.named()
    table = named.get("SPALL") or named.get("SPECOBJ") or hdus.at(2)
    if table is None:
        return {}, Flag(0)
    cells = {
        name: whole_column(table, name, slice(1), strict=False).tolist()
        if name in NUMBERS
        else table.cells(name, slice(1)).tolist()
        for name in CATALOG_VALUES
        if name in table.columns
    }
    values = {name: rows[0] for name, rows in cells.items() if rows}
    return values, checksum_flag(table) if values else Flag(0)
