"""Highest-density sets of a density made of steps and a truncated Gaussian."""

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation.gaussian_core import Core

Floats = NDArray[np.float64]

TOUCHING = 1e-12
"""Intervals no further apart are joined."""


def highest_density(
    low: Floats, high: Floats, density: Floats, core: Core, level: float
) -> list[tuple[float, float]]:
    """Return the intervals, ascending, of smallest total length that hold `level`.

    Of the step at the threshold only a part is needed: that beside a denser one, or the middle.

    Args:
        low: (steps,), where each step begins; steps are ascending and do not overlap the core.
        high: (steps,), where it ends.
        density: (steps,), in it. The mass of all steps and of the core is 1.
        core: of numbers.
        level: above 0, at most 1.
    """
    order = np.argsort(-density, kind="stable")
    order = order[density[order] > 0]
    mass = (density * (high - low))[order]
    denser = np.cumsum(mass) - mass
    with_core = denser + core.mass_within(core.radius_above(density[order]))
    last = int(np.searchsorted(with_core + mass, level))  # the step in which the level is reached
    whole = np.sort(order[:last])
    intervals = [(float(low[i]), float(high[i])) for i in whole]
    if last < len(order) and with_core[last] < level:
        threshold = density[order[last]]
        radius = float(core.radius_above(threshold))
        length = float((level - with_core[last]) / threshold)
    else:
        radius, length = core.radius_of(level - float(mass[:last].sum())), 0.0
    if radius > 0:
        intervals.append((float(core.middle) - radius, float(core.middle) + radius))
    if length > 0:
        ends = float(low[order[last]]), float(high[order[last]])
        intervals.append(_beside(ends, length, intervals))
    return _merged(intervals)


def _beside(
    step: tuple[float, float], length: float, denser: list[tuple[float, float]]
) -> tuple[float, float]:
    """Part of a step, of the given length, next to one of the intervals, or its middle."""
    start, end = step
    if any(abs(start - high) <= TOUCHING for _, high in denser):
        return start, start + length
    if any(abs(end - low) <= TOUCHING for low, _ in denser):
        return end - length, end
    middle = (start + end) / 2
    return middle - length / 2, middle + length / 2


def _merged(intervals: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return intervals in ascending order, with touching ones joined."""
    joined: list[tuple[float, float]] = []
    for low, high in sorted(intervals):
        if joined and low - joined[-1][1] <= TOUCHING:
            joined[-1] = joined[-1][0], high
        else:
            joined.append((low, high))
    return joined
