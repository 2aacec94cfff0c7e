"""DESI coadd and spectra files: many targets per file, each in arms of the spectrograph.

HDUs are found by name, in any order: X_WAVELENGTH, X_FLUX, X_IVAR, X_MASK of each arm X (B, R and
Z, or several joined to one, as BRZ), and FIBERMAP with the column TARGETID (the DESI data model,
files coadd and spectra). In a spectra file a target has a row an exposure, and each is a spectrum
here; coadd files hold what DESI combined of them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.desi_identity import identities
from spectranet_jax.readers.fits import Fits
from spectranet_jax.readers.hdu import Hdu, checksum_flag, in_rows
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

ARMS = ("B", "R", "Z")
"""Arms of the spectrograph, which come first."""

Named = dict[str, Hdu]


def recognizes(hdus: Fits) -> bool:
    """Return whether a file has an arm: X_FLUX with X_WAVELENGTH or X_IVAR."""
    return bool(arms_of(hdus.named()))


def arms_of(named: Named) -> list[str]:
    """Return the arms, B, R and Z first, without duplicates of one camera's pixels.

    Of arms and their combination only one is kept. If the cameras' arms are there, any other arm is
    ignored, such as the sky's; a file without them has arms with names of its own.
    """
    having = {
        what: {name.removesuffix(what) for name in named if name.endswith(what)}
        for what in ("_FLUX", "_IVAR", "_WAVELENGTH")
    }
    complete = having["_FLUX"] & (having["_IVAR"] | having["_WAVELENGTH"])
    cameras = {arm for arm in complete if arm and set(arm) <= set(ARMS)}
    if not cameras:
        return sorted(arm for arm in complete & having["_IVAR"] & having["_WAVELENGTH"] if arm)
    kept = {arm for arm in cameras if arm in ARMS or not set(arm) <= cameras}
    kept = {arm for arm in kept if not any(set(arm) < set(other) for other in kept)}
    return sorted(kept, key=lambda arm: (arm not in ARMS, arm))


def spectra(hdus: Fits) -> Iterator[Spectrum]:
    """Yield the spectra of a coadd or spectra file, in its order.

    A pixel has ivar 0 where its mask is not 0 or its flux not finite. An arm may be missing. A
    spectrum's name is its TARGETID, or its row, from 0, where the file has no FIBERMAP.

    Raises:
        InputError: if the file is damaged, or its arms contradict each other.
    """
    path, named = hdus.path, hdus.named()
    arms = arms_of(named)
    cameras = "".join(arm for arm in arms if set(arm) <= set(ARMS))
    if len(cameras) > len(set(cameras)):
        raise InputError(
            f"{path} has pixels of the same camera in its arms {', '.join(arms)}, which would count"
            " twice; leave out all but one of these"
        )
    loglam = np.concatenate([_loglam(path, named, arm) for arm in arms])
    counts = {arm: named[f"{arm}_FLUX"].shape[0] for arm in arms}
    count = counts[arms[0]]
    if set(counts.values()) != {count}:
        listed = ", ".join(f"{arm} {rows}" for arm, rows in counts.items())
        raise InputError(
            f"{path} has arms of different numbers of spectra: {listed}; fetch it again"
        )
    if count == 0:
        raise InputError(f"{path} holds no spectra; fetch it again")
    known = identities(hdus, count)
    used = [name for arm in arms for name in (f"{arm}_WAVELENGTH", *_names(arm, named))]
    flags = checksum_flag(*(named[name] for name in (*used, "FIBERMAP") if name in named))
    row = 0
    for of_arms in zip(*(_arm(named, arm) for arm in arms), strict=True):
        flux, ivar = (np.concatenate(images, axis=-1) for images in zip(*of_arms, strict=True))
        for row_flux, row_ivar in zip(flux, ivar, strict=True):
            name = str(known[row].get("TARGETID", row))
            yield Spectrum(name, loglam, row_flux, row_ivar, str(path), known[row], flags)
            row += 1


def _names(arm: str, named: Named) -> list[str]:
    """Return the names of the HDUs of flux, ivar and, if there is one, mask."""
    names = [f"{arm}_{what}" for what in ("FLUX", "IVAR", "MASK")]
    return [name for name in names if name in named]


def _loglam(path: Path, named: Named, arm: str) -> NDArray[np.float64]:
    """Return the log10 wavelength (pixels,) of an arm, after checking the shapes of its images."""
    for what in ("WAVELENGTH", "IVAR"):
        if f"{arm}_{what}" not in named:
            raise InputError(
                f"{path} has {arm}_FLUX but no {arm}_{what}; give the coadd as DESI distributes it"
            )
    flux, ivar = (named[f"{arm}_{what}"].shape for what in ("FLUX", "IVAR"))
    wavelength = named[f"{arm}_WAVELENGTH"].numbers(np.float64)
    if len(flux) != 2 or ivar != flux or wavelength.shape != flux[1:]:
        raise InputError(
            f"{path} has arrays of unexpected shapes in its arm {arm}: flux"
            f" {flux}, ivar {ivar}, wavelength {wavelength.shape}; fetch it again"
        )
    if f"{arm}_MASK" in named and (mask := named[f"{arm}_MASK"].shape) != flux:
        raise InputError(
            f"{path} has a flux of shape {flux} and a mask of shape {mask} in its arm {arm}; fetch"
            " it again"
        )
    positive = wavelength > 0  # invalid wavelengths: rebin ignores NaN
    return np.log10(np.where(positive, wavelength, np.nan))


def _arm(named: Named, arm: str) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield flux and ivar (rows, pixels) of an arm, a few rows at a time."""
    for flux, ivar, *masks in in_rows([named[name] for name in _names(arm, named)]):
        flux, ivar = flux.astype(np.float32, copy=False), ivar.astype(np.float32, copy=False)
        bad = ~np.isfinite(flux)
        for mask in masks:
            bad |= mask != 0
        ivar[bad] = 0
        yield flux, ivar
