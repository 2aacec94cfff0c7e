"""Compact encoding of spectra, for a page with hundreds: half-precision numbers, deflated.

A browser unpacks one spectrum in a few milliseconds, when it is looked at. Numbers are float16 in
units of the spectrum's median |flux|, so they are exact to 1 part in 2,000; the bytes of all
numbers' upper halves stand before those of the lower halves, which deflate far better apart.
Wavelengths are float64 rules (first, step, count) where they are regular, as survey pixels are.
"""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.spectrum import Spectrum

MOST_ARMS = 8
"""Maximum of runs drawn separately, as the arms of DESI; beyond it, pixels are sorted."""

TOLERANCE_DEX, TOLERANCE_ANGSTROM = 5e-7, 0.005
"""Greatest distance of a pixel from a regular wavelength: 0.3 km/s; float32 ones of BOSS pass."""

LARGEST = 6e4
"""Limit of flux within the range of float16; larger values are cut."""


def pack(
    spectrum: Spectrum | None,
    p_of_z: NDArray[np.floating] | None = None,
    template: NDArray[np.floating] | None = None,
    attribution: NDArray[np.floating] | None = None,
) -> dict[str, Any]:
    """Return what the page needs to draw a spectrum, ready for JSON.

    Args:
        spectrum: the spectrum; None where there is none to show.
        p_of_z: (zsteps,) probability of each step of redshift.
        template: (pixels,) model of the flux at the catalog's redshift, NaN where there is none.
        attribution: (pixels,) contribution of each pixel to the class.

    Returns:
        `segments`, the wavelengths, as (kind, first, step, count) with kind "log", "linear" or
        "table"; `scale`, the unit of flux; `planes`, (name, count, bytes per number) of each array
        in `data`, which is base64 of deflated bytes.
    """
    arrays: dict[str, NDArray[Any]] = {}
    segments: list[list[Any]] = []
    scale = 1.0
    if spectrum is not None:
        order, starts = drawing_order(spectrum.loglam)
        segments, tables = wavelengths(spectrum.loglam[order], starts)
        flux, sigma = (part[order] for part in flux_and_sigma(spectrum))
        scale = _scale(flux[sigma > 0])
        arrays = {"flux": _half(flux / scale), "sigma": _half(sigma / scale)}
        if template is not None:
            arrays["template"] = _half(template[order] / scale)
        if attribution is not None:
            arrays["attribution"] = _half(attribution[order])
        if tables.size:
            arrays["wavelength"] = tables.astype("<f4")
    if p_of_z is not None and np.nanmax(p_of_z, initial=0) > 0:
        arrays["p"] = _half(p_of_z / np.nanmax(p_of_z))
    return {"segments": segments, "scale": scale} | _deflated(arrays)


def flux_and_sigma(spectrum: Spectrum) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return flux and its standard error, (pixels,) float64, both 0 where a pixel is masked."""
    flux, ivar = spectrum.flux.astype(np.float64), spectrum.ivar.astype(np.float64)
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    sigma = np.where(good, 1 / np.sqrt(np.where(good, ivar, 1)), 0)
    return np.where(good, flux, 0), sigma


def drawing_order(loglam: NDArray[np.floating]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pixels with a wavelength in drawing order, and where each run of them starts.

    A run is an arm of the spectrograph: within it the wavelength ascends.
    """
    order = np.flatnonzero(np.isfinite(loglam))
    starts = _starts(loglam[order])
    if len(starts) > MOST_ARMS:
        order = order[np.argsort(loglam[order], kind="stable")]
        starts = _starts(loglam[order])[:1]
    return order, starts


def _starts(loglam: NDArray[np.floating]) -> NDArray[np.intp]:
    return np.flatnonzero(np.concatenate([[len(loglam) > 0], np.diff(loglam) <= 0]))


def wavelengths(
    loglam: NDArray[np.floating], starts: NDArray[np.intp]
) -> tuple[list[list[Any]], NDArray[np.float64]]:
    """Return the rule of each run of wavelengths, and in Angstrom those that follow none."""
    rules, tables = [], [np.empty(0)]
    for run in np.split(loglam, starts[1:]):
        rule = _rule(run)
        rules += [rule] if len(run) else []
        if rule[0] == "table":
            tables.append(10**run)
    return rules, np.concatenate(tables)


def _rule(run: NDArray[np.floating]) -> list[Any]:
    count = len(run)
    for kind, values, tolerance in (
        ("log", run, TOLERANCE_DEX),
        ("linear", 10**run, TOLERANCE_ANGSTROM),
    ):
        step = (values[-1] - values[0]) / (count - 1) if count > 1 else 0.0
        first = float(values[0]) if count else 0.0
        if (np.abs(values - first - step * np.arange(count)) <= tolerance).all():
            return [kind, first, float(step), count]
    return ["table", 0, 0, count]


def _scale(flux: NDArray[np.floating]) -> float:
    median = float(np.median(np.abs(flux))) if len(flux) else 0.0
    return median if median > 0 else 1.0


def _half(values: NDArray[np.floating]) -> NDArray[np.float16]:
    return np.clip(values, -LARGEST, LARGEST).astype("<f2")


def _deflated(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Deflate arrays: of each, the first bytes of all numbers, then the second, and so on."""
    planes = [[name, len(array), array.itemsize] for name, array in arrays.items()]
    content = b"".join(
        np.ascontiguousarray(array).view(np.uint8).reshape(-1, array.itemsize).T.tobytes()
        for array in arrays.values()
    )
    return {"planes": planes, "data": base64.b64encode(zlib.compress(content, 6)).decode("ascii")}
