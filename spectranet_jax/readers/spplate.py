"""SDSS and BOSS spPlate files: all fibers of a plate in images, in vacuum.

The layout is that of the SDSS data model, file spPlate (DR8 to DR17): HDU 0 is flux (fibers,
pixels), then IVAR, ANDMASK, ORMASK, WAVEDISP, the plug map and SKY; HDUs without a name are known
by their place. The wavelengths are COEFF0 + COEFF1 * pixel, log10 of Angstrom.
"""

from collections.abc import Iterator

import numpy as np

from spectranet_jax.readers import sdss_spec
from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu, checksum_flag, in_rows
from spectranet_jax.readers.position_columns import positions
from spectranet_jax.readers.whole_column import whole_column
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER, NONE
from spectranet_jax.spectra.spectrum import Spectrum

IVAR, AND_MASK = 1, 2
"""Indices of the HDUs."""


def recognizes(hdus: Fits) -> bool:
    """Whether a file is an spPlate file: an image of many fibers of a plate, or with ivar."""
    hdu = hdus[0]
    if hdu.get("NAXIS") != 2 or "COEFF0" not in hdu or "FIBERID" in hdu:
        return False
    return "PLATEID" in hdu or "IVAR" in hdus.named()


def spectra(hdus: Fits) -> Iterator[Spectrum]:
    """Yield the spectrum of every fiber of a plate, in the order of the plug map.

    A pixel has ivar 0 where bit 25 of the and-mask (COMBINEREJ) is set, as in QuasarNET. Sky fibers
    are included: a catalog selects spectra.

    Raises:
        InputError: if the file is damaged, or lacks its inverse variance.
    """
    path, flux_hdu = hdus.path, hdus[0]
    sdss_spec.check_vacuum(flux_hdu)
    if (ivar_hdu := _image(hdus, "IVAR", IVAR)) is None:
        raise InputError(
            f"{path} is an spPlate file that lacks its inverse variance (HDU IVAR), without which"
            " no pixel can be weighed; fetch the whole file"
        )
    mask_hdu = _image(hdus, "ANDMASK", AND_MASK)
    shape = flux_hdu.shape
    for name, image in (("IVAR", ivar_hdu), ("ANDMASK", mask_hdu)):
        if image is not None and image.shape != shape:
            raise InputError(
                f"{path} has a flux of shape {shape} and an {name} of shape {image.shape}; fetch it"
                " again"
            )
    if 0 in shape:
        raise InputError(f"{path} holds no spectra; fetch it again")
    loglam = sdss_spec.loglam_of_header(flux_hdu, shape[1])
    identities = iter(_identities(hdus, shape[0]))
    images = [hdu for hdu in (flux_hdu, ivar_hdu, mask_hdu) if hdu is not None]
    flags = checksum_flag(*images)
    for flux, ivar, *masks in in_rows(images):
        flux, ivar = flux.astype(np.float32, copy=False), ivar.astype(np.float32, copy=False)
        for mask in masks:
            ivar[mask.astype(np.int64, copy=False) & sdss_spec.COMBINEREJ != 0] = 0
        for row_flux, row_ivar in zip(flux, ivar, strict=True):
            name, identity = next(identities)
            yield Spectrum(name, loglam, row_flux, row_ivar, str(path), identity, flags)


def _image(hdus: Fits, name: str, place: int) -> Hdu | None:
    """Return the image HDU of that name, or the nameless one at that place; None without either."""
    for number, hdu in enumerate(hdus):
        if number and not hdu.is_table and (hdu.name or (name if number == place else "")) == name:
            return hdu
    return None


def _identities(hdus: Fits, count: int) -> list[tuple[str, dict[str, int | float | str]]]:
    """Name and identity of each fiber; without a fiber number, the name is its row, from 1."""
    plug_map = hdus.table({"FIBERID"})
    rows = np.arange(1, count + 1)
    fibers = rows if plug_map is None else whole_column(plug_map, "FIBERID")
    if len(fibers) != count:
        raise InputError(
            f"{hdus.path} has {count} spectra but {len(fibers)} rows in its plug map; fetch it"
            " again"
        )
    plate, stem = hdus[0].integers("PLATEID", "MJD"), hdus.path.name.partition(".")[0]
    places = [{}] * count if plug_map is None else positions(plug_map, "RA", "DEC")
    survey = sdss_spec.survey_of(hdus[0], {})
    named = []
    for row, fiber, place in zip(rows.tolist(), fibers.tolist(), places, strict=True):
        identity: dict[str, int | float | str] = {**place, **survey}
        if plate is not None and fiber != NONE:
            identity |= dict(zip(FIBER, (*plate, fiber), strict=True))
        number = row if fiber == NONE else fiber
        named.append((sdss_spec.name_of(identity) or f"{stem}-{number:04d}", identity))
    return named
