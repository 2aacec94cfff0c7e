"""DESI coadd and spectra files: many targets a file, each in the arms B, R and Z.

HDUs are found by name, in any order: ARM_WAVELENGTH, ARM_FLUX, ARM_IVAR, ARM_MASK, and FIBERMAP
with the column TARGETID (the DESI data model, files coadd and spectra). In a spectra file a target
has a row an exposure, and each is a spectrum here; coadd files hold what DESI combined of them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.readers.fits import columns, numbers, open_fits
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
        return spectra(path, hdus)


def recognizes(hdus: Any) -> bool:
    """Whether a file's HDUs are those of a coadd or spectra file."""
    return bool(_by_name(hdus).keys() & {f"{arm}_FLUX" for arm in ARMS})


def spectra(path: Path, hdus: Any) -> list[Spectrum]:
    """The spectra in an open file: see `read`."""
    named = _by_name(hdus)
    arms = [arm for arm in ARMS if f"{arm}_FLUX" in named]
    loglam, flux, ivar = (
        np.concatenate(parts, axis=-1)
        for parts in zip(*(_arm(path, named, arm) for arm in arms), strict=True)
    )
    if len(flux) == 0:
        raise InputError(f"{path} holds no spectra; fetch it again")
    ids = _target_ids(path, named, len(flux))
    names, keys = (range(len(flux)), [-1] * len(flux)) if ids is None else (ids, ids)
    return [
        Spectrum(str(name), loglam, flux[row], ivar[row], str(path), (key, -1, -1), key)
        for row, (name, key) in enumerate(zip(names, keys, strict=True))
    ]


def _by_name(hdus: Any) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for hdu in hdus:
        named.setdefault(hdu.name.upper(), hdu)
    return named


def _arm(
    path: Path, named: dict[str, Any], arm: str
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    """log10 wavelength (pixels,), flux and ivar (n, pixels) of an arm; alike in all arms."""
    for what in ("WAVELENGTH", "IVAR"):
        if f"{arm}_{what}" not in named:
            raise InputError(f"{path} has {arm}_FLUX but no {arm}_{what}; fetch it again")
    flux = numbers(path, named[f"{arm}_FLUX"], np.float32)
    ivar = numbers(path, named[f"{arm}_IVAR"], np.float32)
    wavelength = numbers(path, named[f"{arm}_WAVELENGTH"], np.float64)
    if flux.ndim != 2 or ivar.shape != flux.shape or wavelength.shape != flux.shape[1:]:
        raise InputError(
            f"{path} has arrays of other shapes in its arm {arm} than a DESI file: flux"
            f" {flux.shape}, ivar {ivar.shape}, wavelength {wavelength.shape}; fetch it again"
        )
    ivar[~np.isfinite(flux)] = 0
    if f"{arm}_MASK" in named:
        mask = numbers(path, named[f"{arm}_MASK"], np.int64)
        if mask.shape != flux.shape:
            raise InputError(
                f"{path} has a flux of shape {flux.shape} and a mask of shape {mask.shape} in its"
                f" arm {arm}; fetch it again"
            )
        ivar[mask != 0] = 0
    positive = wavelength > 0  # others are no wavelengths: rebin leaves NaN out
    return np.log10(np.where(positive, wavelength, np.nan)), flux, ivar


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
