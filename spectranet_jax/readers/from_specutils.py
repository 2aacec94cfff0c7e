"""Conversion of spectra of the package specutils.

Nothing of specutils is imported: an object is recognized by the package of its class, and read by
its attributes (specutils 2, the classes Spectrum, SpectrumCollection and SpectrumList).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spectranet_jax.readers import from_arrays, sdss_spec
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER, is_known
from spectranet_jax.spectra.sky_position import position
from spectranet_jax.spectra.spectrum import Spectrum
from spectranet_jax.spectra.whole_numbers import whole_number

UNCERTAINTIES = {"std": "sigma", "var": "variance", "ivar": "ivar"}
"""`uncertainty_type` of astropy.nddata -> argument of `from_arrays.spectra`."""

NAMES = ("OBJECT", "OBJNAME", "TARGET", "TARGETID")
"""Keywords of a header that name an object, in order of preference."""


def is_of_specutils(value: Any) -> bool:
    """Return whether an object's class, or one that it inherits from, is of specutils."""
    return any(kind.__module__.split(".")[0] == "specutils" for kind in type(value).__mro__)


def spectra(value: Any, *, air: bool = False) -> list[Spectrum]:
    """Spectra of a specutils Spectrum, with flux (pixels,) or (n, pixels), or Collection.

    The spectral axis is taken as it stands: the object's redshift and radial velocity change
    nothing. Plate, MJD and fiber of a header in meta are kept as identity and name a spectrum; else
    one of `NAMES` does. The name is "" where the header has none, and where many spectra share one.

    Args:
        value: the object.
        air: whether its wavelengths are those in air, of which specutils keeps no record.

    Raises:
        InputError: if it has no uncertainty of a kind that is known, no flux, more dimensions, a
            unit that cannot be converted, or is an arm of many of a DESI file.
    """
    for attribute in ("flux", "spectral_axis", "uncertainty"):
        if not hasattr(value, attribute):
            raise InputError(
                f"a specutils {type(value).__name__} holds no spectrum; give its Spectrum objects"
            )
    metas: list[Any] = value.meta if isinstance(value.meta, list) else [value.meta]
    _check(value, metas[0] if isinstance(metas[0], Mapping) else {})
    kind = UNCERTAINTIES[value.uncertainty.uncertainty_type]
    has_unit = value.uncertainty.unit is not None
    pixels = [value.flux, value.uncertainty.quantity if has_unit else value.uncertainty.array]
    if value.mask is not None:
        pixels.append(np.broadcast_to(value.mask, value.flux.shape))
    flux, uncertainty, *mask = (np.moveaxis(part, _axis(value), -1) for part in pixels)
    count = 1 if flux.ndim == 1 else len(flux)
    converted = from_arrays.spectra(
        value.spectral_axis,
        flux,
        **{kind: uncertainty},
        mask=mask[0] if mask else None,
        air=air,
        names=[""] * count,
    )
    if len(metas) != count:  # a name shared by many identifies none of them
        return converted
    known = [_names(meta) for meta in metas]
    return [
        replace(spectrum, name=name, identity=identity)
        for spectrum, (name, identity) in zip(converted, known, strict=True)
    ]


def _axis(value: Any) -> int:
    """Return the spectral axis of flux; of a collection with several such axes, the last."""
    axis = getattr(value, "spectral_axis_index", None)
    return -1 if axis is None or value.spectral_axis.ndim > 1 else axis


def _check(value: Any, meta: Mapping[str, Any]) -> None:
    what = f"a specutils {type(value).__name__}"
    if value.uncertainty is None:
        raise InputError(
            f"{what} has no uncertainty, without which no pixel can be weighed; make it with"
            " uncertainty=astropy.nddata.StdDevUncertainty(sigma)"
        )
    if value.uncertainty.uncertainty_type not in UNCERTAINTIES:
        raise InputError(
            f"{what} has a {type(value.uncertainty).__name__}; give it a StdDevUncertainty,"
            " VarianceUncertainty or InverseVariance of astropy.nddata"
        )
    if value.flux.ndim > 2:
        raise InputError(
            f"{what} has a flux of shape {value.flux.shape}; give (pixels,) or (n, pixels), as of"
            " the spaxels that are wanted"
        )
    arms = meta.get("bands")
    if isinstance(arms, list) and len(arms) > 1:
        raise InputError(
            f"{what} is one arm of a DESI file, whose arms {', '.join(arms)} belong together; read"
            " the file with spectranet_jax.read"
        )


def _names(meta: Any) -> tuple[str, dict[str, int | float | str]]:
    """Return the name and identity of one spectrum, as far as its header has them."""
    header: Any = meta.get("header") if hasattr(meta, "get") else None
    header = header if hasattr(header, "get") else meta or {}
    numbers = [whole_number(header.get(keyword)) for keyword in sdss_spec.HEADER]
    place = position(header.get("PLUG_RA"), header.get("PLUG_DEC"))
    identity: dict[str, int | float | str] = {
        field: number
        for field, number in zip(FIBER, numbers, strict=True)
        if number is not None and is_known(field, number)
    }
    if len(identity) == len(FIBER):
        return sdss_spec.name_of(identity), {**identity, **place}
    texts = (str(header.get(keyword) or "").strip() for keyword in NAMES)
    return next(filter(None, texts), ""), dict(place)
