"""Conversion of objects in memory to spectra: ours, those of specutils, and lists of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from spectranet_jax.readers import from_specutils
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

ARRAYS = "spectranet_jax.from_arrays(wavelength, flux, sigma=...), which makes spectra of arrays"


def _is(*names: str) -> Callable[[Any], bool]:
    """Return a test for objects of classes of these names, without importing their package."""
    return lambda value: any(kind.__name__ in names for kind in type(value).__mro__)


REMEDIES: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (
        lambda value: isinstance(value, str | bytes | PurePath),
        "read the file with spectranet_jax.read, and give what it returns",
    ),
    (_is("Table", "DataFrame", "Series", "Column", "Row"), f"give its columns to {ARRAYS}"),
    (_is("NDData"), f"give its arrays to {ARRAYS}"),
    (lambda value: isinstance(value, Mapping), f"give its arrays to {ARRAYS}"),
    (lambda value: hasattr(value, "__array__"), f"give it to {ARRAYS}"),
)
"""Pairs of a test for what is not a spectrum, and what to do with it; the first that matches."""

OTHERWISE = (
    f"give Spectrum objects, as spectranet_jax.read returns, specutils ones, or use {ARRAYS}"
)


def as_spectra(value: Any) -> list[Spectrum]:
    """Return the spectra that an object holds, as a list in its order.

    Spectra that have no name are named by their place in the list, from "0" on.

    Args:
        value: a Spectrum; one of specutils, a SpectrumCollection or SpectrumList; or an iterable of
            any of these.

    Raises:
        InputError: if it is none of these, with what to do instead, or one of them cannot be
            converted, with its place in the list.
    """
    return [
        spectrum if spectrum.name else replace(spectrum, name=str(place))
        for place, spectrum in enumerate(_converted(value))
    ]


def _converted(value: Any) -> Iterator[Spectrum]:
    if isinstance(value, Spectrum):
        yield value
    elif isinstance(value, list | tuple) or _is_iterable(value):
        yield from _of_list(value)
    elif from_specutils.is_of_specutils(value):
        yield from from_specutils.spectra(value)
    else:
        raise InputError(_sentence(value))


def _is_iterable(value: Any) -> bool:
    known = any(applies(value) for applies, _ in REMEDIES)
    return isinstance(value, Iterable) and not known and not from_specutils.is_of_specutils(value)


def _of_list(value: Iterable[Any]) -> Iterator[Spectrum]:
    for place, item in enumerate(value):
        try:
            yield from _converted(item)
        except InputError as error:
            raise InputError(f"number {place} of the list: {error}") from error


def _sentence(value: Any) -> str:
    remedy = next((text for applies, text in REMEDIES if applies(value)), OTHERWISE)
    shape = f" of shape {np.shape(value)}" if hasattr(value, "__array__") else ""
    return f"a {type(value).__name__}{shape} is not a spectrum; {remedy}"
