"""Figures of a run: arrays in, one PNG file out, without a display or global state."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import ArrayLike, NDArray

from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, dv, nmad, quantiles_by_redshift
from spectranet_jax.evaluation.style import (
    ACCENT,
    BLUES,
    ERROR_TINT,
    INK,
    LIGHT,
    MAIN,
    MUTED,
    picture,
)
from spectranet_jax.spectra.labels import CLASS_COLORS, CLASSES


def loss_curve(rows: Sequence[Mapping[str, Any]], path: Path, ylabel: str = "loss") -> None:
    """Plot loss against iteration (the report's Figures 1, 3 and 4), above the learning rate.

    Args:
        rows: of metrics.jsonl: each has `step`, and of `loss` (training), `valid_loss` and
            `learning_rate` what was logged at that step.
        path: PNG file to write.
        ylabel: what the loss is, with its unit.
    """

    def logged(key: str) -> tuple[list[int], list[float]]:
        pairs = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
        return [step for step, _ in pairs], [value for _, value in pairs]

    with picture(path, 7.2, 4.2) as figure:
        loss, rate = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        loss.plot(*logged("loss"), color=LIGHT, linewidth=0.9, label="training")
        steps, values = logged("valid_loss")
        loss.plot(steps, values, "o-", color=MAIN, markersize=4, linewidth=1.6, label="validation")
        if np.isfinite(values).any():
            lowest = int(np.nanargmin(values))
            name = f"lowest: {values[lowest]:.4g} at iteration {steps[lowest]:,}"
            ring: dict[str, Any] = {"fillstyle": "none", "clip_on": False, "label": name}
            loss.plot(steps[lowest], values[lowest], "o", color=ACCENT, markersize=10, **ring)
        loss.set(ylabel=ylabel, ylim=(0, None))
        loss.legend(loc="upper right")
        rate.plot(*logged("learning_rate"), color=MUTED, linewidth=1.2)
        rate.set(xlabel="iteration", ylabel="learning rate", ylim=(0, None))
        rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
        rate.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
        rate.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        rate.set_xlim(0, 1.02 * max((row["step"] for row in rows), default=1))
        figure.align_ylabels()


def confusion_matrix(counts: ArrayLike, path: Path, classes: Sequence[str] = CLASSES) -> None:
    """Plot the confusion matrix as fractions of the true class, with counts (report's Figure 2).

    Args:
        counts: (classes, classes) integers, rows true, columns predicted.
        path: PNG file to write.
        classes: their names.
    """
    with picture(path, 5.4, 4.9) as figure:
        draw_confusion(figure.subplots(), np.asarray(counts), classes)


def draw_confusion(
    axes: Axes, counts: NDArray[np.integer], classes: Sequence[str] = CLASSES, size: float = 12.5
) -> None:
    """Draw a confusion matrix: see `confusion_matrix`; `size` is that of the fractions, points."""
    support = counts.sum(axis=1, keepdims=True)
    fractions = counts / np.where(support > 0, support, 1)
    total = int(support.sum())
    axes.pcolormesh(fractions, cmap=BLUES, vmin=0, vmax=1, edgecolor="white", linewidth=2)
    for (row, column), fraction in np.ndenumerate(fractions):
        color = "white" if fraction > 0.5 else INK
        at: dict[str, Any] = {"ha": "center", "va": "center", "color": color}
        percent = f"{fraction:.1%}" if support[row, 0] else "–"
        weight = "bold" if row == column else "normal"
        axes.text(column + 0.5, row + 0.45, percent, fontsize=size, fontweight=weight, **at)
        axes.text(column + 0.5, row + 0.7, f"{counts[row, column]:,}", fontsize=0.64 * size, **at)
    ticks = np.arange(len(classes)) + 0.5
    axes.set_xticks(ticks, classes)
    axes.set_yticks(ticks, [f"{c}\n{n:,}" for c, n in zip(classes, support[:, 0], strict=True)])
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    for label, name in zip(labels, [*classes] * 2, strict=True):
        label.set(color=CLASS_COLORS.get(name, INK), fontweight="bold")
    axes.set(xlabel="predicted class", ylabel="true class", aspect="equal")
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    accuracy = f"{np.trace(counts) / total:.2%} correct of {total:,} spectra" if total else ""
    axes.set_title(accuracy)


def redshift_scatter(
    z_true: NDArray[np.floating], z_pred: NDArray[np.floating], path: Path
) -> None:
    """Plot predicted against true redshift, with catastrophic failures marked.

    A prediction far off the axes stands at their edge; one that is not finite at the bottom.

    Args:
        z_true: (n,), finite.
        z_pred: (n,), may hold NaN.
        path: PNG file to write.
    """
    z_true, z_pred = np.asarray(z_true, np.float64), np.asarray(z_pred, np.float64)
    finite = np.isfinite(z_pred)
    failed = finite & (np.abs(dv(z_pred, z_true)) > CATASTROPHIC)
    good = finite & ~failed
    margin = 0.05 * max(float(np.ptp(z_true)), 0.1)
    low, high = z_true.min() - margin, z_true.max() + margin
    shown = np.clip(z_pred, low, high)
    size = _point_size(len(z_true))
    with picture(path, 5.4, 5.4) as figure:
        axes = figure.subplots()
        axes.plot([low, high], [low, high], color=MUTED, linewidth=0.8, zorder=1)
        within = f"within {CATASTROPHIC:,} km/s: {good.sum():,} of {len(z_true):,}"
        dots: dict[str, Any] = {"s": size, "linewidths": 0, "alpha": 0.55, "clip_on": False}
        axes.scatter(z_true[good], shown[good], color=MAIN, label=within, **dots)
        crosses: dict[str, Any] = {
            "s": 1.6 * size + 6,
            "marker": "x",
            "linewidths": 1,
            "clip_on": False,
        }
        beyond = f"beyond: {failed.sum():,}"
        axes.scatter(z_true[failed], shown[failed], color=ACCENT, label=beyond, **crosses)
        if not finite.all():
            none = f"no redshift: {(~finite).sum():,}"
            triangles: dict[str, Any] = {"marker": "^", "s": 22, "clip_on": False}
            bottom = np.full((~finite).sum(), low)
            axes.scatter(z_true[~finite], bottom, color=INK, label=none, **triangles)
        axes.set(xlabel="true redshift $z$", ylabel="predicted redshift $z$", aspect="equal")
        axes.set(xlim=(low, high), ylim=(low, high))
        axes.legend(loc="upper left", handletextpad=0.2)


def residuals(z_true: NDArray[np.floating], velocity: NDArray[np.floating], path: Path) -> None:
    """Plot redshift error in km/s against redshift, with its median by redshift, and its histogram.

    Args:
        z_true: (n,), finite.
        velocity: (n,), dv = c (z_pred - z_true) / (1 + z_true) in km/s, may hold NaN.
        path: PNG file to write.
    """
    z_true, velocity = np.asarray(z_true, np.float64), np.asarray(velocity, np.float64)
    finite = np.isfinite(velocity)
    z_true, velocity = z_true[finite], velocity[finite]
    spread = nmad(velocity) if len(velocity) else 0.0
    limit = 1000 * np.ceil(max(6 * spread, 3000) / 1000)
    inside = np.abs(velocity) <= limit
    with picture(path, 7.6, 4.2) as figure:
        axes, side = figure.subplots(1, 2, sharey=True, width_ratios=[3.4, 1])
        axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
        dots: dict[str, Any] = {"s": _point_size(len(z_true)), "linewidths": 0, "alpha": 0.45}
        axes.scatter(z_true[inside], velocity[inside], color=MAIN, **dots)
        edge = np.clip(velocity[~inside], -0.97 * limit, 0.97 * limit)
        for sign, marker in ((1, "^"), (-1, "v")):
            far = np.sign(edge) == sign
            axes.scatter(z_true[~inside][far], edge[far], color=ACCENT, marker=marker, s=18)
        z, low, middle, high = quantiles_by_redshift(z_true, velocity)
        axes.fill_between(z, low, high, color=ACCENT, alpha=0.16, linewidth=0, label="16% to 84%")
        axes.plot(z, middle, "o-", color=ACCENT, markersize=3.5, linewidth=1.5, label="median")
        axes.legend(loc="upper right", ncols=2, borderaxespad=1.6)
        axes.set(xlabel="true redshift $z$", ylim=(-limit, limit))
        axes.set_ylabel(r"$c\,(z_\mathrm{pred} - z) / (1 + z)$  (km/s)")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        bins = np.linspace(-limit, limit, 61)
        side.hist(velocity[inside], bins, orientation="horizontal", color=MAIN, alpha=0.8)
        side.set_xlabel("spectra")
        side.tick_params(axis="y", length=0)
        text = f"{len(finite):,} spectra"
        if len(velocity):
            text += f": median {np.median(velocity):+,.0f}, NMAD {spread:,.0f} km/s"
        if not inside.all():
            text += f"; {(~inside).sum():,} beyond ±{limit:,.0f} km/s"
        if not finite.all():
            text += f"; {(~finite).sum():,} without z"
        axes.set_title(text.replace("-", "−"))


def examples(
    flux: NDArray[np.floating],
    wavelength: NDArray[np.floating],
    truth: NDArray[np.integer],
    predicted: NDArray[np.integer],
    probabilities: NDArray[np.floating],
    path: Path,
) -> None:
    """Plot a grid of spectra, each with its true class, the predicted one and the probabilities.

    Args:
        flux: (n, bins), normalized; NaN where there is no measurement. A dozen spectra fit well.
        wavelength: (bins,), vacuum Angstrom.
        truth: (n,), label of the true class.
        predicted: (n,), label of the predicted class.
        probabilities: (n, classes).
        path: PNG file to write.
    """
    columns = 3
    rows = -(-len(flux) // columns)
    colors = [CLASS_COLORS[name] for name in CLASSES]
    with picture(path, 10.5, 0.7 + 1.75 * rows) as figure:
        grid = figure.add_gridspec(rows, 2 * columns, width_ratios=[6, 1] * columns)
        for i, spectrum in enumerate(flux):
            row, column = divmod(i, columns)
            axes = figure.add_subplot(grid[row, 2 * column])
            bars = figure.add_subplot(grid[row, 2 * column + 1])
            true, guess, chance = truth[i], predicted[i], probabilities[i]
            axes.plot(wavelength, spectrum, color=colors[true], linewidth=0.8)
            measured = spectrum[np.isfinite(spectrum)]
            low, high = np.quantile(measured, [0.002, 0.998]) if len(measured) else (0, 1)
            pad = 0.08 * max(high - low, 1e-6)
            axes.set(xlim=(wavelength[0], wavelength[-1]), ylim=(low - pad, high + pad))
            bars.barh(np.arange(len(CLASSES)), chance, color=colors, height=0.75)
            bars.set(xlim=(0, 1), xticks=[], yticks=[])
            bars.invert_yaxis()
            bars.grid(False)
            bars.spines["bottom"].set_visible(False)
            axes.set_title(CLASSES[true], color=colors[true], fontweight="bold", fontsize=9)
            mark = "✓" if true == guess else "✗"
            text = f"{mark} {CLASSES[guess]} {chance[guess]:.0%}"
            axes.set_title(text, color=colors[guess], loc="right", fontsize=9)
            if true != guess:
                axes.set_facecolor(ERROR_TINT)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            if i + columns < len(flux):
                axes.tick_params(labelbottom=False)
        figure.supxlabel("vacuum wavelength (Å)", fontsize=9)
        figure.supylabel("normalized flux", fontsize=9)
        figure.legend(
            [Patch(color=color) for color in colors],
            CLASSES,
            loc="outside upper center",
            ncols=len(CLASSES),
            title="true class on the left, predicted class and its probability on the right",
        )


def _point_size(n: int) -> float:
    """Return the area of a scatter point in square points, smaller the more there are."""
    return float(np.clip(6000 / max(n, 1), 3, 16))
