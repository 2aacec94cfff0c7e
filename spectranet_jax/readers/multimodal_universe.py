"""Spectra of SDSS and DESI as MultimodalUniverse keeps them: HDF5 files with a spectrum per row.

Every column of the survey's catalog is a dataset at the root, beside spectrum_flux and
spectrum_ivar, (n, pixels) each. Of SDSS there is spectrum_lambda too, Angstrom in vacuum, (n,
pixels), and rows are padded to the longest, wavelengths by -1; of DESI the cameras are combined,
and spectrum_lambda_min and spectrum_lambda_max give the ends of equal steps (scripts
sdss/build_parent_sample.py and desi/build_parent_sample.py of that project, 2024).

spectrum_mask is not used: it marks each pixel of SDSS with any bit of and_mask, such as bright sky,
which the survey's inverse variance accounts for. Of 214 real spectra 207 were classified right with
it, and 211 without, the same as from the survey's own files (docs/sources.md).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.hdf5 import Hdf5, open_hdf5
from spectranet_jax.readers.sdss_spec import name_of
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER, OBJECTS, is_known
from spectranet_jax.spectra.row_slices import row_slices
from spectranet_jax.spectra.sky_position import position
from spectranet_jax.spectra.spectrum import Spectrum

FLUX, IVAR = "spectrum_flux", "spectrum_ivar"
WAVELENGTH = "spectrum_lambda"
ENDS = ("spectrum_lambda_min", "spectrum_lambda_max")

AT_ONCE = 1 << 20
"""Bytes of flux, and of ivar, read at a time, as float32."""

POSITIONS = (("ra", "dec"), ("PLUG_RA", "PLUG_DEC"), ("TARGET_RA", "TARGET_DEC"))

TEXTS = {"SURVEY": np.strings.lower, "PROGRAM": np.strings.lower, "OBJTYPE": np.strings.upper}


def recognizes(file: Any) -> bool:
    """Return whether a file is HDF5, which no other reader reads."""
    return isinstance(file, Hdf5)


def row_count(path: Path) -> int:
    """Return the number of spectra in a file.

    Raises:
        InputError: if it is damaged, or of another layout.
    """
    with open_hdf5(path) as file:
        return _count(file)


def _count(file: Hdf5) -> int:
    lacking = [name for name in (FLUX, IVAR) if not file.find(name)]
    if not file.find(WAVELENGTH) and not all(map(file.find, ENDS)):
        lacking.append(WAVELENGTH)
    if lacking:
        raise InputError(
            f"{file.path} is an HDF5 file without {', '.join(lacking)}; give HDF5 with spectra of"
            " SDSS or DESI as MultimodalUniverse has them, or the survey's own files"
        )
    shape = file.shape(FLUX)
    if len(shape) != 2 or file.shape(IVAR) != shape:
        raise InputError(
            f"{file.path} has {FLUX} of shape {shape} and {IVAR} of {file.shape(IVAR)}, where"
            " (spectra, pixels) is expected; fetch it again"
        )
    return shape[0]


def spectra(file: Hdf5) -> Iterator[Spectrum]:
    """Yield the spectra of the requested rows, a few in memory at a time.

    Raises:
        InputError: if the file is damaged, or of another layout.
    """
    count = _count(file)
    wanted = file.wanted or range(count)
    first, last = wanted.start, min(wanted.stop, count)
    axes = _Axes(file)
    for rows in row_slices(first, last, 4 * file.shape(FLUX)[1], AT_ONCE):
        flux = file.numbers(FLUX, rows, 2).astype(np.float32)
        ivar = file.numbers(IVAR, rows, 2).astype(np.float32)
        identities = _identities(file, rows)
        for row, (loglam, there) in enumerate(axes.of(rows, flux.shape[1])):
            identity = identities[row]
            yield Spectrum(
                name=name_of(identity)
                or str(identity.get("TARGETID", ""))
                or f"{rows.start + row}",
                loglam=loglam,
                flux=flux[row][there],
                ivar=ivar[row][there],
                source=str(file.path),
                identity=identity,
            )


class _Axes:
    """Wavelengths of spectra; equal ones share one array, so that they are binned together."""

    def __init__(self, file: Hdf5) -> None:
        self._file = file
        self._of_ends: dict[tuple[float, float, int], NDArray[np.float64]] = {}

    def of(self, rows: slice, pixels: int) -> Iterator[tuple[NDArray[np.float64], Any]]:
        """Yield the log10 wavelength of each row, and the place of these pixels in the row.

        Raises:
            InputError: if wavelengths are missing.
        """
        if name := self._file.find(WAVELENGTH):
            for wavelength in self._file.numbers(name, rows, 2).astype(np.float64):
                if wavelength.size != pixels:
                    raise InputError(
                        f"{self._file.path} has {wavelength.size} wavelengths, but {pixels} pixels"
                        " per spectrum; fetch it again"
                    )
                there = wavelength > 0
                yield np.log10(wavelength[there]), there
            return
        ends = [self._file.numbers(name, rows).astype(np.float64).tolist() for name in ENDS]
        for shortest, longest in zip(*ends, strict=True):
            if not 0 < shortest < longest:
                raise InputError(
                    f"{self._file.path} has wavelengths from {shortest} to {longest} Angstrom;"
                    " fetch it again"
                )
            key = shortest, longest, pixels
            if key not in self._of_ends:
                self._of_ends = {key: np.log10(np.linspace(shortest, longest, pixels))}
            yield self._of_ends[key], slice(None)


def _identities(file: Hdf5, rows: slice) -> list[Mapping[str, int | float | str]]:
    """Return the identity of each row from the catalog's columns."""
    columns: dict[str, list[Any]] = {}
    for name in dict.fromkeys((*FIBER, *OBJECTS)):
        if dataset := file.find(name):
            columns[name] = file.whole(dataset, rows).tolist()
    for name, spelled in TEXTS.items():
        if dataset := file.find(name):
            columns[name] = spelled(file.texts(dataset, rows)).tolist()
    count = rows.stop - rows.start
    places: list[dict[str, float]] = [{}] * count
    for names in reversed(POSITIONS):
        if all(held := [file.find(name) for name in names]):
            pairs = zip(*(file.numbers(name, rows).tolist() for name in held), strict=True)
            places = [position(*pair) or place for pair, place in zip(pairs, places, strict=True)]
    return [
        {
            **{name: cells[row] for name, cells in columns.items() if _known(name, cells[row])},
            **places[row],
        }
        for row in range(count)
    ]


def _known(name: str, value: int | str) -> bool:
    return value != "" if isinstance(value, str) else bool(is_known(name, value))


CLASS, WARNING = ("CLASS", "SPECTYPE"), ("ZWARNING", "ZWARN")


def catalog_columns(path: Path, rows: range) -> dict[str, NDArray[Any]]:
    """Return CLASS (text), Z and, if present, ZWARNING of rows, (n,) each, by these names.

    Raises:
        InputError: if the file is damaged, or does not tell classes and redshifts.
    """
    some = slice(rows.start, rows.stop)
    with open_hdf5(path) as file:
        kind, z, warning = file.find(*CLASS), file.find("Z"), file.find(*WARNING)
        if not kind or not z:
            raise InputError(
                f"{path} has no labels of its spectra: it lacks {' or '.join(CLASS)}, or no"
                " Z; make a dataset of it with data_prep.sdss and a catalog"
            )
        columns = {"CLASS": file.texts(kind, some), "Z": file.numbers(z, some).astype(np.float64)}
        if warning:
            columns["ZWARNING"] = file.whole(warning, some)
    return columns
