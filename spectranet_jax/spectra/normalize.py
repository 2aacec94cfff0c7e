"""The report's normalization: subtract the weighted mean, divide by the weighted RMS about it.

The functions take NumPy or JAX arrays and return the same kind, so that the same code runs in a
notebook and inside a compiled training step.
"""

from typing import Any

from jaxtyping import Bool, Float

ROUNDING = 100
"""Units of relative rounding error within which a spectrum counts as constant."""


def moments(
    flux: Float[Any, "*batch bins"], ivar: Float[Any, "*batch bins"]
) -> tuple[Float[Any, "*batch 1"], Float[Any, "*batch 1"]]:
    """Return the weighted mean and the weighted RMS about it, weights = ivar ("Reporte 10", section
    1).

    Args:
        flux: (..., pixels), any unit.
        ivar: (..., pixels), inverse variance, 0 where there is no measurement.

    Returns:
        mean and rms, both (..., 1), in the unit of flux; 0 and 0 where every ivar is 0.
    """
    xp = flux.__array_namespace__()
    total = ivar.sum(axis=-1, keepdims=True)
    # Weights that sum to 1, so that float32 survives any scale of ivar.
    weight = ivar / xp.where(total > 0, total, xp.ones_like(total))
    mean = (weight * flux).sum(axis=-1, keepdims=True)
    rms = xp.sqrt((weight * (flux - mean) ** 2).sum(axis=-1, keepdims=True))
    return mean, rms


def normalize(
    flux: Float[Any, "*batch bins"], ivar: Float[Any, "*batch bins"]
) -> Float[Any, "*batch bins"]:
    """Bring spectra to weighted mean 0 and weighted RMS 1.

    Pixels without measurement (ivar 0) become 0, the mean, and so carry no weight; QuasarNET leaves
    (0 - mean) / rms there. A spectrum without any measurement, or without any structure, becomes 0.

    Args:
        flux: (..., pixels), any unit.
        ivar: (..., pixels), inverse variance, 0 where there is no measurement.

    Returns:
        (..., pixels), of the dtype of flux.
    """
    xp = flux.__array_namespace__()
    mean, rms = moments(flux, ivar)
    structured = is_structured(mean, rms)
    scale = xp.where(structured, rms, xp.ones_like(rms))
    return xp.where((ivar > 0) & structured, (flux - mean) / scale, 0.0)


def median_divided(
    flux: Float[Any, "*batch bins"], ivar: Float[Any, "*batch bins"]
) -> Float[Any, "*batch bins"]:
    """Divide spectra by the unweighted median of their measured pixels, as a plain alternative.

    Noise counts as much as signal here, and where the median is near 0 the result is large.

    Args:
        flux: (..., pixels), any unit.
        ivar: (..., pixels), inverse variance, 0 where there is no measurement.

    Returns:
        (..., pixels), of the dtype of flux; 0 where there is no measurement, and of a spectrum
        without any, or whose median is 0.
    """
    xp = flux.__array_namespace__()
    measured = ivar > 0
    count = measured.sum(axis=-1, keepdims=True)
    ordered = xp.sort(xp.where(measured, flux, xp.inf), axis=-1)  # those without come last
    middle = [xp.maximum((count - back) // 2, 0) for back in (1, 0)]
    low, high = (xp.take_along_axis(ordered, place, axis=-1) for place in middle)
    median = xp.where(count > 0, (low + xp.where(count % 2 == 1, low, high)) / 2, 0.0)
    scale = xp.where(median != 0, median, xp.inf).astype(flux.dtype)
    return xp.where(measured, flux / scale, 0.0)


def is_structured(
    mean: Float[Any, "*batch 1"], rms: Float[Any, "*batch 1"]
) -> Bool[Any, "*batch 1"]:
    """Whether spectra of these `moments` vary: their rms exceeds the rounding of the mean."""
    xp = rms.__array_namespace__()
    return rms > ROUNDING * xp.finfo(rms.dtype).eps * xp.abs(mean)
