"""The door for spectra that are objects in memory: ours, those of specutils, and lists of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from spectranet_jax.readers import from_specutils
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrum import Spectrum

ARRAYS = (
    "spectranet_jax.readers.from_arrays.spectra(wavelength, flux, sigma=...), which makes spectra"
    " of arrays"
)


def _is(*names: str) -> Callable[[Any], bool]:
    """Whether an object is of a class of one of these names: without importing its package."""
    return lambda given: any(kind.__name__ in names for kind in type(given).__mro__)


REMEDIES: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (
        lambda given: isinstance(given, str | bytes | PurePath),
        "read the file with spectranet_jax.read, and give what it returns",
    ),
    (_is("Table", "DataFrame", "Series", "Column", "Row"), f"give its columns to {ARRAYS}"),
    (_is("NDData"), f"give its arrays to {ARRAYS}"),
    (lambda given: isinstance(given, Mapping), f"give its arrays to {ARRAYS}"),
    (lambda given: hasattr(given, "__array__"), f"give it to {ARRAYS}"),
)
"""What is not a spectrum, and what to do with it; the first that fits."""

OTHERWISE = (
    f"give Spectrum objects, as spectranet_jax.read returns, specutils ones, or use {ARRAYS}"
)


def as_spectra(given: Any) -> list[Spectrum]:
    """A list of the spectra that an object holds, in its order.

    Spectra that have no name are named by their place in the list, from "0" on.

    Args:
        given: a Spectrum; one of specutils, a SpectrumCollection or SpectrumList; or an iterable of
            any of these.

    Raises:
        InputError: if it is none of these, with what to do instead, or one of them cannot be
            converted, with its place in the list.
    """
    return [
        spectrum if spectrum.name else replace(spectrum, name=str(place))
        for place, spectrum in enumerate(_converted(given))
    ]


def _converted(given: Any) -> Iterator[Spectrum]:
    if isinstance(given, Spectrum):
        yield given
    elif isinstance(given, list | tuple) or _is_iterable(given):
        yield from _of_list(given)
    elif from_specutils.is_of_specutils(given):
        yield from from_specutils.spectra(given)
    else:
        raise InputError(_sentence(given))


def _is_iterable(given: Any) -> bool:
    known = any(applies(given) for applies, _ in REMEDIES)
    return isinstance(given, Iterable) and not known and not from_specutils.is_of_specutils(given)


def _of_list(given: Iterable[Any]) -> Iterator[Spectrum]:
    for place, item in enumerate(given):
        try:
            yield from _converted(item)
        except InputError as error:
            raise InputError(f"number {place} of the list: {error}") from error


def _sentence(given: Any) -> str:
    remedy = next((text for applies, text in REMEDIES if applies(given)), OTHERWISE)
    shape = f" of shape {np.shape(given)}" if hasattr(given, "__array__") else ""
    return f"a {type(given).__name__}{shape} is not a spectrum; {remedy}"
