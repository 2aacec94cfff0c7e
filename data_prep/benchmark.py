"""Measure how fast survey files become spectra on the grid, compared with astropy's reading alone.

    python -m data_prep.benchmark

Our code and astropy read the same files alternately; ratios are medians over the turns. Astropy
opens a file, reads the needed HDUs and copies them to arrays in native byte order. (A memory map
would not read the data.) Our code also checks and masks pixels, bins them, and computes the sha256
of the whole file; the tables also give the time of this alone, and the ratio without it. The files
are synthetic, with full size and real layouts, or those of --spectra.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from data_prep import labeled_files
from data_prep.labeled_files import read_files
from spectranet_jax.command_line import command
from spectranet_jax.datasets.checksums import sha256_of
from spectranet_jax.readers import paths
from spectranet_jax.readers import quasarnet_file as quasarnet
from spectranet_jax.spectra import QUASARNET_GRID

PIXELS, FIBERS, TARGETS, ROWS = 4646, 1000, 500, 20_000
SPEC_FILES = 40
DIAGONALS = 11  # of the resolution matrix, the largest part of a coadd file, which is not read
ARMS = {"B": (3600.0, 5800.0), "R": (5760.0, 7620.0), "Z": (7520.0, 9824.0)}


@dataclass(frozen=True)
class Config:
    """Flags of `python -m data_prep.benchmark`."""

    spectra: tuple[str, ...] = ()
    """Spec files to use instead of synthetic ones: files, folders, glob patterns or lists."""
    turns: int = 7
    """Number of measurements of each."""


def measure(config: Config) -> None:
    """Time each format and print spectra per second and the ratios to astropy's time."""
    print(
        f"{'format':<12}{'spectra/s':>11}{'astropy':>11}{'ratio':>8}  {'range over turns':<18}"
        f"{'sha256 / astropy':>18}{'ratio without':>16}"
    )
    with tempfile.TemporaryDirectory() as name:
        for format_name, files, spectra, ours, astropys in _cases(Path(name), config):
            turns = []
            for _ in range(config.turns):
                with_it = [_seconds(read, files) for read in (ours, astropys, _digests)]
                with patch.object(labeled_files, "sha256_of", lambda _: ""):
                    turns.append([*with_it, _seconds(ours, files)])
            ours_s, astropy_s, _, _ = np.median(turns, axis=0)
            ratios = np.array([(o / a, digest / a, less / a) for o, a, digest, less in turns])
            ratio, digest, without = np.median(ratios, axis=0)
            span = f"{ratios[:, 0].min():.2f} to {ratios[:, 0].max():.2f}"
            print(
                f"{format_name:<12}{spectra / ours_s:>11.0f}{spectra / astropy_s:>11.0f}"
                f"{ratio:>8.2f}  {span:<18}{digest:>18.2f}{without:>16.2f}",
                flush=True,
            )


def _seconds(read: Callable[[Sequence[str]], Any], files: Sequence[str]) -> float:
    begin = time.perf_counter()
    read(files)
    return time.perf_counter() - begin


def _digests(files: Sequence[str]) -> None:
    for file in files:
        sha256_of(Path(file))


Case = tuple[str, list[str], int, Callable[[Sequence[str]], Any], Callable[[Sequence[str]], Any]]


def _cases(folder: Path, config: Config) -> list[Case]:
    rng = np.random.default_rng(1)
    spec = paths(config.spectra) if config.spectra else _spec_files(folder, rng)
    plate = [_plate(folder, rng)]
    coadd = [_coadd(folder, rng)]
    arrays = [_arrays(folder, rng)]
    read = partial(read_files, grid=QUASARNET_GRID)
    return [
        ("spec-lite", spec, len(spec), read, _astropy_spec),
        ("spPlate", plate, FIBERS, read, _astropy_images("PRIMARY", "IVAR", "ANDMASK")),
        (
            "DESI coadd",
            coadd,
            TARGETS,
            read,
            _astropy_images(*(f"{a}_{w}" for a in ARMS for w in ("FLUX", "IVAR", "MASK"))),
        ),
        ("QuasarNET", arrays, ROWS, _our_arrays, _astropy_images("PRIMARY")),
    ]


def _astropy_spec(files: Sequence[str]) -> None:
    from astropy.io import fits

    for file in files:
        with fits.open(file, memmap=False) as hdus:
            for column in ("flux", "ivar", "loglam", "and_mask"):
                _native(hdus[1].data[column])
            hdus[0].header["PLATEID"]


def _native(data: NDArray[Any]) -> NDArray[Any]:
    return np.array(data, data.dtype.newbyteorder("="))


def _astropy_images(*names: str) -> Callable[[Sequence[str]], None]:
    from astropy.io import fits

    def read(files: Sequence[str]) -> None:
        for file in files:
            with fits.open(file, memmap=False) as hdus:
                for name in names:
                    _native(hdus[name].data)

    return read


def _our_arrays(files: Sequence[str]) -> None:
    for file in files:
        labeled_files.sha256_of(Path(file))
        quasarnet.read_index(Path(file))
        for _ in quasarnet.read_slices(Path(file), 4096):
            pass


def _images(shape: tuple[int, int], rng: np.random.Generator) -> list[NDArray[Any]]:
    flux = rng.normal(3, 1, shape).astype(np.float32)
    return [flux, np.abs(flux), np.zeros(shape, np.int32)]


def _spec_files(folder: Path, rng: np.random.Generator) -> list[str]:
    """Write spec-lite files with the 230 columns of catalog values that DR12's have."""
    from astropy.io import fits

    files = []
    values = [fits.Column(f"VALUE_{i}", "E", array=[0.0]) for i in range(229)]
    values.append(fits.Column("THING_ID", "J", array=[7]))
    flux, ivar, mask = (image[0] for image in _images((1, PIXELS), rng))
    loglam = (3.55 + 1e-4 * np.arange(PIXELS)).astype(np.float32)
    arrays = {"flux": flux, "loglam": loglam, "ivar": ivar, "and_mask": mask, "or_mask": mask}
    arrays |= dict.fromkeys(("wdisp", "sky", "model"), flux)
    coadd = [fits.Column(k, "J" if "mask" in k else "E", array=a) for k, a in arrays.items()]
    for fiber in range(1, SPEC_FILES + 1):
        primary = fits.PrimaryHDU()
        primary.header.update({"PLATEID": 7102, "MJD": 56666, "FIBERID": fiber})
        for i in range(150):
            primary.header[f"KEY{i}"] = i
        tables = [fits.BinTableHDU.from_columns(columns) for columns in (coadd, values)]
        files.append(str(folder / f"spec-7102-56666-{fiber:04d}.fits"))
        fits.HDUList([primary, *tables]).writeto(files[-1])
    return files


def _plate(folder: Path, rng: np.random.Generator) -> str:
    from astropy.io import fits

    flux, ivar, mask = _images((FIBERS, PIXELS), rng)
    primary = fits.PrimaryHDU(flux)
    primary.header.update({"PLATEID": 4055, "MJD": 55359, "COEFF0": 3.5513, "COEFF1": 1e-4})
    images = {"IVAR": ivar, "ANDMASK": mask, "ORMASK": mask, "WAVEDISP": flux}
    fibers = fits.Column("FIBERID", "J", array=np.arange(1, FIBERS + 1))
    plug_map = fits.BinTableHDU.from_columns([fibers], name="PLUGMAP")
    hdus = [fits.ImageHDU(image, name=name) for name, image in images.items()]
    path = folder / "spPlate-4055-55359.fits"
    fits.HDUList([primary, *hdus, plug_map, fits.ImageHDU(flux, name="SKY")]).writeto(path)
    return str(path)


def _coadd(folder: Path, rng: np.random.Generator) -> str:
    from astropy.io import fits

    ids = fits.Column("TARGETID", "K", array=np.arange(TARGETS))
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns([ids], name="FIBERMAP")]
    for arm, (first, last) in ARMS.items():
        wavelength = np.arange(first, last + 0.4, 0.8)
        hdus.append(fits.ImageHDU(wavelength, name=f"{arm}_WAVELENGTH"))
        images = _images((TARGETS, len(wavelength)), rng)
        for quantity, image in zip(("FLUX", "IVAR", "MASK"), images, strict=True):
            hdus.append(fits.ImageHDU(image, name=f"{arm}_{quantity}"))
        bands = np.repeat(images[0][:, None], DIAGONALS, axis=1)
        hdus.append(fits.ImageHDU(bands, name=f"{arm}_RESOLUTION"))
    path = folder / "coadd.fits"
    fits.HDUList(hdus).writeto(path, checksum=True)
    return str(path)


def _arrays(folder: Path, rng: np.random.Generator) -> str:
    from astropy.io import fits

    image = rng.uniform(1, 2, (ROWS, 2 * QUASARNET_GRID.size))
    names = ("TARGETID", "PLATE", "MJD", "FIBERID")
    columns = [fits.Column(name, "K", array=np.arange(ROWS)) for name in names]
    path = folder / "data_dr12.fits"
    hdus = [fits.PrimaryHDU(image), fits.BinTableHDU.from_columns(columns)]
    fits.HDUList(hdus).writeto(path)
    return str(path)


if __name__ == "__main__":
    command(Config, measure, __doc__)
