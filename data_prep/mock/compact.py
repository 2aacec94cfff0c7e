"""Preparation of the shipped templates: the published ones on fewer, logarithmic bins.

from data_prep.mock.compact import compact

compact(Path("redrock"), Path("pyhammer_templates_228.npz"), Path("data_prep/mock/templates"))
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.empirical import FINE, USABLE


def compact(redrock: Path, pyhammer: Path, out: Path) -> None:
    """Write the three files of `out` from a folder of redrock's templates and PyHammer's co-adds.

    Args:
        redrock: folder with rrtemplate-galaxy.fits.gz and rrarchetype-qso.fits.gz.
        pyhammer: npz with loglam (pixels,), flux (228, pixels) and label (228,).
        out: folder to write into; files there are overwritten.
    """
    from astropy.io import fits

    with fits.open(redrock / "rrtemplate-galaxy.fits.gz") as hdus:
        header = hdus["BASIS_VECTORS"].header
        wavelength = header["CRVAL1"] + header["CDELT1"] * np.arange(header["NAXIS1"])
        basis = hdus["BASIS_VECTORS"].data
        start, galaxies = _on_fine_bins(wavelength, basis, *USABLE["GALAXY"])
        weights = hdus["ARCHETYPE_COEFF"].data.astype(np.float32)
    vectors = fits.ImageHDU(galaxies, _header(fits, "GALAXY", start), name="BASIS_VECTORS")
    _write(
        fits,
        out / "rrtemplate-galaxy.fits",
        vectors,
        fits.ImageHDU(weights, name="ARCHETYPE_COEFF"),
    )

    with fits.open(redrock / "rrarchetype-qso.fits.gz") as hdus:
        header, table = hdus["ARCHETYPES"].header, hdus["ARCHETYPES"].data
        normal = np.flatnonzero(np.char.strip(np.asarray(table["SUBTYPE"]).astype(str)) != "BAL")
        loglam = header["CRVAL1"] + header["CDELT1"] * np.arange(table["ARCHETYPE"].shape[1])
        flux = np.asarray(table["ARCHETYPE"], np.float64)[normal]
    flux /= np.median(flux, axis=1, keepdims=True)
    start, quasars = _on_fine_bins(10**loglam, flux, *USABLE["QSO"])
    _write(
        fits,
        out / "rrarchetype-qso.fits",
        _archetypes(fits, "QSO", start, quasars, [""] * len(quasars)),
    )

    with np.load(pyhammer, allow_pickle=False) as held:
        loglam, flux, label = held["loglam"], held["flux"].astype(np.float64), held["label"]
    known = np.isfinite(flux).all(axis=0)
    flux = flux[:, known] / np.median(flux[:, known], axis=1, keepdims=True)
    start, stars = _on_fine_bins(10 ** loglam[known], flux, *USABLE["STAR"])
    names = [" ".join(part for part in row if part) for row in label]
    _write(fits, out / "rrarchetype-star.fits", _archetypes(fits, "STAR", start, stars, names))


def _on_fine_bins(
    wavelength: NDArray[np.floating], flux: NDArray[np.floating], low: float, high: float
) -> tuple[float, NDArray[np.float32]]:
    """Return the first bin's center in log10, and flux averaged over bins of `FINE`, (n, bins)."""
    inside = (wavelength > low) & (wavelength < high)
    loglam, flux = np.log10(wavelength[inside]), flux[:, inside]
    column = np.floor((loglam - loglam[0]) / FINE + 1e-6).astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    assert len(starts) == column[-1] + 1, "a fine bin holds no pixel"
    means = np.add.reduceat(flux, starts, axis=1) / np.diff(starts, append=len(column))
    mean_loglam = np.add.reduceat(loglam, starts) / np.diff(starts, append=len(column))
    # The first and the last bin may be cut; the others' centers give the grid.
    first = float(np.mean(mean_loglam[1:-1] - FINE * np.arange(1, len(starts) - 1)))
    return first, means[:, :-1].astype(np.float32)


def _header(fits: Any, kind: str, start: float) -> Any:
    cards = {"CRVAL1": start, "CDELT1": FINE, "LOGLAM": True, "RRTYPE": kind, "RRSUBTYP": ""}
    return fits.Header(cards)


def _archetypes(fits: Any, kind: str, start: float, flux: Any, subtype: list[str]) -> Any:
    columns = [
        fits.Column("ARCHETYPE", f"{flux.shape[1]}E", array=flux),
        fits.Column("SUBTYPE", "20A", array=np.array(subtype)),
    ]
    return fits.BinTableHDU.from_columns(columns, _header(fits, kind, start), name="ARCHETYPES")


def _write(fits: Any, path: Path, *hdus: Any) -> None:
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
