"""The best-fitting sum of basis vectors at a redshift, as figures show it over a spectrum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inference.basis import Basis
from spectranet_jax.inference.scan import POLYNOMIALS
from spectranet_jax.spectra.native import FIRST, NATIVE_GRID, STEP

KIND_OF = {"GALAXY": "GALAXY", "QSO": "QSO", "QSO_BAL": "QSO"}
"""CLASS of a row -> the kind of its basis vectors."""


def template(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], z: float, basis: Basis
) -> NDArray[np.float64]:
    """Fit basis vectors and polynomials at a redshift, (4750,); NaN beyond the vectors.

    Args:
        flux: (4750,), on the native grid.
        ivar: (4750,), likewise, 0 where nothing was measured.
        z: redshift; the vectors are shifted by whole pixels, to within 35 km/s of it.
        basis: basis vectors.
    """
    first = round(FIRST / STEP) - basis.start - round(float(np.log10(1 + z)) / STEP)
    low, high = max(0, -first), min(NATIVE_GRID.size, basis.vectors.shape[1] - first)
    fitted = np.full(NATIVE_GRID.size, np.nan)
    if high - low <= len(basis.vectors) + POLYNOMIALS or not (ivar[low:high] > 0).any():
        return fitted
    polynomials = np.polynomial.legendre.legvander(np.linspace(-1, 1, high - low), POLYNOMIALS - 1)
    terms = np.concatenate([basis.vectors[:, first + low : first + high], polynomials.T])
    root = np.sqrt(np.asarray(ivar[low:high], np.float64))
    amounts, *_ = np.linalg.lstsq((terms * root).T, flux[low:high] * root, rcond=1e-10)
    fitted[low:high] = amounts @ terms
    return fitted


def of_row(
    row: Table.Row,
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    bases: Mapping[str, Basis],
) -> NDArray[np.float64] | None:
    """Return the template at the redshift of a catalog's row; None if that was not refined.

    Args:
        row: with CLASS, Z and Z_CHI2.
        flux, ivar: (4750,), the spectrum on the native grid.
        bases: basis vectors by kind, those of the refinement.
    """
    if "Z_CHI2" not in row.colnames or np.ma.is_masked(row["Z_CHI2"]) or np.ma.is_masked(row["Z"]):
        return None
    kind: Any = KIND_OF.get(str(row["CLASS"]))
    return template(flux, ivar, float(row["Z"]), bases[kind]) if kind in bases else None
