"""Redshifts refined at native pixels: sums of basis vectors fitted near the network's redshift.

The network finds the redshift, and the fit makes it precise; it never chooses another one. Shifts
are whole pixels, so that every shifted basis is a slice: a scan in steps of three native pixels
over 1,450 km/s either way, then one of single pixels about its best, then a parabola through the
least values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.inference.basis import WIDE, Basis
from spectranet_jax.inference.scan import Prior, Scan, widened
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT, kms
from spectranet_jax.spectra.native import FIRST, NATIVE_GRID, STEP

PIXEL_KMS = kms(STEP)
"""Width of a native pixel, 69.03 km/s."""

COARSE = np.arange(-7, 8)
"""Shifts of the first scan, in pixels of `WIDE` native ones: to 1,450 km/s either way."""

NEAR = (2, 4)
"""Native pixels to either side of the first scan's best, for the second scan: the wider reach if
the least value of the narrower is at its end.
"""

FEWEST = 200
"""Native pixels with data that a fit must have."""

STATISTICAL = 1.3
"""Factor on errors that come from chi2: set on mock spectra of S/N 2 to 20 per 690 km/s, whose
noise is partly correlated, as that of surveys is.
"""

SMOOTH = 51
"""Native pixels over which flux is smoothed for the error of the basis vectors."""


@dataclass(frozen=True)
class Kind:
    """How spectra of one kind are fitted.

    Attributes:
        noise: error of the basis vectors, as a fraction of the smoothed flux.
        floor: least error of the redshift, km/s.
        network: weight of the network's redshift in the result, 0 to 1.
        doubt: fraction of the difference between the redshifts of network and fit that counts as an
            error of the result, in quadrature.
    """

    noise: float
    floor: float
    network: float
    doubt: float


KINDS = {
    "GALAXY": Kind(noise=0.0, floor=15.0, network=0.0, doubt=0.0),
    "QSO": Kind(noise=0.01, floor=50.0, network=0.2, doubt=0.6),
}
"""By the kind of basis vectors. Eight spectra of one bright galaxy scatter by 19 km/s. Lines of a
quasar differ from each other, so that its redshift is known no better than 50 km/s, and a fit that
is almost noise-free errs where the network, which sees other features, does not. The weight
minimizes the mean error of bright mock quasars; the floor and the doubt of quasars were set on 93
real ones below z = 1.57. `python -m experiments.refined FOLDER --fit` chooses them anew.
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Refined:
    """Refined redshifts of n spectra; NaN where there are none.

    Attributes:
        z: (n,) float64.
        z_err: (n,) float64, its standard error.
        chi2: (n,) float64, of the best fit, per degree of freedom: the parabola's; where the best
            fit is at the edge, that of the whole pixel.
        refined: (n,) bool, whether there is a refined redshift.
        at_edge: (n,) bool, whether the best fit was at the end of a scan, and so no minimum: then
            there is no refined redshift.
    """

    z: Floats
    z_err: Floats
    chi2: Floats
    refined: NDArray[np.bool_]
    at_edge: NDArray[np.bool_]


@dataclass(frozen=True)
class Fit:
    """The best fit of one spectrum.

    Attributes:
        shift: log10(1 + z) in native pixels.
        sigma: its statistical error, likewise.
        chi2: per degree of freedom.
        at_edge: whether it was at the end of a scan; sigma is NaN then.
    """

    shift: float
    sigma: float
    chi2: float
    at_edge: bool


def refine(
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    z: NDArray[np.floating],
    p_of_z: NDArray[np.floating],
    edges: NDArray[np.floating],
    kind: NDArray[np.str_],
    bases: Mapping[str, Basis],
) -> Refined:
    """Refine redshifts; rows are independent of each other.

    What is minimized is chi2 / max(1, least chi2 per degree of freedom) - 2 ln p(z).

    Args:
        flux: (n, 4750), on the native grid, finite; whatever float32 holds.
        ivar: (n, 4750), likewise, 0 where nothing was measured.
        z: (n,), where to look: the network's redshift, its zero point corrected. Rows where it is
            not finite are not refined.
        p_of_z: (n, steps), the network's p(z), of rows that are refined not 0 throughout.
        edges: (steps + 1,) or (n, steps + 1), of the steps, equally spaced in log10(1 + z); of
            each row its own where the phase of its pixels is in them.
        kind: (n,), the key in `bases` of each row's basis vectors; rows of another kind, as "",
            are not refined.
        bases: basis vectors by kind, of those in `KINDS`.
    """
    n = len(flux)
    edges = np.broadcast_to(edges, (n, p_of_z.shape[1] + 1))
    result = Refined(*np.full((3, n), np.nan), *np.zeros((2, n), bool))
    for row in range(n):
        name = str(kind[row])
        if name not in bases or not np.isfinite(z[row]):
            continue
        kind_settings, data = KINDS[name], np.asarray(flux[row], np.float64)
        weight = _with_noise(data, np.asarray(ivar[row], np.float64), kind_settings.noise)
        center = float(np.log10(1 + z[row])) / STEP
        fit = fitted(data, weight, round(center), Prior(p_of_z[row], edges[row]), bases[name])
        if fit is None:
            continue
        result.chi2[row], result.at_edge[row], result.refined[row] = (
            fit.chi2,
            fit.at_edge,
            not fit.at_edge,
        )
        difference = center - fit.shift
        one_plus_z = 10 ** (STEP * (fit.shift + kind_settings.network * difference))
        in_pixels = np.hypot(STATISTICAL * fit.sigma, kind_settings.doubt * difference)
        error = np.hypot(in_pixels * PIXEL_KMS, kind_settings.floor) / SPEED_OF_LIGHT
        if not fit.at_edge:
            result.z[row], result.z_err[row] = one_plus_z - 1, one_plus_z * error
    return result


def fitted(flux: Floats, weight: Floats, center: int, prior: Prior, basis: Basis) -> Fit | None:
    """Return the best fit near a redshift; None if too few pixels count.

    Args:
        flux: (4750,), on the native grid.
        weight: (4750,), inverse variance.
        center: log10(1 + z) of the redshift, in native pixels.
        prior: of the redshift.
        basis: basis vectors.
    """
    # A pixel that some shift carries beyond the basis vectors is ignored.
    first = round(FIRST / STEP) - basis.start - center
    reach = WIDE * int(COARSE[-1] + 1) + NEAR[-1]
    low = max(0, reach - first)
    high = min(NATIVE_GRID.size, basis.vectors.shape[1] - first - reach)
    high = low + max(0, high - low) // WIDE * WIDE
    flux, weight = flux[low:high], weight[low:high]
    measured = int(np.count_nonzero(weight))
    if measured < FEWEST:
        return None
    start = first + low
    in_wide, of_wide = widened(flux, weight), basis.wide[start % WIDE]
    coarse = Scan(*in_wide, of_wide.vectors, start // WIDE)
    around, _ = coarse.objective(COARSE, prior(center + WIDE * COARSE))
    best = int(around.argmin())

    fine = Scan(flux, weight, basis.vectors, start)
    for near in NEAR:
        shifts = WIDE * COARSE[best] + np.arange(-near, near + 1)
        objective, chi2 = fine.objective(shifts, prior(center + shifts))
        least = int(objective.argmin())
        at_edge = least in (0, 2 * near)
        if not at_edge:
            break
    shift = float(center + shifts[least])
    if best in (0, len(COARSE) - 1) or at_edge:
        return Fit(shift, np.nan, float(chi2[least]), at_edge=True)
    slope, curvature = _parabola(objective[least - 1 : least + 2])
    u = -slope / curvature
    shift += u
    chi2_slope, chi2_curvature = _parabola(chi2[least - 1 : least + 2])
    reduced = float(chi2[least] + chi2_slope * u + 0.5 * chi2_curvature * u**2)
    # The shift common to both scans makes their values comparable.
    around += objective[near] - around[best]
    elsewhere = _elsewhere(WIDE * COARSE, around, shifts, objective, shift - center)
    return Fit(float(shift), float(np.sqrt(2 / curvature + elsewhere)), reduced, at_edge=False)


def _parabola(values: Floats) -> tuple[float, float]:
    """Return the slope at the middle of three values at whole pixels, and the curvature."""
    before, here, after = values
    return float(after - before) / 2, float(before - 2 * here + after)


def _elsewhere(
    coarse: NDArray[np.int64], around: Floats, fine: NDArray[np.int64], near: Floats, shift: float
) -> float:
    """Return the variance of a shift from minima beyond the fine scan, native pixels squared.

    Args:
        coarse, around: shifts of the coarse scan, and what was minimized there.
        fine, near: likewise of the fine scan.
        shift: where the least of all is.
    """
    beyond = (coarse < fine[0]) | (coarse > fine[-1])
    p = WIDE * np.exp(-0.5 * (around[beyond] - near.min()))
    total = p.sum() + np.exp(-0.5 * (near - near.min())).sum()
    return float((p * (coarse[beyond] - shift) ** 2).sum() / total)


def _with_noise(flux: Floats, ivar: Floats, noise: float) -> Floats:
    """Return ivar (4750,) of one spectrum with an error of the basis vectors: see `Kind`."""
    if not noise:
        return ivar
    half = SMOOTH // 2
    sums = np.cumsum(np.pad(np.stack([flux * ivar, ivar]), ((0, 0), (half + 1, half))), axis=1)
    total, weight = sums[:, SMOOTH:] - sums[:, :-SMOOTH]
    smooth = total / np.where(weight > 0, weight, 1)
    return ivar / (1 + ivar * (noise * smooth) ** 2)
