"""Figures of how far probabilities can be trusted: arrays in, one PNG file out.

Each figure also shows perfectly calibrated probabilities, and the scatter by chance alone.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from spectranet_jax.evaluation.calibration import (
    binomial_interval,
    expected_calibration_error,
    reliability,
    risk_coverage,
)
from spectranet_jax.evaluation.posterior_scores import LEVELS, PIT_BINS
from spectranet_jax.evaluation.style import ACCENT, LIGHT, MAIN, MUTED, picture
from spectranet_jax.spectra.labels import CLASS_COLORS, CLASSES

COLORS = (MAIN, ACCENT, "#0fa291", "#d07f00")
"""Colors of curves other than classes, in order; they repeat after the last."""


def reliability_diagram(
    label: NDArray[np.integer], log_prob: NDArray[np.floating], path: Path
) -> Path:
    """Plot accuracy against confidence, of the predicted class and of every class by itself.

    The left panel is figure 1 of Guo et al. (2017, arXiv:1706.04599) with 95% Wilson intervals, and
    below it the number of predictions; the right one asks of each class how often it is the true
    one where it is given some probability.

    Args:
        label: (n,), true class; a negative one is left out.
        log_prob: (n, classes), logarithms of the probabilities.
        path: PNG file to write.
    """
    known = np.asarray(label) >= 0
    label, p = np.asarray(label)[known], np.exp(np.asarray(log_prob, np.float64)[known])
    confidence = p.max(axis=1, initial=0)
    correct = p.argmax(axis=1) == label if len(p) else np.zeros(0, bool)
    with picture(path, 8.4, 4.8) as figure:
        axes = figure.subplot_mosaic(
            [["top", "each"], ["count", "each"]], height_ratios=[3.4, 1], width_ratios=[1, 1.22]
        )
        top, count, each = axes["top"], axes["count"], axes["each"]
        curve = reliability(confidence, correct)
        filled = np.flatnonzero(curve.count)
        hits = np.rint(curve.accuracy[filled] * curve.count[filled]).astype(int)
        _diagonal(top)
        _points(top, curve.confidence[filled], hits, curve.count[filled], MAIN)
        error = expected_calibration_error(confidence, correct)
        top.set_title(f"predicted class: calibration error {error:.2%}" if len(label) else "")
        top.set(ylabel="fraction correct")
        top.tick_params(labelbottom=False)
        edges = np.linspace(0, 1, len(curve.count) + 1)
        count.bar(edges[:-1], curve.count, width=1 / len(curve.count), align="edge", color=LIGHT)
        count.set(xlim=(0, 1), xlabel="confidence", ylabel="spectra")
        if curve.count.any():
            count.set_yscale("log", nonpositive="clip")
            count.set_ylim(0.7, 2 * curve.count.max())
        count.xaxis.set_major_formatter(PercentFormatter(1))

        _diagonal(each)
        for i, name in enumerate(CLASSES):
            of_class = reliability(p[:, i], label == i)
            filled = np.flatnonzero(of_class.count)
            hits = np.rint(of_class.accuracy[filled] * of_class.count[filled]).astype(int)
            color = CLASS_COLORS.get(name, MUTED)
            at, of = of_class.confidence[filled], of_class.count[filled]
            _points(each, at, hits, of, color, label=name, linestyle="-")
        each.set(xlabel="probability of the class", ylabel="fraction of the class")
        each.set_title("every class")
        if len(label):
            each.legend(loc="upper left")
        figure.align_ylabels([top, count])
    return path


def pit_histogram(pit: NDArray[np.floating], path: Path) -> Path:
    """Plot the probability integral transform of true redshifts; flat if p(z) is calibrated.

    High at both ends: p(z) too narrow; high in the middle: too wide; on one side: biased.

    Args:
        pit: (n,), `posterior.cdf` at the true redshifts; NaN is left out.
        path: PNG file to write.
    """
    pit = np.asarray(pit, np.float64)
    pit = pit[np.isfinite(pit)]
    n = len(pit)
    count, edges = np.histogram(pit, PIT_BINS, (0, 1))
    density = count * PIT_BINS / max(n, 1)
    chance = NormalDist().inv_cdf(0.975) * np.sqrt((PIT_BINS - 1) / max(n, 1))
    with picture(path, 5.4, 3.6) as figure:
        axes = figure.subplots()
        band: dict[str, Any] = {"color": MUTED, "alpha": 0.22, "linewidth": 0, "zorder": 3}
        axes.stairs(density, edges, fill=True, color=LIGHT)
        axes.stairs(density, edges, color=MAIN, linewidth=1.2, baseline=None)
        axes.axhspan(max(1 - chance, 0), 1 + chance, label="95% range if calibrated", **band)
        axes.axhline(1, color=MUTED, linewidth=1, zorder=3)
        axes.set(xlim=(0, 1), ylim=(0, 1.25 * max(density.max(), 1 + chance)))
        axes.set(xlabel="PIT: probability of a redshift below the true one", ylabel="density")
        axes.legend(loc="upper right")
        axes.set_title(f"{n:,} spectra")
    return path


def coverage_plot(levels: Mapping[str, NDArray[np.floating]], path: Path) -> Path:
    """Plot how often intervals contain the true redshift against their probability.

    Args:
        levels: name of a kind of interval, or of a model -> (n,), probability of the smallest that
            reaches the true redshift (`posterior_scores.central_level`, `highest_density_level`);
            NaN is left out.
        path: PNG file to write.
    """
    with picture(path, 5.4, 5.2) as figure:
        axes = figure.subplots()
        _diagonal(axes)
        for i, (name, values) in enumerate(levels.items()):
            ordered = np.sort(values[np.isfinite(values)])
            n, color = len(ordered), COLORS[i % len(COLORS)]
            fraction = np.arange(n + 1) / max(n, 1)
            axes.step(np.append(ordered, 1), fraction, where="pre", color=color, linewidth=1.4)
            hits = np.array([int((ordered <= q).sum()) for q in LEVELS])
            shift = 0.006 * (i - (len(levels) - 1) / 2)  # so that no interval hides another
            listed = ", ".join(f"{k / max(n, 1):.0%}" for k in hits)
            of = np.full(len(LEVELS), n)
            _points(axes, np.array(LEVELS) + shift, hits, of, color, label=f"{name}: {listed}")
        axes.set(xlabel="probability of the interval", ylabel="true redshifts within it")
        at = ", ".join(f"{q:.0%}" for q in LEVELS)
        axes.legend(loc="upper left", title=f"at {at}", alignment="left")
    return path


def risk_coverage_curve(
    confidence: Mapping[str, NDArray[np.floating]],
    error: NDArray[np.floating | np.bool_],
    path: Path,
    ylabel: str = "fraction wrong",
) -> Path:
    """Plot the error of the most confident predictions against the fraction of spectra kept.

    Args:
        confidence: name of a measure of it -> (n,), higher is surer.
        error: (n,), finite; 0 and 1, or wrong and right, for a share of errors.
        path: PNG file to write.
        ylabel: what the mean error is.
    """
    wrong: NDArray[np.float64] = np.asarray(error, np.float64)
    with picture(path, 5.8, 4.0) as figure:
        axes = figure.subplots()
        top = 0.0
        if len(wrong):
            best = risk_coverage(-wrong, wrong)
            name = f"best possible order: area {best.area:.2g}"
            axes.plot(best.coverage, best.risk, color=MUTED, linewidth=1, ls=":", label=name)
            mean = float(wrong.mean())
            axes.axhline(mean, color=MUTED, linewidth=1, ls="--", label=f"no order: {mean:.2g}")
            top = mean
        for i, (name, values) in enumerate(confidence.items()):
            curve = risk_coverage(values, wrong)
            text = f"{name}: area {curve.area:.2g}"
            color = COLORS[i % len(COLORS)]
            axes.plot(curve.coverage, curve.risk, color=color, linewidth=1.6, label=text)
            # Among the first few spectra one error is a large fraction; later values set the scale.
            top = max([top, *curve.risk[len(wrong) // 20 :]])
        axes.set(xlim=(0, 1), ylim=(0, 1.45 * top or 1))
        axes.set(xlabel="fraction of spectra kept, most confident first", ylabel=ylabel)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(loc="upper left")
    return path


def _diagonal(axes: Axes) -> None:
    """Draw two axes from 0 to 1 and the line of perfect calibration."""
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, zorder=1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _points(
    axes: Axes,
    x: NDArray[np.floating],
    hits: NDArray[np.integer],
    of: NDArray[np.integer],
    color: str,
    label: str = "",
    linestyle: str = "none",
) -> None:
    """Draw fractions with their 95% Wilson intervals."""
    if not len(x):
        return
    fraction = hits / np.maximum(of, 1)
    ends = [binomial_interval(int(k), int(n)) for k, n in zip(hits, of, strict=True)]
    low, high = np.array(ends, np.float64).reshape(-1, 2).T
    size = np.maximum([fraction - low, high - fraction], 0)
    style: dict[str, Any] = {"markersize": 4, "linewidth": 1.2, "elinewidth": 1, "capsize": 2}
    axes.errorbar(
        x,
        fraction,
        size,
        fmt="o",
        linestyle=linestyle,
        color=color,
        label=label,
        clip_on=False,
        **style,
    )
