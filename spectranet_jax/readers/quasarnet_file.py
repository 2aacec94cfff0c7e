"""QuasarNET's data file (data_dr12.fits): all spectra, already on the 443-bin grid, in one image.

The layout is that of QuasarNET's bin/parse_data: HDU 0 is an image (spectra, 886), the 443 rebinned
fluxes and then their inverse variances; a table holds TARGETID (the THING_ID), PLATE, MJD, FIBERID.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.fits import open_fits
from spectranet_jax.readers.whole_column import whole_column
from spectranet_jax.spectra import QUASARNET_GRID, InputError
from spectranet_jax.spectra.row_slices import row_slices

GRID = QUASARNET_GRID

AT_ONCE = 900 << 10
"""Bytes read from the file at a time, which fit into the processor's cache."""


@dataclass(frozen=True)
class Index:
    """Identifiers of each spectrum in the table; all int64 (n,), -1 where null."""

    thing_id: NDArray[np.int64]
    plate: NDArray[np.int64]
    mjd: NDArray[np.int64]
    fiber: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.thing_id)


def read_index(path: Path) -> Index:
    """Return the table of a data file, after checking the image.

    Raises:
        InputError: if the file cannot be read or is not laid out as above.
    """
    with open_fits(path) as hdus:
        table = hdus.table({"TARGETID", "PLATE", "MJD", "FIBERID"})
        if table is None:
            raise InputError(
                f"{path} has no table with TARGETID, PLATE, MJD and FIBERID; give QuasarNET's"
                " data_dr12.fits, and the truth file after it"
            )
        columns = [whole_column(table, c) for c in ("TARGETID", "PLATE", "MJD", "FIBERID")]
        shape = hdus[0].shape
    if shape != (len(columns[0]), 2 * GRID.size):
        raise InputError(
            f"{path} holds an image {shape} where ({len(columns[0])}, {2 * GRID.size}) is"
            " expected, flux and inverse variance on the 443-bin grid; give QuasarNET's"
            " data_dr12.fits"
        )
    return Index(*columns)


def read_slices(
    path: Path, size: int
) -> Iterator[tuple[slice, NDArray[np.float32], NDArray[np.float32]]]:
    """Yield flux and ivar, both float32 (rows, 443), in slices of at most `size` rows.

    No more than a slice is in memory. A pixel that is not finite, or whose ivar is not positive,
    gets flux and ivar 0.

    Raises:
        InputError: if the file is truncated.
    """
    with open_fits(path) as hdus:
        image = hdus[0]
        for start in range(0, image.shape[0], size):
            rows = slice(start, min(start + size, image.shape[0]))
            pixels = np.empty((rows.stop - rows.start, image.shape[1]), np.float32)
            with np.errstate(over="ignore"):  # the file is float64; overflow gives infinity
                for some in row_slices(rows.start, rows.stop, 8 * image.shape[1], AT_ONCE):
                    pixels[some.start - start : some.stop - start] = image.section(some)
            flux, ivar = pixels[:, : GRID.size], pixels[:, GRID.size :]
            good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
            if not good.all():
                flux[~good], ivar[~good] = 0, 0
            yield rows, flux, ivar
