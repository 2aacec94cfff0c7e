"""Redrock's templates as basis vectors at native pixels."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.inference.basis import Basis
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.lines import kms
from spectranet_jax.spectra.native import STEP

Float64Array = NDArray[np.float64]

SUBFOLDER = "redrock"

LISTED = "templates-default.txt"
"""File beside the templates that names redrock's default ones."""

FEWEST = 1000
"""Native pixels that templates must cover."""


class Wanted(NamedTuple):
    """Templates to use of one kind.

    Attributes:
        names: pattern of the file's name: rrtemplate-galaxy.fits, rrtemplate-GALAXY-None-v2.6.fits,
            perhaps compressed; the group is the version.
        spectype, subtype: RRTYPE and RRSUBTYP of its header, where it has them.
        limits: wavelengths to use, Angstrom.
        blur: km/s rms.
    """

    names: re.Pattern[str]
    spectype: str
    subtype: str
    limits: tuple[float, float]
    blur: float


def _file_pattern(kind: str) -> re.Pattern[str]:
    return re.compile(rf"rrtemplate-{kind}(?:-v(\d+(?:\.\d+)*))?\.fits(?:\.gz)?", re.IGNORECASE)


REDROCK = {
    "GALAXY": Wanted(_file_pattern("galaxy(?:-none)?"), "GALAXY", "", (1240.0, 9990.0), 60.0),
    "QSO": Wanted(_file_pattern("qso-loz"), "QSO", "LOZ", (1340.0, 9600.0), 0.0),
}
"""Redrock's templates, without the last pixel and the Lyman-alpha spike of galaxies: defects."""


def redrock(folder: Path) -> dict[str, Basis]:
    """Return redrock's basis vectors of galaxies and low-redshift quasars, by "GALAXY" and "QSO".

    Of several versions those are taken that `LISTED` names, else the newest.

    Args:
        folder: where rrtemplate-GALAXY-None-v2.6.fits and rrtemplate-QSO-LOZ-v1.1.fits are, or
            other versions of them, or rrtemplate-galaxy.fits. They may be compressed, and may be
            in a subfolder `SUBFOLDER`, as in a folder of templates for the mock survey.

    Raises:
        InputError: if one of them is missing, cannot be read, or holds something else.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name one with redrock's templates")
    place = _place(folder)
    return {kind: read_redrock(_newest(place, wanted), wanted) for kind, wanted in REDROCK.items()}


def is_for_mocks(folder: Path) -> bool:
    """Whether a folder has galaxy templates, as for mock surveys, but no vectors of quasars."""
    names = [path.name for path in _place(folder).iterdir()] if folder.is_dir() else []
    held = {kind: any(map(wanted.names.fullmatch, names)) for kind, wanted in REDROCK.items()}
    return held["GALAXY"] and not held["QSO"]


def _place(folder: Path) -> Path:
    """Return the folder with redrock's templates: the subfolder, if there is one."""
    return folder / SUBFOLDER if (folder / SUBFOLDER).is_dir() else folder


def _newest(folder: Path, wanted: Wanted) -> Path:
    """Return the file of templates to use."""
    matches = {path: wanted.names.fullmatch(path.name) for path in folder.iterdir()}
    versions = {path: match[1] or "0" for path, match in matches.items() if match}
    if not versions:
        kind = f"{wanted.spectype}-{wanted.subtype or 'None'}"
        raise InputError(
            f"{folder} holds no rrtemplate-{kind}-v*.fits; name a folder with redrock's templates,"
            " or leave --templates and RR_TEMPLATE_DIR unset"
        )
    listed = folder / LISTED
    lines = listed.read_text("utf-8", "replace").split() if listed.is_file() else []
    candidates = [path for path in versions if path.name in lines] or list(versions)

    def newest(path: Path) -> tuple[list[int], str]:
        return [int(number) for number in versions[path].split(".")], path.name

    return max(candidates, key=newest)


def read_redrock(path: Path, wanted: Wanted) -> Basis:
    """Read the basis vectors in one file of redrock's templates.

    HDU 0 holds them, (vectors, pixels), with CRVAL1 and CDELT1 in Angstrom, or in log10 of them.

    Args:
        path: the file.
        wanted: of which kind they are to be, and how they are used.

    Raises:
        InputError: if the file cannot be read as such templates.
    """
    try:
        with open_fits(path) as hdus:
            header = hdus[0].header()
            vectors = hdus[0].numbers(np.float64)
            start, step = float(header["CRVAL1"]), float(header["CDELT1"])
            scale = start + step * np.arange(vectors.shape[1])
            kind = header.get("RRTYPE", wanted.spectype), header.get("RRSUBTYP", wanted.subtype)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read as redrock templates ({type(error).__name__}); remove it or"
            " fetch it anew"
        ) from error
    if kind != (wanted.spectype, wanted.subtype):
        raise InputError(
            f"{path} holds templates of {' '.join(map(str, kind))} and not of"
            f" {wanted.spectype} {wanted.subtype}".rstrip()
            + "; put the right file there"
        )
    # A scale in log10 begins near 3, one in Angstrom near 1000: not every file names its unit.
    loglam = scale if start < 10 else np.log10(np.maximum(scale, 1))
    used = (loglam > np.log10(wanted.limits[0])) & (loglam < np.log10(wanted.limits[1]))
    covered = np.ptp(loglam[used]) / STEP if step > 0 and used.any() else 0
    if covered < FEWEST or not np.isfinite(vectors[:, used]).all():
        low, high = wanted.limits
        raise InputError(
            f"{path} holds no finite templates between {low:g} and {high:g} Angstrom; remove it or"
            " fetch it anew"
        )
    return on_native_steps(loglam[used], vectors[:, used], wanted.blur)


def on_native_steps(loglam: Float64Array, vectors: Float64Array, blur: float = 0.0) -> Basis:
    """Average vectors over native pixels, blur them and normalize them.

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
