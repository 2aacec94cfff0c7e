"""Files of templates as published: redrock's templates, its archetypes, and PyHammer's stars.

A redrock file holds basis vectors with the coefficients of observed objects (rrtemplate-*.fits), or
a table of spectra (rrarchetype-*.fits). PyHammer has one file per type of star, such as
A3_+0.5_Dwarf.fits; all stars may also be in one pyhammer*.npz with loglam, flux and label.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra import InputError

KINDS = ("STAR", "GALAXY", "QSO")

LICENSES = {
    "redrock-templates": "BSD-3-Clause",
    "redrock-archetypes": "BSD-3-Clause",
    "PyHammer": "MIT",
}
"""Origin of templates -> the license under which they are published."""

UNREADABLE = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, BadZipFile)
"""Errors that reading a damaged file may raise."""

SUBFOLDERS = ("", "redrock", "pyhammer")
"""Subfolders of a folder of templates in which files may be."""

NAMES = re.compile(
    r"(rrtemplate|rrarchetype)-.*\.fits(\.gz)?|pyhammer.*\.npz|[OBAFGKML]\d(_.*_Dwarf)?\.fits"
)


class Content(NamedTuple):
    """Content of a file: spectra, or basis vectors and the coefficients of spectra.

    Attributes:
        origin: a key of `LICENSES`.
        kind: one of `KINDS`.
        start: wavelength of the first pixel, Angstrom, or its log10.
        step: from pixel to pixel, in the same unit.
        vectors: (m, pixels), float64 or float32: spectra per unit wavelength, or a basis of them.
        weights: (n, m) coefficients in that basis; None if `vectors` are spectra.
        subtype: (n,), "" where the file has none.
    """

    origin: str
    kind: str
    start: float
    step: float
    vectors: NDArray[np.floating]
    weights: NDArray[np.floating] | None
    subtype: NDArray[np.str_]

    @property
    def wavelength(self) -> NDArray[np.float64]:
        """Centers of the pixels, vacuum Angstrom, (pixels,)."""
        pixels = np.arange(self.vectors.shape[1], dtype=np.float64)
        grid: NDArray[np.float64] = self.start + self.step * pixels
        # Old files do not say which: a grid in log10 begins near 3, a grid in Angstrom near 1000.
        return np.asarray(10**grid if self.start < 10 else grid, np.float64)

    def sha256(self) -> str:
        """Return the SHA-256 of all but the origin; it does not depend on the file's packing."""
        digest = hashlib.sha256(f"{self.kind} {self.start:.10g} {self.step:.10g}".encode())
        for array in (self.vectors, self.weights):
            if array is not None:
                big_endian = array.dtype.newbyteorder(">")
                digest.update(str(array.shape).encode() + array.astype(big_endian).tobytes())
        digest.update("\n".join(self.subtype).encode())
        return digest.hexdigest()


def find(folder: Path) -> list[Path]:
    """Return the files of templates in a folder, in order."""
    places = [folder / name for name in SUBFOLDERS]
    return sorted(
        path
        for place in places
        if place.is_dir()
        for path in place.iterdir()
        if NAMES.fullmatch(path.name)
    )


def read(path: Path) -> Iterator[Content]:
    """Yield the contents of a file of templates: one, or one per spectrum of an npz.

    Raises:
        InputError: if it cannot be read as templates.
    """
    try:
        if path.suffix == ".npz":
            yield from _pyhammer_collection(path)
        else:
            yield _fits(path)
    except UNREADABLE as error:
        raise InputError(
            f"{path} cannot be read as templates of redrock or PyHammer"
            f" ({type(error).__name__}); remove it or fetch it anew"
        ) from error


def _fits(path: Path) -> Content:
    from astropy.io import fits

    with fits.open(path) as hdus:
        if "ARCHETYPES" in hdus:
            return _archetypes(hdus["ARCHETYPES"])
        if path.name.startswith("rr"):
            return _basis(hdus)
        table = hdus[1].data
        loglam, flux = (np.asarray(table[name], np.float64) for name in ("loglam", "flux"))
        return _star(loglam, flux, path.name.removesuffix(".fits").replace("_", " "))


def _archetypes(hdu: Any) -> Content:
    table = hdu.data
    return Content(
        "redrock-archetypes",
        _kind(hdu.header),
        float(hdu.header["CRVAL1"]),
        float(hdu.header["CDELT1"]),
        np.asarray(table["ARCHETYPE"]),
        None,
        np.char.strip(np.asarray(table["SUBTYPE"]).astype(str)),
    )


def _basis(hdus: Any) -> Content:
    header, vectors = hdus["BASIS_VECTORS"].header, np.asarray(hdus["BASIS_VECTORS"].data)
    none = np.zeros((0, len(vectors)))
    weights = np.asarray(hdus["ARCHETYPE_COEFF"].data) if "ARCHETYPE_COEFF" in hdus else none
    subtype = np.full(len(weights), str(header.get("RRSUBTYP", "")).strip())
    start, step = float(header["CRVAL1"]), float(header["CDELT1"])
    return Content("redrock-templates", _kind(header), start, step, vectors, weights, subtype)


def _kind(header: Any) -> str:
    kind = str(header["RRTYPE"]).strip()
    if kind not in KINDS:
        raise ValueError(kind)
    return kind


def _pyhammer_collection(path: Path) -> Iterator[Content]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        loglam, flux, labels = arrays["loglam"], arrays["flux"], arrays["label"]
    for spectrum, label in zip(flux, labels, strict=True):
        yield _star(loglam, spectrum, " ".join(part for part in label if part))


def _star(loglam: NDArray[np.floating], flux: NDArray[np.floating], subtype: str) -> Content:
    """Return a spectrum in float32, without the pixels at its ends that have no value."""
    known = np.flatnonzero(np.isfinite(flux))
    inside = slice(known[0], known[-1] + 1)
    loglam = loglam[inside]
    step = round(float(loglam[-1] - loglam[0]) / (len(loglam) - 1), 8)
    vectors = flux[None, inside].astype(np.float32)
    start = round(float(loglam[0]), 6)
    return Content("PyHammer", "STAR", start, step, vectors, None, np.array([subtype]))
