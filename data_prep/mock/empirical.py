"""Observed spectra to draw from: templates in redrock's format, seen at any redshift.

A folder holds `rrtemplate-*.fits` (basis vectors, with the coefficients of observed objects in
ARCHETYPE_COEFF where there are any) and `rrarchetype-*.fits` (a table of spectra), also compressed.
The shipped ones are in `templates/`; its README.md gives their sources.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import NumpyDraws
from data_prep.mock.profiles import Array
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.random_fields import smooth_field

SHIPPED = Path(__file__).parent / "templates"
KINDS = ("STAR", "GALAXY", "QSO")
FINE = 2e-4
"""Bins of the templates in log10(wavelength): 138 km/s."""

MOST = 800
"""Spectra taken from one file, evenly spaced: so a folder of 30,000 fits into memory."""

FEWEST = 10
"""Wavelengths that a file must have in the range that is used."""

# Wavelengths to use, Angstrom. Galaxies: without the last pixel and the spike at Lyman-alpha,
# defects both. Archetypes of quasars hold the forest of their own sight lines, and noise redward.
USABLE = {"STAR": (2000.0, 12000.0), "GALAXY": (1500.0, 9990.0), "QSO": (1216.0, 5100.0)}


@dataclass(frozen=True, eq=False)
class Bank:
    """Spectra of one kind on a fine grid of rest wavelengths.

    Attributes:
        grid: the fine bins.
        flux: (n, grid.size) float32, a unit wavelength, 0 or above, of median 1.
        subtype: (n,), as the templates name it, "" where they do not.
    """

    grid: LogGrid
    flux: Array
    subtype: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.flux)

    @cached_property
    def cumulative(self) -> NDArray[np.float64]:
        """Return the sums of flux up to each edge, float64 (n, grid.size + 1)."""
        return np.pad(np.cumsum(self.flux, axis=1, dtype=np.float64), ((0, 0), (1, 0)))

    def seen(self, rows: NDArray[np.int64], z: NDArray[np.floating], grid: LogGrid) -> Array:
        """Spectra `rows` (m,) at redshifts z (m,), averaged over the bins of `grid`, (m, bins).

        Within a fine bin the flux is level, or for bins narrower than these a parabola that meets
        its neighbors and keeps the mean. Beyond its ends a spectrum goes on as its last hundredth
        does.
        """
        where = np.log10(grid.edges / (1 + np.asarray(z)[:, None])) - np.log10(self.grid.start)
        where /= self.grid.dloglam  # (m, bins + 1), in fine bins
        margin = max(2, self.grid.size // 100)
        left = np.clip(np.floor(where), 0, self.grid.size - 1).astype(np.int64)
        fraction = np.clip(where - left, 0, 1)
        sums = self.cumulative[rows]
        below = np.take_along_axis(sums, left, axis=1)
        above = np.take_along_axis(sums, left + 1, axis=1)
        total = below + fraction * (above - below)
        if grid.dloglam < self.grid.dloglam:
            total += self._curved(rows, left, fraction)
        blue = sums[:, [margin]] / margin
        red = (sums[:, [-1]] - sums[:, [-1 - margin]]) / margin
        total += np.minimum(where, 0) * blue + np.maximum(where - self.grid.size, 0) * red
        return (np.diff(total, axis=1) / np.diff(where, axis=1)).astype(np.float32)

    def _curved(
        self, rows: NDArray[np.int64], left: NDArray[np.int64], fraction: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What parabolas add to sums of level flux up to a fraction of fine bin `left`, (m, bins).

        At its edges the parabola has the means of adjacent bins.
        """
        before, middle, after = (
            self.flux[rows[:, None], np.clip(left + k, 0, self.grid.size - 1)] for k in (-1, 0, 1)
        )
        rise, fall = (before - middle) / 2, (after - middle) / 2
        return fraction * (1 - fraction) * (rise * (1 - fraction) - fall * fraction)


BEND = 41_400.0
"""Length over which `bent` varies, km/s."""


def bent(rng: np.random.Generator, flux: Array, grid: LogGrid, amount: float) -> Array:
    """Return spectra (n, bins) with a smooth error of `amount`, each a different one, float32."""
    return flux * np.exp(np.float32(amount) * smooth_field(NumpyDraws(rng), len(flux), grid, BEND))


def folder(chosen: Path | None) -> Path:
    """Return the folder of templates: `chosen`, else RR_TEMPLATE_DIR, else the shipped ones."""
    named = os.environ.get("RR_TEMPLATE_DIR", "")
    return chosen if chosen is not None else Path(named) if named else SHIPPED


@cache
def banks(where: Path) -> Mapping[str, Bank]:
    """Return a bank of each of `KINDS` from a folder, or the shipped one where it has none.

    Raises:
        InputError: if there is no such folder, or a file in it cannot be read.
    """
    paths = sorted(where.glob("rrtemplate-*.fits*")) + sorted(where.glob("rrarchetype-*.fits*"))
    if not paths:
        raise InputError(
            f"{where} holds no templates; name a folder with rrtemplate-*.fits or"
            " rrarchetype-*.fits"
        )
    by_kind: dict[str, list[Bank]] = {kind: [] for kind in KINDS}
    for path in paths:
        kind, bank = read(path)
        if len(bank):
            by_kind[kind].append(bank)
    shipped = {} if where == SHIPPED else banks(SHIPPED)
    return {kind: _joined(by_kind[kind]) if by_kind[kind] else shipped[kind] for kind in KINDS}


def read(path: Path) -> tuple[str, Bank]:
    """Read kind and spectra of a file of templates, without mostly empty or negative spectra.

    Basis vectors without coefficients of objects say nothing of which sums of them are spectra, so
    such a file gives none.

    Raises:
        InputError: if it cannot be read as templates.
    """
    from astropy.io import fits

    try:
        with fits.open(path) as hdus:
            kind, wavelength, flux, subtype = _content(hdus)
    except (OSError, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read as redrock templates ({type(error).__name__}); remove it or"
            " fetch it anew"
        ) from error
    low, high = USABLE[kind]
    known = np.flatnonzero((wavelength > low) & (wavelength < high))
    if len(known) < FEWEST:
        raise InputError(
            f"{path} has {len(known)} wavelengths between {low:.0f} and {high:.0f} Angstrom, too"
            f" few for templates of {kind}; remove it"
        )
    wavelength, flux = wavelength[known], flux[:, known]
    edge = wavelength[[0, -1]] + (wavelength[1] - wavelength[0]) * np.array([-0.5, 0.5])
    size = round(float(np.log10(edge[1] / edge[0])) / FINE)
    grid = LogGrid(start=float(edge[0]), dloglam=FINE, size=size)
    column = np.clip(grid.bin_of(np.log10(wavelength)), 0, size - 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    if len(starts) < size:  # coarser than our bins
        fine = np.array([np.interp(grid.centers, wavelength, row) for row in flux])
        fine = fine.reshape(len(flux), size)  # also where there is none
    else:
        fine = np.add.reduceat(flux, starts, axis=1) / np.diff(starts, append=len(column))
    level = np.median(fine, axis=1, keepdims=True) if len(fine) else fine[:, :1]
    usable = (level[:, 0] > 0) & (np.mean(fine < -0.05 * level, axis=1) < 0.1)
    fine = np.maximum(fine[usable] / level[usable], 0)
    return kind, Bank(grid, fine.astype(np.float32), subtype[usable])


def _content(hdus: Any) -> tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[Any]]:
    """Return kind, wavelengths, spectra and their subtypes of an open file."""
    table = "ARCHETYPES" in hdus
    hdu = hdus["ARCHETYPES"] if table else hdus["BASIS_VECTORS"]
    header, kind = hdu.header, str(hdu.header["RRTYPE"]).strip()
    if kind not in KINDS:
        raise ValueError(kind)
    if table:
        content = hdu.data
        flux = np.asarray(content["ARCHETYPE"], np.float64)
        subtype = np.char.strip(np.asarray(content["SUBTYPE"]).astype(str))
        rows = _thinned(np.flatnonzero(subtype != "BAL"))  # we add our own troughs
        flux, subtype = flux[rows], subtype[rows]
    else:
        basis = np.asarray(hdu.data, np.float64)
        chosen = hdus["ARCHETYPE_COEFF"].data if "ARCHETYPE_COEFF" in hdus else basis[:0, :0]
        weights = _thinned(np.asarray(chosen, np.float64))
        flux = weights @ basis if len(weights) else basis[:0]
        subtype = np.full(len(flux), str(header.get("RRSUBTYP", "")).strip())
    wavelength = header["CRVAL1"] + header["CDELT1"] * np.arange(flux.shape[1])
    # A grid in log10 begins near 3, one in Angstrom near 1000: files of version 1 do not name it.
    return kind, 10**wavelength if header["CRVAL1"] < 10 else wavelength, flux, subtype


def _thinned(rows: NDArray[Any]) -> NDArray[Any]:
    """Return at most `MOST` of rows (n, ...), evenly spaced."""
    return rows[:: max(1, -(-len(rows) // MOST))]


def _joined(parts: list[Bank]) -> Bank:
    """Join banks of one kind, on the wavelengths that all of them cover."""
    start = max(bank.grid.start for bank in parts)
    stop = min(bank.grid.edges[-1] for bank in parts)
    size = int(np.log10(stop / start) / FINE)
    if size < 100:
        raise InputError(
            "templates of one kind have no wavelengths in common; keep those with common ones"
        )
    grid = LogGrid(start=start, dloglam=FINE, size=size)
    flux = [bank.seen(np.arange(len(bank)), np.zeros(len(bank)), grid) for bank in parts]
    return Bank(grid, np.concatenate(flux), np.concatenate([bank.subtype for bank in parts]))
