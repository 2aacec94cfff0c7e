"""The templates of a catalog's refined redshifts, on the pixels of its spectra."""

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inference.basis import Basis, shipped
from spectranet_jax.inference.template import of_row
from spectranet_jax.spectra.native import NATIVE_GRID, native_pixels
from spectranet_jax.spectra.spectrum import Spectrum


def templates(table: Table, spectra: Sequence[Spectrum | None]) -> list[NDArray[np.float64] | None]:
    """Return the template of each row on its spectrum's pixels, (pixels,); None if not fitted.

    It is fitted with the basis vectors that come with the package, whatever refined the catalog.

    Args:
        table: rows of a catalog.
        spectra: those of the rows, None where there is none.
    """
    bases = shipped()
    return [
        None if spectrum is None else _template(row, spectrum, bases)
        for row, spectrum in zip(table, spectra, strict=True)
    ]


def _template(
    row: Table.Row, spectrum: Spectrum, bases: Mapping[str, Basis]
) -> NDArray[np.float64] | None:
    flux, ivar = (pixels[0] for pixels in native_pixels([spectrum]))
    fitted = of_row(row, flux, ivar, bases)
    if fitted is None:
        return None
    places = np.log10(NATIVE_GRID.centers)
    inside = np.where(np.isfinite(spectrum.loglam), spectrum.loglam, places[0])
    return np.interp(inside, places, fitted, left=np.nan, right=np.nan)
