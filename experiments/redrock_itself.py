"""Redrock itself on spectra at native pixels, where it is installed, to compare refinement with.

It is a program of its own (https://github.com/desihub/redrock), and comes with `pip install
'spectranet-jax[compare]'`; its templates do not.
"""

import contextlib
import importlib.util
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.native import NATIVE_GRID

WINDOW = (3600.0, 9940.0)
"""Wavelengths of the fit, Angstrom: redrock's templates must cover them at every redshift."""

SPECTROGRAPH = 65.0
"""Sigma of the resolution that redrock is given, km/s."""

Fit = tuple[NDArray[np.float64], NDArray[np.float64]]


def check_redrock(templates: Path) -> None:
    """Raise InputError unless redrock is installed and a folder holds its templates."""
    if importlib.util.find_spec("redrock") is None:
        raise InputError(
            "redrock is not installed; pip install 'spectranet-jax[compare]', or leave --redrock"
            " out"
        )
    if not any(templates.glob("rrtemplate-*.fits*")):
        raise InputError(
            f"--redrock {templates} holds no rrtemplate-*.fits; name a folder with redrock's"
            " templates"
        )


def fitted(flux: NDArray[np.floating], ivar: NDArray[np.floating], templates: Path) -> Fit:
    """Return redrock's redshifts and errors, float64 (n,) each; NaN where a star fits best.

    Args:
        flux: (n, 4750), on the native grid.
        ivar: (n, 4750), likewise, 0 where nothing was measured.
        templates: folder of rrtemplate-*.fits, also compressed; all of them are fitted.
    """
    from redrock.targets import DistTargetsCopy, Spectrum, Target
    from redrock.templates import load_dist_templates
    from redrock.zfind import zfind

    used = (NATIVE_GRID.centers > WINDOW[0]) & (NATIVE_GRID.centers < WINDOW[1])
    wavelength, spread = NATIVE_GRID.centers[used], _resolution(int(used.sum()))
    pixels = (np.asarray(image[:, used], np.float64) for image in (flux, ivar))
    targets = [
        Target(number, [Spectrum(wavelength, *spectrum, spread)])
        for number, spectrum in enumerate(zip(*pixels, strict=True))
    ]
    distributed = DistTargetsCopy(targets)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        files = [_with_igm(path, Path(folder)) for path in sorted(templates.glob("rrtemplate-*"))]
        loaded = load_dist_templates(distributed.wavegrids(), templates=files)
        _, table = zfind(distributed, loaded, mp_procs=1)
    best = table[table["znum"] == 0]
    best.sort("targetid")
    is_star = np.asarray(best["spectype"]).astype(str) == "STAR"
    z, z_err = (np.asarray(best[name], np.float64) for name in ("z", "zerr"))
    return np.where(is_star, np.nan, z), np.where(is_star, np.nan, z_err)


def _with_igm(path: Path, folder: Path) -> str:
    """File, or a copy that names the hydrogen model: redrock 0.21 refuses older galaxies."""
    from astropy.io import fits

    with fits.open(path) as hdus:
        header = hdus[0].header
        if header["RRTYPE"].strip() != "GALAXY" or {"RRIGM", "VERSION"} & set(header):
            return str(path)
        header["RRIGM"] = "None"
        copy = folder / path.name.removesuffix(".gz")
        hdus.writeto(copy)
    return str(copy)


def _resolution(pixels: int) -> Any:
    """Return a resolution matrix of `SPECTROGRAPH`, in redrock's form; every row sums to 1."""
    from scipy import sparse

    offsets = np.arange(-4, 5)
    kernel = np.exp(-0.5 * (offsets * NATIVE_GRID.bin_kms / SPECTROGRAPH) ** 2)
    bands = sparse.dia_matrix((np.outer(kernel, np.ones(pixels)), offsets), (pixels, pixels))
    total = np.asarray(bands.sum(axis=1))[:, 0]
    return sparse.dia_matrix(sparse.diags(1 / total) @ bands)
