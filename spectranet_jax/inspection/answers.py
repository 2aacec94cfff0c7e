"""Model answers that a catalog does not hold: p(z), and the attribution of the class."""

from collections.abc import Sequence

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inference.attribution import attributions
from spectranet_jax.inference.clean import clean
from spectranet_jax.inference.model import Model
from spectranet_jax.readers import rebin_all
from spectranet_jax.spectra.spectrum import Spectrum


def posteriors(
    model: Model, spectra: Sequence[Spectrum | None]
) -> tuple[NDArray[np.float32], NDArray[np.float64]] | None:
    """Return p(z) of each spectrum, and the edges of its steps.

    Args:
        model: the one that made the catalog.
        spectra: n of them; where there is none, p(z) is 0.

    Returns:
        (n, zsteps) float32, and (zsteps + 1,) float64 in log10(1 + z); None if the model gives no
        p(z).
    """
    declared = model.task.posterior
    if declared is None:
        return None
    present, flux, ivar = _cleaned(model, spectra)
    p = model.columns(flux, ivar, {declared.p})[declared.p]
    every = np.zeros((len(spectra), p.shape[1]), np.float32)
    every[present] = p
    return every, declared.edges


def reasons(model: Model, spectra: Sequence[Spectrum | None]) -> list[NDArray[np.float32] | None]:
    """Return the contribution of each pixel to its spectrum's class, (pixels,), that of its bin.

    Args:
        model: the model that is asked.
        spectra: n of them.

    Returns:
        for each spectrum an array, 0 outside of the model's grid; None where there is no spectrum.
    """
    present, flux, ivar = _cleaned(model, spectra)
    attributed: list[NDArray[np.float32] | None] = [None] * len(spectra)
    for row, of_bins in zip(present, attributions(model, flux, ivar), strict=True):
        loglam = np.nan_to_num(spectra[row].loglam)  # type: ignore[union-attr]  # it is present
        bins = model.grid.bin_of(loglam)
        inside = (bins >= 0) & (bins < model.grid.size)
        attributed[row] = np.where(inside, of_bins[np.where(inside, bins, 0)], 0).astype(np.float32)
    return attributed


def _cleaned(
    model: Model, spectra: Sequence[Spectrum | None]
) -> tuple[list[int], NDArray[np.float32], NDArray[np.float32]]:
    """Return the indices of existing spectra, and their flux and ivar cleaned for the network."""
    present = [i for i, spectrum in enumerate(spectra) if spectrum is not None]
    pixels = rebin_all([s for s in spectra if s is not None], model.grid)
    return present, *clean(*pixels, model.grid)[:2]


def made(table: Table, model: Model) -> bool:
    """Return whether a catalog's header names the weights of a model."""
    return model.sha256 in [value for key, value in table.meta.items() if key.startswith("SHA256_")]
