"""A folder of templates: the observed spectra of each kind that the mock survey mixes in.

`template_files` describes the files that a folder may contain, and `python -m data_prep.download
--templates` fetches them. Without a folder, the mock survey is drawn from physics alone.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.mock import template_files
from data_prep.mock.empirical import FINE, Bank
from data_prep.mock.template_files import KINDS, LICENSES, Content
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.grid import LogGrid

MOST = 800
"""Largest number of spectra used per file, evenly spaced, so that a folder of 30,000 fits into
memory."""

FEWEST = 10
"""Least number of wavelengths that a file must have in the range that is used."""

# Wavelengths to use, Angstrom. Galaxies have defects: the last pixel, and a spike at Lyman-alpha.
# Archetypes of quasars have the forest of their own sight lines, and noise at the red end.
USABLE = {"STAR": (2000.0, 12000.0), "GALAXY": (1500.0, 9990.0), "QSO": (1216.0, 5100.0)}

VARIABLE = "RR_TEMPLATE_DIR"
"""Environment variable that names the folder of templates."""

STARS_OF_PYHAMMER = "OBAFGKML"
"""Types of stars that PyHammer has observed, and for which redrock combines basis vectors."""


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of a folder.

    Attributes:
        banks: kind -> its spectra, for the kinds that are in the folder.
        sha256: of the contents of all files.
        origins: where the spectra come from, keys of `LICENSES`.
    """

    banks: Mapping[str, Bank]
    sha256: str
    origins: tuple[str, ...]

    def account(self) -> Mapping[str, object]:
        """Return the manifest's entry, which does not depend on where the folder is."""
        return {
            "sha256": self.sha256,
            "spectra": {kind: len(bank) for kind, bank in self.banks.items()},
            "licenses": {origin: LICENSES[origin] for origin in self.origins},
        }


def folder(chosen: Path | None = None) -> Path | None:
    """Return the folder of templates: `chosen`, else that in `VARIABLE`, else none."""
    named = os.environ.get(VARIABLE, "")
    return chosen if chosen is not None else Path(named) if named else None


@cache
def templates(where: Path) -> Templates:
    """Return the templates of a folder.

    Raises:
        InputError: if there are none, or a file cannot be read.
    """
    digest, origins = hashlib.sha256(), set()
    parts: dict[str, list[Bank]] = {kind: [] for kind in KINDS}
    paths = template_files.find(where)
    observed_stars = any(not path.name.startswith("rr") for path in paths)
    for path in paths:
        for content in template_files.read(path):
            if observed_stars and _combined_star(content):
                continue
            bank = _bank(content, path)
            if len(bank):
                digest.update(content.sha256().encode())
                origins.add(content.origin)
                parts[content.kind].append(bank)
    banks = {kind: _joined(found) for kind, found in parts.items() if found}
    if not banks:
        raise InputError(
            f"{where} holds no templates; name a folder with rrtemplate-*.fits, rrarchetype-*.fits"
            " or PyHammer's stars, such as `python -m data_prep.download --templates` makes"
        )
    return Templates(banks, digest.hexdigest(), tuple(o for o in LICENSES if o in origins))


def _combined_star(content: Content) -> bool:
    """Whether the spectra are stars from basis vectors, of types that PyHammer has observed."""
    combined = content.kind == "STAR" and content.weights is not None
    return combined and set(content.subtype) <= set(STARS_OF_PYHAMMER)


def _bank(content: Content, path: Path) -> Bank:
    """Return the spectra on fine bins, without BALs and without mostly empty or negative spectra.

    Basis vectors make sense only with coefficients of observed objects: without them there are no
    spectra. BALs are left out because the survey adds its own troughs.
    """
    low, high = USABLE[content.kind]
    wavelength = content.wavelength
    known = np.flatnonzero((wavelength > low) & (wavelength < high))
    if len(known) < FEWEST:
        raise InputError(
            f"{path} has {len(known)} wavelengths between {low:.0f} and {high:.0f} Angstrom, too"
            f" few for templates of {content.kind}; remove it"
        )
    rows = np.flatnonzero(content.subtype != "BAL")
    rows = rows[:: max(1, -(-len(rows) // MOST))]
    vectors = content.vectors[:, known].astype(np.float64)
    grid, fine = _on_fine_bins(wavelength[known], vectors)
    flux = fine[rows] if content.weights is None else content.weights[rows] @ fine
    level = np.median(flux, axis=1, keepdims=True) if len(flux) else flux[:, :1]
    usable = (level[:, 0] > 0) & (np.mean(flux < -0.05 * level, axis=1) < 0.1)
    flux = np.maximum(flux[usable] / level[usable], 0)
    return Bank(grid, flux.astype(np.float32), content.subtype[rows][usable])


def _on_fine_bins(
    wavelength: NDArray[np.float64], flux: NDArray[np.float64]
) -> tuple[LogGrid, NDArray[np.float64]]:
    """Return bins of `FINE`, and flux (n, pixels) averaged or, if coarser, interpolated there."""
    edge = wavelength[[0, -1]] + (wavelength[1] - wavelength[0]) * np.array([-0.5, 0.5])
    size = round(float(np.log10(edge[1] / edge[0])) / FINE)
    grid = LogGrid(start=float(edge[0]), dloglam=FINE, size=size)
    column = np.clip(grid.bin_of(np.log10(wavelength)), 0, size - 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    if len(starts) < size:
        return grid, np.array([np.interp(grid.centers, wavelength, row) for row in flux])
    return grid, np.add.reduceat(flux, starts, axis=1) / np.diff(starts, append=len(column))


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
