"""The noise of a spectrum: variance as a function of wavelength and flux, and random draws.

variance = level^2 (sky + photons * flux), by the table of an instrument (`spectra.instruments`).
The variance of a bin is inversely proportional to its width, as that of a mean of independent
pixels is.

Works on NumPy and JAX arrays alike, so that a mock survey and a compiled training step draw the
same noise.
"""

from typing import Any

from jaxtyping import Float

from spectranet_jax.spectra.spectrographs import Tables


def variance(
    flux: Float[Any, "*batch bins"], level: Float[Any, "*#batch #bins"], tables: Tables
) -> Float[Any, "*batch bins"]:
    """Return the variance of each bin, with the dtype and shape of flux.

    Args:
        flux: (n, bins), without noise, 1e-17 erg/s/cm^2/Angstrom.
        level: (n, bins) or (n, 1), sigma relative to the median spectrum's.
        tables: of each spectrum's instrument, or of one for all.
    """
    xp = flux.__array_namespace__()
    positive = xp.maximum(flux, xp.zeros_like(flux))
    return level**2 * (tables.sky + tables.photons * positive)


def observe(
    flux: Float[Any, "*batch bins"],
    level: Float[Any, "*#batch #bins"],
    normals: Float[Any, "*batch bins"],
    tables: Tables,
) -> tuple[Float[Any, "*batch bins"], Float[Any, "*batch bins"]]:
    """Return flux with noise, and the inverse variance that a pipeline would report.

    Args:
        flux: (n, bins), without noise, 1e-17 erg/s/cm^2/Angstrom.
        level: (n, bins) or (n, 1), sigma relative to the median spectrum's.
        normals: (n, bins), standard normal draws.
        tables: of each spectrum's instrument, or of one for all.

    Returns:
        flux and ivar, both (n, bins). The scatter exceeds the sigma of ivar by the factor
        `inflation` of the instrument.
    """
    xp = flux.__array_namespace__()
    var = variance(flux, level, tables)
    return flux + tables.inflation * xp.sqrt(var) * normals, 1 / var
