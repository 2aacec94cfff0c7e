"""Panels of a network's predictions for one spectrum: p(z), its peak, the classes, the evidence."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator, PercentFormatter
from numpy.typing import NDArray

from spectranet_jax.evaluation.line_labels import written
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC
from spectranet_jax.evaluation.style import ACCENT, FAINT, INK, LIGHT, MAIN, MUTED
from spectranet_jax.spectra.labels import CLASS_COLORS, CLASSES
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

NEAR = 8000.0
"""km/s either side of the redshift in the panel that shows its peak."""

LOWEST = 1e-5
"""Lower end of the logarithmic axis of p(z): a probability per bin."""

REDSHIFTS = (0, 0.2, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6)

NEGLIGIBLE = 1e-3
"""A second redshift of lower probability is not marked."""

Panel = dict[str, Any]


def posterior_panel(
    axes: Axes,
    p: NDArray[np.floating],
    edges: NDArray[np.floating],
    choices: Sequence[tuple[float, float]],
) -> None:
    """Draw all of p(z), logarithmic, so that the second choice is visible beside the first.

    Args:
        axes: the panel.
        p: (bins,), probabilities whose sum is 1.
        edges: (bins + 1,), in log10(1 + z).
        choices: redshift and its probability, the best one first; none if no z is given at all.
    """
    axes.set_title("p(z)" if choices else "p(z), not used", loc="left")
    line, fill = (MAIN, LIGHT) if choices else (MUTED, FAINT)
    shown = np.maximum(p, LOWEST / 10)
    axes.stairs(shown, edges, fill=True, baseline=LOWEST / 10, color=fill)
    axes.stairs(shown, edges, color=line, linewidth=0.8, baseline=None)
    looks = ((MAIN, "full"), (ACCENT, "none"))
    for (z, mass), (color, style) in zip(choices, looks, strict=False):
        if isfinite(z) and not mass < NEGLIGIBLE:
            text = f"z = {z:.3f}" + (f" ({percent(mass)})" if isfinite(mass) else "")
            marker: Panel = {"marker": "v", "markersize": 6, "fillstyle": style, "ls": "none"}
            axes.plot(np.log10(1 + z), 1.6, color=color, label=text, clip_on=False, **marker)
    axes.set(yscale="log", ylim=(LOWEST, 1.6), xlim=(edges[0], edges[-1]))
    axes.set(xlabel="z, even in log₁₀(1 + z)", ylabel="probability per bin")
    ticks = [value for value in REDSHIFTS if edges[0] <= np.log10(1 + value) <= edges[-1]]
    axes.set_xticks(np.log10(1 + np.array(ticks)), [f"{value:g}" for value in ticks])
    axes.set_yticks([1, 1e-2, 1e-4], ["1", "0.01", "0.0001"])
    axes.yaxis.set_minor_locator(NullLocator())
    if axes.get_legend_handles_labels()[0]:
        place: Panel = {"loc": "lower right", "bbox_to_anchor": (1.02, 1.0), "ncols": 2}
        axes.legend(**place, handletextpad=0.1, columnspacing=1, borderpad=0.1, borderaxespad=0.4)


def peak_panel(
    axes: Axes, p: NDArray[np.floating], edges: NDArray[np.floating], z: float, z_err: float
) -> None:
    """Draw p(z) near z against velocity, linear; within 3000 km/s on white, with z_err as a bar.

    Args:
        axes: the panel.
        p: (bins,), probabilities whose sum is 1.
        edges: (bins + 1,), in log10(1 + z).
        z: redshift that is given.
        z_err: its standard error, NaN for none.
    """
    axes.set_title("near z", loc="left")
    velocity = SPEED_OF_LIGHT * (10 ** np.asarray(edges, np.float64) / (1 + z) - 1)
    near = (velocity[1:] > -NEAR) & (velocity[:-1] < NEAR)
    highest = float(p[near].max(initial=0)) or 1.0
    axes.stairs(p, velocity, fill=True, color=LIGHT)
    axes.stairs(p, velocity, color=MAIN, linewidth=0.9, baseline=None)
    for side in (-1, 1):
        axes.axvspan(side * CATASTROPHIC, side * NEAR, color=MUTED, alpha=0.1, linewidth=0)
    if isfinite(z_err):
        width = SPEED_OF_LIGHT * z_err / (1 + z)
        bar: Panel = {"fmt": "o", "color": INK, "markersize": 3.5, "capsize": 2.5}
        axes.errorbar(0, 1.1 * highest, xerr=width, elinewidth=1.1, **bar)
    axes.set(xlim=(-NEAR, NEAR), ylim=(0, 1.22 * highest), xlabel="Δv (km/s)")
    axes.set_xticks([-6000, -3000, 0, 3000, 6000], ["−6,000", "", "0", "", "6,000"])


def class_panel(axes: Axes, probabilities: NDArray[np.floating]) -> None:
    """Draw one bar per class, with its probability."""
    axes.set_title("class", loc="left")
    rows = np.arange(len(CLASSES))
    axes.barh(rows, probabilities, color=[CLASS_COLORS[c] for c in CLASSES], height=0.62)
    for row, chance in zip(rows, probabilities, strict=True):
        inside = chance > 0.6
        at = 0.97 * chance if inside else chance + 0.03
        side, color = ("right", "white") if inside else ("left", INK)
        font: Panel = {"ha": side, "va": "center", "color": color, "fontsize": 8.5}
        axes.text(at, float(row), percent(chance), **font)
    axes.set_yticks(rows, CLASSES, fontweight="bold", fontsize=8)
    for tick, name in zip(axes.get_yticklabels(), CLASSES, strict=True):
        tick.set_color(CLASS_COLORS[name])
    axes.set(xlim=(0, 1), xlabel="probability")
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.invert_yaxis()


def evidence_panel(axes: Axes, values: Mapping[str, float]) -> None:
    """Draw one bar per line, the bluest on top."""
    axes.set_title("evidence by line", loc="left")
    rows, width = np.arange(len(values)), np.array(list(values.values()))
    thickness = min(0.68, 0.035 * len(values))  # few bars are no thicker than many
    axes.barh(rows, width, color=np.where(width >= 0, MAIN, ACCENT), height=thickness)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(rows, [written(name) for name in values], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set(ylim=(len(values) - 0.4, -0.6), xlabel="nats")
    axes.margins(x=0.06)


def percent(chance: float | np.floating) -> str:
    """Return a probability in percent; never 0% or 100% for a value between."""
    if 0 < chance < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= chance < 1 else f"{chance:.0%}"
