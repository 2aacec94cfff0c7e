"""Redrock's templates as basis vectors at native pixels."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.inference.basis import Basis
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.lines import kms
from spectranet_jax.spectra.native import STEP

Float64Array = NDArray[np.float64]

# Wavelengths to use, Angstrom, and by how much to blur, km/s rms, for redrock's templates.
# Galaxies: without the last pixel and the spike at Lyman-alpha, which are defects.
REDROCK = {
    "GALAXY": ("rrtemplate-galaxy.fits*", (1240.0, 9990.0), 60.0),
    "QSO": ("rrtemplate-QSO-LOZ*.fits*", (1340.0, 9600.0), 0.0),
}


def redrock(folder: Path) -> dict[str, Basis]:
    """Redrock's basis vectors of galaxies and of quasars at low redshift, by "GALAXY" and "QSO".

    Args:
        folder: where rrtemplate-galaxy.fits and rrtemplate-QSO-LOZ*.fits are, also compressed.

    Raises:
        InputError: if one of them is missing or cannot be read.
    """
    bases = {}
    for kind, (pattern, limits, blur) in REDROCK.items():
        paths = sorted(folder.glob(pattern))
        if not paths:
            raise InputError(
                f"{folder} holds no {pattern}; name a folder with redrock's templates, or leave"
                " --templates and RR_TEMPLATE_DIR unset"
            )
        bases[kind] = read_redrock(paths[-1], limits, blur)
    return bases


def read_redrock(path: Path, limits: tuple[float, float], blur: float) -> Basis:
    """Basis vectors of one file of redrock's templates.

    HDU 0 holds them, (vectors, pixels), with CRVAL1 and CDELT1 in Angstrom, or in log10 of them.

    Args:
        path: the file.
        limits: wavelengths to use, Angstrom.
        blur: sigma of a Gaussian to convolve with, km/s; 0 for none.

    Raises:
        InputError: if the file cannot be read as such templates.
    """
    from astropy.io import fits

    try:
        with fits.open(path) as hdus:
            header: Any = hdus[0].header
            vectors = np.asarray(hdus[0].data, np.float64)
            scale = header["CRVAL1"] + header["CDELT1"] * np.arange(vectors.shape[1])
    except (OSError, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read as redrock templates ({type(error).__name__}); remove it or"
            " fetch it anew"
        ) from error
    # A scale in log10 begins near 3, one in Angstrom near 1000: not every file says which it is.
    loglam = scale if header["CRVAL1"] < 10 else np.log10(scale)
    known = (loglam > np.log10(limits[0])) & (loglam < np.log10(limits[1]))
    return on_native_steps(loglam[known], vectors[:, known], blur)


def on_native_steps(loglam: Float64Array, vectors: Float64Array, blur: float = 0.0) -> Basis:
    """Vectors averaged over native pixels, blurred and brought to unit norm.

    Args:
        loglam: (points,), ascending, log10 of the wavelength.
        vectors: (vectors, points), taken to be linear between points.
        blur: sigma of a Gaussian to convolve with, km/s.
    """
    first, last = int(np.ceil(loglam[0] / STEP + 0.5)), int(np.floor(loglam[-1] / STEP - 0.5))
    edges = (np.arange(first, last + 2) - 0.5) * STEP
    widths = np.diff(loglam)
    areas = (vectors[:, 1:] + vectors[:, :-1]) / 2 * widths
    cumulative = np.pad(np.cumsum(areas, axis=1), ((0, 0), (1, 0)))
    averaged = np.array([np.diff(np.interp(edges, loglam, row)) / STEP for row in cumulative])
    if blur:
        sigma = blur / kms(STEP)
        reach = int(np.ceil(4 * sigma))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        kernel /= kernel.sum()
        averaged = np.array(
            [np.convolve(np.pad(row, reach, "edge"), kernel, "valid") for row in averaged]
        )
    return Basis(first, averaged / np.linalg.norm(averaged, axis=1, keepdims=True))
