"""DESI coadd and spectra files: many targets a file, each in the arms B, R and Z.

HDUs are found by name, in any order: ARM_WAVELENGTH, ARM_FLUX, ARM_IVAR, ARM_MASK, and FIBERMAP
with the column TARGETID (the DESI data model, files coadd and spectra). In a spectra file a target
has a row an exposure, and each is a spectrum here; coadd files hold what DESI combined of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.readers.fits import columns, image_shape, in_rows, numbers, open_fits
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

ARMS = ("B", "R", "Z")


def read(path: Path) -> list[Spectrum]:
    """The spectra of a coadd or spectra file, in its order.

    A pixel has ivar 0 where its mask is not 0 or its flux not finite. An arm may be missing. A
    spectrum's name is its TARGETID, or its row, from 0, where the file has no FIBERMAP.

    Raises:
        InputError: if the file is missing, damaged, or no DESI file.
    """
    with open_fits(path) as hdus:
        if not recognizes(hdus):
            raise InputError(f"{path} is no DESI coadd or spectra file; give one of these")
        return list(spectra(path, hdus))


def recognizes(hdus: Any) -> bool:
    """Whether a file's HDUs are those of a coadd or spectra file."""
    return bool(_by_name(hdus).keys() & {f"{arm}_FLUX" for arm in ARMS})


def spectra(path: Path, hdus: Any) -> Iterator[Spectrum]:
    """The spectra in an open file: see `read`."""
    named = _by_name(hdus)
    arms = [arm for arm in ARMS if f"{arm}_FLUX" in named]
    loglam = np.concatenate([_loglam(path, named, arm) for arm in arms])
    counts = {named[f"{arm}_FLUX"].shape[0] for arm in arms}
    if len(counts) > 1:
        raise ValueError("arms of different length")  # `open_fits` tells it in a sentence
    (count,) = counts
    if count == 0:
        raise InputError(f"{path} holds no spectra; fetch it again")
    ids = _target_ids(path, named, count)
    identities = iter([(row, -1) for row in range(count)] if ids is None else [(i, i) for i in ids])
    for parts in zip(*(_arm(path, named, arm) for arm in arms), strict=True):
        flux, ivar = (np.concatenate(images, axis=-1) for images in zip(*parts, strict=True))
        for row_flux, row_ivar, (name, key) in zip(flux, ivar, identities, strict=False):
            yield Spectrum(str(name), loglam, row_flux, row_ivar, str(path), (key, -1, -1), key)


def _by_name(hdus: Any) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for hdu in hdus:
        named.setdefault(hdu.name.upper(), hdu)
    return named


def _loglam(path: Path, named: dict[str, Any], arm: str) -> NDArray[np.float64]:
    """log10 wavelength (pixels,) of an arm, after a look at the shapes of its images."""
    for what in ("WAVELENGTH", "IVAR"):
        if f"{arm}_{what}" not in named:
            raise InputError(f"{path} has {arm}_FLUX but no {arm}_{what}; fetch it again")
    flux, ivar = (image_shape(path, named[f"{arm}_{what}"]) for what in ("FLUX", "IVAR"))
    wavelength = numbers(path, named[f"{arm}_WAVELENGTH"], np.float64)
    if len(flux) != 2 or ivar != flux or wavelength.shape != flux[1:]:
        raise InputError(
            f"{path} has arrays of other shapes in its arm {arm} than a DESI file: flux"
            f" {flux}, ivar {ivar}, wavelength {wavelength.shape}; fetch it again"
        )
    if f"{arm}_MASK" in named:
        mask = image_shape(path, named[f"{arm}_MASK"])
        if mask != flux:
            raise InputError(
                f"{path} has a flux of shape {flux} and a mask of shape {mask} in its"
                f" arm {arm}; fetch it again"
            )
    positive = wavelength > 0  # others are no wavelengths: rebin leaves NaN out
    return np.log10(np.where(positive, wavelength, np.nan))


def _arm(
    path: Path, named: dict[str, Any], arm: str
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Flux and ivar (rows, pixels) of an arm, a few rows at a time."""
    names = [f"{arm}_{what}" for what in ("FLUX", "IVAR", "MASK")]
    images = [named[name] for name in names if name in named]
    for flux, ivar, *masks in in_rows(path, images):
        flux, ivar = flux.astype(np.float32, copy=False), ivar.astype(np.float32, copy=False)
        bad = ~np.isfinite(flux)
        for mask in masks:
            bad |= mask != 0
        ivar[bad] = 0
        yield flux, ivar


def _target_ids(path: Path, named: dict[str, Any], count: int) -> list[int] | None:
    table = named.get("FIBERMAP")
    if table is None or "TARGETID" not in columns(table):
        return None
    ids = numbers(path, table, np.int64, "TARGETID").tolist()
    if len(ids) != count:
        raise InputError(
            f"{path} has {count} spectra and {len(ids)} rows in FIBERMAP; fetch it again"
        )
    return ids
