"""The figures of the report, made again: losses, the confusion matrix, and its claims tested."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter, StrMethodFormatter

from experiments.reporting.estimate import Estimate
from spectranet_jax.evaluation.class_scores import ClassScores
from spectranet_jax.evaluation.figures import draw_confusion
from spectranet_jax.evaluation.style import ACCENT, FAINT, INK, LIGHT, MAIN, MUTED, picture

WIDTH = 5.8
"""Inches: the width of the page's column, for one font size in all figures."""

Rows = Sequence[Mapping[str, Any]]


def losses(metrics: Mapping[str, Rows], path: Path, ylabel: str) -> None:
    """Plot loss against iteration, a panel per schedule (Figures 1, 3 and 4).

    Args:
        metrics: what a panel is called -> rows of metrics.jsonl. Lines stand where a chunk, or an
            epoch, ends.
        path: file to write.
        ylabel: what the loss is.
    """
    with picture(path, WIDTH, 3.9) as figure:
        panels = figure.subplots(len(metrics), 1, sharey=True)
        for axes, (name, rows) in zip(panels, metrics.items(), strict=True):
            trained = [(row["step"], row["loss"]) for row in rows if "loss" in row]
            held_out = [(row["step"], row["valid_loss"]) for row in rows if "valid_loss" in row]
            for step, _ in held_out:
                axes.axvline(step, color=FAINT, linewidth=0.8, zorder=0)
            axes.plot(*zip(*trained, strict=True), color=LIGHT, linewidth=0.9, label="training")
            validation: Any = {"color": MAIN, "markersize": 3.5, "linewidth": 1.2}
            axes.plot(*zip(*held_out, strict=True), "o-", label="validation", **validation)
            axes.set(xlim=(0, trained[-1][0]), ylabel=ylabel)
            axes.set_title(name, fontsize=9)
            axes.grid(False, axis="x")
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        values = np.array(
            [row["loss"] for rows in metrics.values() for row in rows if "loss" in row]
        )
        panels[0].set_ylim(0, 1.1 * np.quantile(values, 0.995))
        panels[0].legend(loc="upper right", ncols=2)
        panels[-1].set_xlabel("iteration")


def confusions(scores: Mapping[str, ClassScores], path: Path) -> None:
    """Plot confusion matrices as fractions of the true class, a panel per schedule (Figure 2)."""
    with picture(path, WIDTH, 3.45) as figure:
        panels = figure.subplots(1, len(scores))
        for axes, (name, score) in zip(panels, scores.items(), strict=True):
            draw_confusion(axes, np.array(score.confusion.counts), size=8.5)
            axes.set_title(f"{name}: {score.accuracy:.1%} correct", fontsize=9)
            axes.tick_params(labelsize=7)
        for axes in panels[1:]:
            axes.set(ylabel="", yticklabels=[])


def claims(accuracies: Mapping[str, Estimate], printed: Sequence[float], path: Path) -> None:
    """Plot accuracy with parts left out: a dot per training, its mean with a 95% interval.

    Args:
        accuracies: what is left out -> accuracy; the first is nothing.
        printed: accuracies that the report gives, before and after.
        path: file to write.
    """
    with picture(path, WIDTH, 0.9 + 0.33 * len(accuracies)) as figure:
        axes = figure.subplots()
        whole = next(iter(accuracies.values()))
        axes.axvspan(whole.low, whole.high, color=LIGHT, alpha=0.3, linewidth=0, zorder=0)
        for value in printed:
            ends, dashes = [-0.7, len(accuracies) - 0.5], (0, (3, 2))
            axes.plot([value] * 2, ends, color=ACCENT, linewidth=1, linestyle=dashes, zorder=1)
            text: Any = {"color": ACCENT, "fontsize": 7.5, "ha": "center", "va": "bottom"}
            axes.text(value, -0.78, f"report {value:.0%}", **text)
        for place, estimate in enumerate(accuracies.values()):
            axes.plot([estimate.low, estimate.high], [place, place], color=INK, linewidth=1.2)
            axes.plot(
                estimate.values,
                [place] * len(estimate.values),
                "o",
                color=MAIN,
                ms=4.5,
                alpha=0.6,
                mew=0,
            )
            axes.plot(estimate.mean, place, "|", color=INK, ms=10, mew=1.6)
        axes.set_yticks(range(len(accuracies)), list(accuracies))
        low = min(min(printed), *(estimate.low for estimate in accuracies.values()))
        axes.set(xlim=(max(low - 0.03, 0), 1), ylim=(len(accuracies) - 0.5, -1.1))
        axes.set_xlabel("accuracy, four classes, test spectra")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(False, axis="y")


def more_data(accuracy: Mapping[int, Estimate], mse: Mapping[int, Estimate], path: Path) -> None:
    """Plot accuracy of Table 1 and MSE of Table 3 against the number of training spectra."""
    with picture(path, WIDTH, 2.9) as figure:
        left, right = figure.subplots(1, 2)
        _curve(left, accuracy, "accuracy, four classes")
        left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        _curve(right, mse, "MSE of QSO, in z")
        right.set_ylim(0, None)


def _curve(axes: Axes, points: Mapping[int, Estimate], ylabel: str) -> None:
    for count, estimate in points.items():
        axes.plot([count, count], [estimate.low, estimate.high], color=INK, linewidth=1.1)
        axes.plot([count] * len(estimate.values), estimate.values, "o", color=LIGHT, ms=4, mew=0)
    means = [estimate.mean for estimate in points.values()]
    axes.plot(list(points), means, "o-", color=MAIN, ms=4.5, linewidth=1.4)
    axes.set(xscale="log", xlabel="training spectra", ylabel=ylabel)
    axes.set_xlim(0.8 * min(points), 1.25 * max(points))
    axes.xaxis.set_major_locator(FixedLocator(list(points)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.tick_params(axis="x", labelrotation=0, labelsize=7.5, color=MUTED)
