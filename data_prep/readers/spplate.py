"""SDSS and BOSS spPlate files: all fibers of a plate in images, in vacuum.

The layout is that of the SDSS data model, file spPlate (DR8 to DR17): HDU 0 is flux (fibers,
pixels), then IVAR, ANDMASK, ORMASK, WAVEDISP, the plug map and SKY; HDUs without a name are known
by their place. The wavelengths are COEFF0 + COEFF1 * pixel, log10 of Angstrom.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.readers import sdss
from data_prep.readers.fits import find_table, image_shape, in_rows, numbers, open_fits
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

IVAR, AND_MASK = 1, 2
"""Places of the HDUs."""


def read(path: Path) -> list[Spectrum]:
    """The spectra of every fiber of a plate, in the order of the plug map.

    A pixel has ivar 0 where bit 25 of the and-mask (COMBINEREJ) is set, as in QuasarNET. Sky
    fibers are among them: which are wanted, a catalog tells.

    Raises:
        InputError: if the file is missing, damaged, lacks its inverse variance, or is no spPlate
            file.
    """
    with open_fits(path) as hdus:
        if not recognizes(hdus):
            raise InputError(f"{path} is no spPlate file; give one of these")
        return list(spectra(path, hdus))


def recognizes(hdus: Any) -> bool:
    """Whether the primary HDU is that of an spPlate file: an image of many fibers."""
    header = hdus[0].header
    return header.get("NAXIS") == 2 and "COEFF0" in header and "FIBERID" not in header


def spectra(path: Path, hdus: Any) -> Iterator[Spectrum]:
    """The spectra in an open file: see `read`."""
    header = hdus[0].header
    sdss.check_vacuum(path, header)
    if (ivar_hdu := _image(hdus, "IVAR", IVAR)) is None:
        raise InputError(
            f"{path} is an spPlate file that lacks its inverse variance (HDU IVAR), without which"
            " no pixel can be weighed; fetch the whole file"
        )
    mask_hdu = _image(hdus, "ANDMASK", AND_MASK)
    shape = image_shape(path, hdus[0])
    for name, image in (("IVAR", ivar_hdu), ("ANDMASK", mask_hdu)):
        if image is not None and (other := image_shape(path, image)) != shape:
            raise InputError(
                f"{path} has a flux of shape {shape} and an {name} of shape {other}; fetch it again"
            )
    if 0 in shape:
        raise InputError(f"{path} holds no spectra; fetch it again")
    loglam = sdss.loglam_of_header(path, header, shape[1])
    identities = iter(_identities(path, hdus, shape[0]))
    images = [hdu for hdu in (hdus[0], ivar_hdu, mask_hdu) if hdu is not None]
    for flux, ivar, *masks in in_rows(path, images):
        flux, ivar = flux.astype(np.float32, copy=False), ivar.astype(np.float32, copy=False)
        for mask in masks:
            ivar[mask.astype(np.int64, copy=False) & sdss.COMBINEREJ != 0] = 0
        for row_flux, row_ivar in zip(flux, ivar, strict=True):
            name, key = next(identities)
            yield Spectrum(name, loglam, row_flux, row_ivar, str(path), key)


def _image(hdus: Any, name: str, place: int) -> Any | None:
    """The image HDU of that name, or the nameless one at that place; None without either."""
    for number, hdu in enumerate(hdus):
        named = hdu.name.upper()
        is_image = not hasattr(hdu, "columns")
        if number and is_image and (named == name or (not named and number == place)):
            return hdu
    return None


def _identities(path: Path, hdus: Any, count: int) -> list[tuple[str, tuple[int, int, int]]]:
    plug_map = find_table(hdus, {"FIBERID"})
    fibers = (
        np.arange(1, count + 1)
        if plug_map is None
        else numbers(path, plug_map, np.int64, "FIBERID")
    ).tolist()
    if len(fibers) != count:
        raise InputError(
            f"{path} has {count} spectra and {len(fibers)} rows in its plug map; fetch it again"
        )
    header = hdus[0].header
    plate, mjd = header.get("PLATEID"), header.get("MJD")
    if not (isinstance(plate, int) and isinstance(mjd, int)):
        stem = path.name.partition(".")[0]
        return [(f"{stem}-{fiber:04d}", sdss.NO_KEY) for fiber in fibers]
    return [(sdss.spectrum_name(plate, mjd, f), (plate, mjd, f)) for f in fibers]
