"""p(z) of a network, corrected for effects of real spectra.

The phase of a spectrum's pixels moves p(z). Where the redshift was refined at native pixels, its
Gaussian replaces p(z) within 3000 km/s. Lines of quasars above z = 1.57 are shifted relative to
each other, by more than in a mock survey, and catalogs follow conventions of their own: there p(z)
is convolved with a Gaussian, and a small part of it is uniform.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from spectranet_jax.evaluation import posterior, posterior_scores
from spectranet_jax.evaluation.recalibration import bin_labels
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, dv
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT, kms

LINE_SHIFTS = 250.0
"""Sigma, km/s, of the scatter between labels of quasars above z = 1.57 and their lines. Most
probable on 57 real quasars in an earlier study, and confirmed there on 98 others; on 63 of today it
is 200 km/s (`python -m experiments.refined FOLDER --fit`), the same within the errors.
"""

UNKNOWN = 0.01
"""Probability of such a quasar that is uniform in log10(1 + z): for what p(z) does not model."""

WIDTHS = (0.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0, 500.0, 650.0, 800.0)
"""Widths that `likeliest_width` chooses from, km/s."""

Floats = NDArray[np.float64]


def corrected(
    p: NDArray[np.floating],
    edges: Floats,
    phase: NDArray[np.floating],
    refined: NDArray[np.bool_],
    z: NDArray[np.floating],
    z_err: NDArray[np.floating],
    uncertain_lines: NDArray[np.bool_],
    width: float = LINE_SHIFTS,
) -> Floats:
    """Return p(z) with all corrections, float64 (n, steps); rows sum to 1.

    Args:
        p: (n, steps), probabilities; a row that is 0 throughout stays so.
        edges: (steps + 1,), in log10(1 + z), equally spaced.
        phase: (n,), of the spectra's pixels, dex: see `spectra.phase`.
        refined: (n,), which redshifts were refined.
        z: (n,), refined redshifts, where they are.
        z_err: (n,), their errors.
        uncertain_lines: (n,), quasars above z = 1.57.
        width: sigma to convolve those with, km/s.
    """
    result = moved(p, edges, phase, np.where(uncertain_lines, width, 0.0))
    uniform = result.sum(axis=1, keepdims=True) / result.shape[1]
    mixed = (1 - UNKNOWN) * result + UNKNOWN * uniform
    result = np.where(uncertain_lines[:, None], mixed, result)
    result[refined] = with_core(result[refined], edges, z[refined], z_err[refined])
    return result


def moved(
    p: NDArray[np.floating], edges: Floats, dex: NDArray[np.floating], width: NDArray[np.floating]
) -> Floats:
    """Return p(z) moved redward and convolved with a Gaussian, float64 (n, steps); rows sum to 1.

    Exact for a density that is uniform within each step. What would leave the steps is left out.

    Args:
        p: (n, steps), probabilities.
        edges: (steps + 1,), in log10(1 + z), equally spaced.
        dex: (n,), by how much to move, in log10(1 + z).
        width: (n,), sigma of the Gaussian, km/s; 0 for none.
    """
    n, steps = p.shape
    step = float(edges[-1] - edges[0]) / steps
    move = np.broadcast_to(np.asarray(dex, np.float64) / step, (n,))
    sigma = np.broadcast_to(np.asarray(width, np.float64), (n,)) / kms(step)
    row_reach = np.ceil(np.abs(move) + 5 * sigma) + 1
    reach = int(row_reach.max(initial=1))
    padded = np.pad(np.asarray(p, np.float64), ((0, 0), (reach, reach)))
    result = np.zeros((n, steps))
    for offset in range(-reach, reach + 1):
        u = offset - move
        weight = _ramp(u + 1, sigma) - 2 * _ramp(u, sigma) + _ramp(u - 1, sigma)
        # Rounding must not make a row depend on the reach of others.
        weight = np.where(abs(offset) <= row_reach, np.maximum(weight, 0), 0)
        first = reach - offset
        result += weight[:, None] * padded[:, first : first + steps]
    total = result.sum(axis=1, keepdims=True)
    return result / np.where(total > 0, total, 1)


def with_core(
    p: NDArray[np.floating], edges: Floats, z: NDArray[np.floating], z_err: NDArray[np.floating]
) -> Floats:
    """Replace p(z) within 3000 km/s of z by a Gaussian of the same mass, float64 (n, steps).

    Args:
        p: (n, steps), probabilities; rows sum to 1.
        edges: (steps + 1,), in log10(1 + z), equally spaced.
        z: (n,), redshifts.
        z_err: (n,), standard errors of these.
    """
    mass = posterior.mass_within(p, edges, z) if len(p) else np.zeros(0)
    beta = CATASTROPHIC / SPEED_OF_LIGHT
    ends = np.log10(np.stack([(1 + z) / (1 + beta), (1 + z) / (1 - beta)], axis=1))
    inside = np.clip(edges[None], ends[:, :1], ends[:, 1:])
    step = float(edges[-1] - edges[0]) / p.shape[1]
    outside = p * np.maximum(1 - np.diff(inside, axis=1) / step, 0)
    sigma = z_err / ((1 + z) * np.log(10))
    core = np.diff(ndtr((inside - np.log10(1 + z)[:, None]) / sigma[:, None]), axis=1)
    total = core.sum(axis=1, keepdims=True)
    return outside + mass[:, None] * core / np.where(total > 0, total, 1)


def highest_density_level(
    p: NDArray[np.floating],
    edges: Floats,
    true: NDArray[np.floating],
    refined: NDArray[np.bool_],
    z: NDArray[np.floating],
    z_err: NDArray[np.floating],
) -> Floats:
    """Return `posterior_scores.highest_density_level` of a corrected p(z), float64 (n,).

    A refined redshift is often known to a fraction of a step, within which p(z) cannot resolve a
    density; there the level is that of the Gaussian.

    Args:
        p, edges: as `corrected` gives them.
        true: (n,), true redshifts.
        refined, z, z_err: as for `corrected`.
    """
    level = posterior_scores.highest_density_level(p, edges, true)
    near = refined & (np.abs(dv(np.where(refined, z, 0), true)) <= CATASTROPHIC)
    if near.any():
        pull = np.abs(np.log10((1 + true[near]) / (1 + z[near])))
        pull /= z_err[near] / ((1 + z[near]) * np.log(10))
        level[near] = posterior.mass_within(p[near], edges, z[near]) * (2 * ndtr(pull) - 1)
    return level


def likeliest_width(
    p: NDArray[np.floating],
    edges: Floats,
    z: NDArray[np.floating],
    phase: NDArray[np.floating],
) -> float:
    """Return the one of `WIDTHS`, km/s, of highest likelihood: `LINE_SHIFTS` of another model.

    Args:
        p: (n, steps), of quasars above z = 1.57, as the network gives it.
        edges: (steps + 1,), in log10(1 + z), equally spaced.
        z: (n,), true redshifts, within the steps.
        phase: (n,), of the spectra's pixels, dex.
    """
    n = len(p)
    true = bin_labels(np.asarray(z), edges)[:, None]
    no, yes, unknown = np.zeros(n, bool), np.ones(n, bool), np.full(n, np.nan)

    def log_likelihood(width: float) -> float:
        of_z = corrected(p, edges, phase, no, unknown, unknown, yes, width)
        return float(np.log(np.take_along_axis(of_z, true, axis=1)).sum())

    return max(WIDTHS, key=log_likelihood)


def _ramp(u: Floats, sigma: Floats) -> Floats:
    """Integral of a Gaussian's distribution function up to u: max(u, 0) if sigma is 0."""
    scaled = u / np.where(sigma > 0, sigma, 1)
    smooth = u * ndtr(scaled) + sigma * np.exp(-0.5 * scaled**2) / (2 * np.pi) ** 0.5
    return np.where(sigma > 0, smooth, np.maximum(u, 0))
