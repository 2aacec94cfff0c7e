"""The noise of an instrument, measured from spectra of any objects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra import InputError, LogGrid
from spectranet_jax.spectra.instruments import KNOT_WIDTH

KNOTS = (3605, 3650, 3700, 3800, 3900, 4000, 4250, 4500, 5000, 5500, 5700, 5780, 5900, 6050, 6300,
         6500, 7000, 7500, 7650, 8000, 8250, 8500, 8750, 9000, 9200, 9500, 9700, 9800, 9900,
         9980)  # fmt: skip
"""Wavelengths at which the noise is measured, Angstrom."""

FEWEST = 5
"""Least number of spectra with a measurement at a knot."""

ROUNDS = 40
"""Iterations: each fits the knots, then the level of each spectrum."""

SMOOTHED = 9
"""Bins of `KNOT_WIDTH` over which the flux is averaged, so that noise does not raise it."""


@dataclass(frozen=True)
class NoiseFit:
    """The noise against wavelength, and its scatter from spectrum to spectrum.

    Attributes:
        wavelength: (knots,), Angstrom.
        sigma: (knots,), of a bin of `KNOT_WIDTH` without source light, 1e-17 erg/s/cm^2/Angstrom.
        photons: (knots,), variance of such a bin per unit of flux.
        inflation: (knots,), scatter of adjacent bins relative to the scatter that ivar predicts.
        scatter: standard deviation of the natural log of sigma, below the median and above it.
        coverage: first and last wavelength that spectra usually have, Angstrom.
    """

    wavelength: NDArray[np.float64]
    sigma: NDArray[np.float64]
    photons: NDArray[np.float64]
    inflation: NDArray[np.float64]
    scatter: tuple[float, float]
    coverage: tuple[float, float]


def fit(flux: NDArray[np.floating], ivar: NDArray[np.floating], grid: LogGrid) -> NoiseFit:
    """Fit variance = level^2 (sky + photons flux) at each of `KNOTS` that spectra cover.

    The fit minimizes relative errors, so that bright spectra do not dominate. The inflation is the
    normalized median absolute deviation of second differences, divided by the value that ivar
    predicts. It counts real structure, such as the Lyman-alpha forest, as noise.

    Args:
        flux: (n, bins).
        ivar: (n, bins), 0 where there is no measurement.
        grid: the bins; no wider than `KNOT_WIDTH`, or nearly so.

    Raises:
        InputError: if no knot has measurements of `FEWEST` spectra.
    """
    flux, ivar = (array[(ivar > 0).any(axis=1)] for array in (flux, ivar))
    known = ivar > 0
    density = np.where(known, 1 / np.where(known, ivar, 1), np.nan) * grid.dloglam / KNOT_WIDTH
    bright = np.maximum(_smooth(flux, known, grid), 0)
    near = [np.abs(np.log10(grid.centers / knot)) < 1.5 * KNOT_WIDTH for knot in KNOTS]
    enough = [known[:, bins].any(axis=1).sum() >= FEWEST for bins in near]
    if not any(enough):
        raise InputError(
            f"{len(flux)} spectra are too few to measure noise from; give {FEWEST} or more that"
            " cover the same wavelengths"
        )
    wavelength = np.array(KNOTS, np.float64)[enough]
    near = [bins for bins, held in zip(near, enough, strict=True) if held]
    variance = np.stack([_median(density[:, bins]) for bins in near], axis=1)  # (n, knots)
    light = np.stack([_median(bright[:, bins]) for bins in near], axis=1)
    at_a_knot = np.isfinite(variance).any(axis=1)
    variance, light = variance[at_a_knot], light[at_a_knot]
    level, sky, photons = np.ones(len(light)), np.empty(len(near)), np.empty(len(near))
    for _ in range(ROUNDS):
        for k in range(len(near)):
            sky[k], photons[k] = _line(light[:, k], variance[:, k] / level**2)
        ratio = np.nanmedian(variance / (sky + photons * np.nan_to_num(light)), axis=1)
        level = np.sqrt(ratio / np.nanmedian(ratio))
    below, above = (np.nanpercentile(np.log(level), q) for q in (16, 84))
    return NoiseFit(
        wavelength,
        np.sqrt(sky),
        photons,
        np.array([_inflation(flux[:, bins], ivar[:, bins]) for bins in _wider(near)]),
        (float(-below), float(above)),
        _coverage(known, grid),
    )


def _line(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[float, float]:
    """Fit y = a + b x, a and b 0 or above, by least squares of relative errors."""
    known = np.isfinite(x) & np.isfinite(y) & (y > 0)
    x, y = x[known], y[known]
    design = np.stack([1 / y, x / y], axis=1)
    a, b = np.linalg.lstsq(design, np.ones(len(y)), rcond=None)[0]
    if b < 0 or a <= 0:  # fit only one of the two
        a, b = (float(np.median(y)), 0.0) if b < 0 else (float(np.min(y)), max(float(b), 0.0))
    return float(a), float(b)


def _smooth(
    flux: NDArray[np.floating], known: NDArray[np.bool_], grid: LogGrid
) -> NDArray[np.float64]:
    """Return flux averaged over the measured bins within `SMOOTHED` bins of `KNOT_WIDTH`."""
    width = max(1, round(SMOOTHED * KNOT_WIDTH / grid.dloglam))
    kernel = np.ones(width)
    sums = np.apply_along_axis(np.convolve, 1, np.where(known, flux, 0), kernel, "same")
    return sums / np.maximum(np.apply_along_axis(np.convolve, 1, 1.0 * known, kernel, "same"), 1)


def _median(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the median of each row without its NaN, (n,); NaN if a row has nothing else."""
    masked = np.ma.masked_invalid(values)
    return np.ma.filled(np.ma.median(masked, axis=1), np.nan).astype(np.float64)


def _wider(near: list[NDArray[np.bool_]]) -> list[slice]:
    """Return the bins around each knot for second differences: ten on each side."""
    middle = [int(np.flatnonzero(bins).mean()) for bins in near]
    return [slice(max(0, m - 10), m + 11) for m in middle]


def _inflation(flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> float:
    """Return the NMAD of second differences relative to that of ivar, 1 if there are none."""
    known = (ivar[:, :-2] > 0) & (ivar[:, 1:-1] > 0) & (ivar[:, 2:] > 0)
    with np.errstate(divide="ignore"):
        var = 1 / ivar
    second = (flux[:, :-2] - 2 * flux[:, 1:-1] + flux[:, 2:])[known]
    expected = np.sqrt((var[:, :-2] + 4 * var[:, 1:-1] + var[:, 2:])[known])
    return float(1.4826 * np.median(np.abs(second / expected))) if len(second) else 1.0


def _coverage(known: NDArray[np.bool_], grid: LogGrid) -> tuple[float, float]:
    """Return the range of bins that over half as many spectra have as the most common bin."""
    measured = known.mean(axis=0)
    usual = np.flatnonzero(measured > 0.5 * measured.max())
    return float(grid.edges[usual[0]]), float(grid.edges[usual[-1] + 1])
