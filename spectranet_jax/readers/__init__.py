"""Readers of survey files, one file per survey, with their table and what they share."""

import glob
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers import (
    desi_coadd,
    foreign,
    hdf5,
    lamost,
    multimodal_universe,
    sdss_spec,
    spplate,
    spspec,
)
from spectranet_jax.readers.fits import Fits, open_fits
from spectranet_jax.readers.plain_spec import read_plain
from spectranet_jax.spectra import InputError, LogGrid, scatter
from spectranet_jax.spectra.flags import noise_flags, pixel_flags
from spectranet_jax.spectra.grid import Binning
from spectranet_jax.spectra.spectrum import Spectrum

FITS_SUFFIXES = (".fits", ".fits.gz", ".fit", ".fit.gz")
SUFFIXES = (*FITS_SUFFIXES, *hdf5.SUFFIXES)
"""Endings of the names of files that may hold spectra, in a folder."""

LIST_SUFFIXES = (".txt", ".lst")

SPECTRUM_NAMES = ("spec", "spplate", "spspec", "coadd")
"""Beginnings of survey files' names of spectra; in a folder, other files are looked into."""

LONGEST_SHOWN = 200
"""Characters shown of an argument that is refused."""

NAMED_ASIDE = 5
"""Files left out that are named on the terminal."""

SPECTRA_AT_ONCE = 8
"""Spectra of a plate or petal rebinned at once: with more, fetching memory takes longest."""

READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Iterator[Spectrum]]], ...] = (
    (multimodal_universe.recognizes, multimodal_universe.spectra),
    (lamost.recognizes, lamost.spectra),
    (spplate.recognizes, spplate.spectra),
    (spspec.recognizes, spspec.spectra),
    (sdss_spec.recognizes, sdss_spec.spectra),
    (desi_coadd.recognizes, desi_coadd.spectra),
)
"""Pairs of a test, whether a reader recognizes a file open as `Fits` or `Hdf5`, and that reader;
the first that matches reads it.
"""


def read(path: str | Path) -> list[Spectrum]:
    """Return the spectra of a file of any survey, recognized by its content.

    Raises:
        InputError: if the file is missing, damaged, or of none of the formats that are read.
    """
    return list(stream(Path(path)))


def stream(path: Path, rows: range | None = None) -> Iterator[Spectrum]:
    """Yield the spectra of a file, a few in memory at a time: see `read`.

    Damage may show only after some spectra have come: then none of them is to be trusted.

    Args:
        path: the file.
        rows: the rows of an HDF5 file to read; by default all. Other files are read completely.
    """
    if (plain := read_plain(path)) is not None:
        yield from plain
        return
    opened: Any = hdf5.open_hdf5(path, rows) if hdf5.is_hdf5(path) else open_fits(path)
    with opened as file:
        for recognizes, spectra in READERS:
            if recognizes(file):
                yield from spectra(file)
                return
        foreign.refuse(file)


def holds_spectra(hdus: Fits) -> bool:
    """Return whether a reader recognizes a file."""
    return any(recognizes(hdus) for recognizes, _ in READERS)


def refuse_spectra(hdus: Fits) -> None:
    """Raise InputError if a file given as a catalog holds spectra.

    Such a file has a row of the catalog, SPALL, that would be taken for all of it.
    """
    first = hdus.at(1)
    coadd = first is not None and (first.name == "COADD" or first.columns >= {"FLUX", "LOGLAM"})
    if coadd or holds_spectra(hdus):
        raise InputError(
            f"{hdus.path} is a spectrum, not a catalog; give a catalog like Superset_DR12Q, and the"
            " spectra separately"
        )


def paths(arguments: Sequence[str]) -> list[str]:
    """Return the files that command-line arguments stand for, in order and by the names given.

    An argument is a file; a folder, which means its *.fits, *.fit, *.hdf5 and *.h5, the first two
    also packed (.gz), sorted; a glob pattern; or a list of files, one a line, as @LIST or as a
    *.txt or *.lst file. In a list, empty lines and lines that begin with # do not count. Files
    named in a list may be missing: the reader tells, so that one wrong line costs one spectrum.

    Raises:
        InputError: if an argument stands for no file.
    """
    return [path for argument in arguments for path in _expand(argument)]


def spectrum_paths(arguments: Sequence[str]) -> list[str]:
    """Return the files of spectra that command-line arguments stand for: see `paths`.

    Other files in a folder, such as a catalog, are left out, with a line on standard error. A file
    named by itself, a pattern or a list is always kept, and so is one that cannot be read: then the
    reader reports why.

    Raises:
        InputError: if an argument stands for no file, or there is no spectrum in any of them.
    """
    spectra_files, aside = [], []
    for argument in arguments:
        files = _expand(argument)
        if Path(argument).is_dir():
            others = {name for name in files if _is_something_else(Path(name))}
            aside += [name for name in files if name in others]
            files = [name for name in files if name not in others]
        spectra_files += files
    if not spectra_files:
        raise InputError(f"{', '.join(arguments)} holds FITS files, but no spectra; give others")
    if aside:
        more = f" and {len(aside) - NAMED_ASIDE} more" if len(aside) > NAMED_ASIDE else ""
        names = ", ".join(aside[:NAMED_ASIDE])
        print(f"left out, since they hold no spectra: {names}{more}", file=sys.stderr)
    return spectra_files


def _is_something_else(path: Path) -> bool:
    """Return whether a file is undamaged FITS, but not a spectrum."""
    if path.name.lower().startswith(SPECTRUM_NAMES) or hdf5.is_hdf5(path):
        return False
    try:
        with open_fits(path, large=True) as hdus:
            return not holds_spectra(hdus) and hdus.table({"FLUX", "IVAR"}) is None
    except InputError:
        return False


def _expand(argument: str) -> list[str]:
    try:
        return _matching_files(argument)
    except OSError as error:  # such as a name that is too long, or a folder without permission
        shown = argument if len(argument) <= LONGEST_SHOWN else argument[:LONGEST_SHOWN] + "…"
        raise InputError(f"{shown}: {error.strerror or error}; check the name") from error


def _matching_files(argument: str) -> list[str]:
    path = Path(argument)
    if argument.startswith("@") and not path.exists():
        return _listed(Path(argument[1:]))
    if path.is_dir():
        names = sorted(p.name for p in path.iterdir() if p.name.lower().endswith(SUFFIXES))
        if not names:
            raise InputError(
                f"{path} holds no {', '.join(SUFFIXES)} file; give another folder, or"
                f" {path}/*/ for those in it"
            )
        return [f"{argument.rstrip('/')}/{name}" for name in names]
    if path.exists():
        return _listed(path) if path.suffix.lower() in LIST_SUFFIXES else [argument]
    matching = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 (absolute patterns too)
    if matching:
        return matching
    if glob.glob(f"{argument}.gz", recursive=True):  # noqa: PTH207
        raise InputError(f"no file matches {argument}; give {argument}.gz, which matches some")
    if glob.has_magic(argument):
        raise InputError(f"no file matches {argument}; check the pattern")
    raise InputError(f"{argument} does not exist; check the name")


def _listed(path: Path) -> list[str]:
    wrong = f"{path} cannot be read as a list of files"
    if not (path.is_file() or path.is_relative_to("/dev")):  # the pipe of @<(command) is there
        raise InputError(f"{wrong}: it is not a file; check the name")
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")  # as file names are
    except OSError as error:
        raise InputError(f"{wrong} ({error.strerror or error}); check the name") from error
    if "\0" in text:
        raise InputError(f"{wrong}: it is binary; write one path per line in UTF-8")
    lines = text.splitlines()
    files = [s for s in map(str.strip, lines) if s and not s.startswith("#")]
    if not files:
        raise InputError(f"{path} lists no file; write one path per line")
    if _is_numbers(files[0]):
        raise InputError(
            f"{path} holds columns of numbers, but a {path.suffix} file must list FITS files, one"
            " path per line; make spectra of arrays with spectranet_jax.spectrum"
        )
    return files


def _is_numbers(line: str) -> bool:
    """Return whether a line holds several numbers, as a spectrum in ASCII does."""
    words = line.replace(",", " ").split()
    try:
        return len([float(word) for word in words]) > 1
    except ValueError:
        return False


Pixels = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Flux and ivar, (n, bins) each."""


def rebin_all(spectra: Sequence[Spectrum], grid: LogGrid) -> Pixels:
    """Return flux and ivar of spectra on the grid, both float32 (n, grid.size), by `spectra.rebin`.

    A bin whose flux or ivar float32 cannot hold gets 0 and 0.
    """
    none = np.zeros((0, grid.size), np.float32)
    groups = [(none, none)] + [pixels[0] for _, _, pixels in rebinned(spectra, [grid])]
    flux, ivar = (np.concatenate(images) for images in zip(*groups, strict=True))
    return flux, ivar


def rebinned(
    spectra: Iterable[Spectrum], grids: Sequence[LogGrid]
) -> Iterator[tuple[list[Spectrum], NDArray[np.int32], list[Pixels]]]:
    """Yield a few spectra at a time, the flags of files and pixels, and the pixels on each grid."""
    loglam = None
    for group in _same_wavelengths(spectra):
        pixels = np.stack([s.flux for s in group]), np.stack([s.ivar for s in group])
        if group[0].loglam is not loglam:
            loglam = group[0].loglam
            binnings = [Binning.of(loglam, grid, group[0].source) for grid in grids]
        of_file = np.array([spectrum.flags for spectrum in group], np.int32)
        flags = of_file | pixel_flags(*pixels) | noise_flags(scatter.too_large(loglam, *pixels))
        yield group, flags, [_binned(binning, *pixels) for binning in binnings]


def _binned(binning: Binning, flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> Pixels:
    with np.errstate(over="ignore", invalid="ignore"):
        flux, ivar = (image.astype(np.float32) for image in binning(flux, ivar))
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    if not good.all():
        flux[~good], ivar[~good] = 0, 0
    return flux, ivar


def _same_wavelengths(spectra: Iterable[Spectrum]) -> Iterator[list[Spectrum]]:
    """Yield groups of at most `SPECTRA_AT_ONCE` successive spectra of the same wavelengths."""
    group: list[Spectrum] = []
    for spectrum in spectra:
        if group and (len(group) == SPECTRA_AT_ONCE or spectrum.loglam is not group[0].loglam):
            yield group
            group = []
        group.append(spectrum)
    if group:
        yield group
