"""Figures beyond the report: its networks beside QuasarNET and LineNet."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from experiments.reporting.compared import (
    COLORS,
    OURS,
    REPORT,
    Reply,
    Spectra,
    right_class,
    right_redshift,
)
from experiments.reporting.report_figures import WIDTH
from spectranet_jax.evaluation.calibration import (
    binomial_interval,
    median_interval,
    reliability,
)
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC
from spectranet_jax.evaluation.style import ACCENT, MUTED, picture
from spectranet_jax.spectra.labels import CLASS_COLORS, QSO, QSO_BAL

OTHER_COLORS = (ACCENT, "#0fa291")
GROUPS, LEAST = 6, 20
"""Groups of equal size along an axis, at most, and spectra in one, at least."""

FEWEST = 8
"""Spectra that a bin of probability needs to be shown."""

Bools = NDArray[np.bool_]
Point = tuple[float, float, float]
"""A value, and the ends of its 95% interval."""


def color_of(names: Mapping[str, Any] | list[str], name: str) -> str:
    """Return the color of a model in all these figures."""
    other_models = [other for other in names if other not in (REPORT, OURS)]
    return COLORS.get(name) or OTHER_COLORS[other_models.index(name) % len(OTHER_COLORS)]


def redshifts(spectra: Spectra, replies: Mapping[str, Reply], path: Path) -> None:
    """Plot predicted against true redshift of the quasars, a panel per model."""
    rows = spectra.truth.measured
    z, label = spectra.truth.z[rows], spectra.truth.label[rows]
    top = 1.04 * float(z.max())
    with picture(path, WIDTH, 0.9 + WIDTH / (len(replies) + 0.4)) as figure:
        panels = figure.subplots(1, len(replies), sharex=True, sharey=True)
        for axes, (name, reply) in zip(panels, replies.items(), strict=True):
            assert reply.answers.z is not None
            shown = np.clip(reply.answers.z[rows], 0, top)
            axes.plot([0, top], [0, top], color=MUTED, linewidth=0.6, zorder=1)
            size = float(np.clip(3000 / len(z), 1.5, 8))
            for value, called in ((QSO, "QSO"), (QSO_BAL, "QSO_BAL")):
                of = label == value
                dots: Any = {"s": size, "linewidths": 0, "alpha": 0.55, "rasterized": True}
                axes.scatter(z[of], shown[of], color=CLASS_COLORS[called], **dots)
            axes.set_title(name, fontsize=9)
            axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
        panels[0].set_ylabel("predicted redshift")
        figure.supxlabel("true redshift", fontsize=9)
        handles = [
            Line2D([], [], marker="o", linestyle="", color=CLASS_COLORS[name], ms=4, label=name)
            for name in ("QSO", "QSO_BAL")
        ]
        figure.legend(handles=handles, loc="outside upper right", ncols=2)


def trends(spectra: Spectra, replies: Mapping[str, Reply], path: Path) -> None:
    """Plot accuracy and redshift error against S/N and against redshift, with 95% intervals."""
    truth = spectra.truth
    with picture(path, WIDTH, 5.0) as figure:
        panels = figure.subplots(2, 2, sharex="col", sharey="row")
        for (above, below), values in zip(panels.T, (spectra.sn, truth.z), strict=True):
            shown = np.isfinite(values) & (values > 0)
            for name, reply in replies.items():
                color = color_of(replies, name)
                if reply.label is not None:
                    _trend(above, values, shown, right_class(reply, truth), _fraction, color)
                _trend(below, values, shown & truth.measured, reply.off(truth), _median, color)
        panels[0, 0].set(ylabel="accuracy, four classes", ylim=(None, 1.01))
        panels[0, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panels[1, 0].set(ylabel="median |dv| of quasars (km/s)", yscale="log")
        panels[1, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panels[1, 0].set(xscale="log", xlabel="median S/N per bin")
        panels[1, 0].xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panels[1, 0].xaxis.set_minor_formatter(NullFormatter())
        panels[1, 1].set_xlabel("true redshift")
        figure.legend(handles=_key(replies), loc="outside upper left", ncols=4)


def calibration(spectra: Spectra, replies: Mapping[str, Reply], path: Path) -> None:
    """Plot how often answers are right against their probability, with intervals."""
    with picture(path, WIDTH, 3.3) as figure:
        classes, quasars = figure.subplots(1, 2, sharey=True)
        rows = spectra.truth.measured
        for name, reply in replies.items():
            color = color_of(replies, name)
            if reply.p_label is not None:
                _reliability(classes, reply.p_label, right_class(reply, spectra.truth), color)
            if reply.p_redshift is not None:
                right = right_redshift(reply, spectra.truth)
                _reliability(quasars, reply.p_redshift[rows], right[rows], color)
        for axes, title in (
            (classes, "class"),
            (quasars, f"redshift within {CATASTROPHIC:,} km/s"),
        ):
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=1)
            axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability given")
            axes.set_title(title, fontsize=9)
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        classes.set_ylabel("fraction correct")
        classes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        figure.legend(handles=_key(replies), loc="outside upper left", ncols=4)


def _trend(
    axes: Axes,
    along: NDArray[np.floating],
    rows: Bools,
    values: NDArray[Any],
    point: Callable[[NDArray[Any]], Point],
    color: str,
) -> None:
    """Draw the values of groups of equal size along an axis."""
    chosen = np.flatnonzero(rows)
    groups = int(np.clip(len(chosen) // LEAST, 1, GROUPS))
    ordered = chosen[np.argsort(along[chosen], kind="stable")]
    members = [group for group in np.array_split(ordered, groups) if len(group)]
    x = [float(np.median(along[group])) for group in members]
    y, low, high = np.array([point(values[group]) for group in members]).T
    axes.plot(x, y, "o-", color=color, ms=3.5, linewidth=1.3)
    axes.vlines(x, low, high, color=color, linewidth=1)


def _fraction(right: Bools) -> Point:
    count, of = int(right.sum()), len(right)
    return count / of, *binomial_interval(count, of)


def _median(values: NDArray[np.floating]) -> Point:
    values = np.nan_to_num(values, nan=1e6)
    middle = float(np.median(values))
    return middle, *(median_interval(values) or (middle, middle))


def _reliability(axes: Axes, p: NDArray[np.floating], right: Bools, color: str) -> None:
    curve = reliability(np.clip(p, 0, 1), right, 10)
    filled = curve.count >= FEWEST
    hits = np.rint(curve.accuracy[filled] * curve.count[filled]).astype(int)
    ends = [
        binomial_interval(int(k), int(n)) for k, n in zip(hits, curve.count[filled], strict=True)
    ]
    x = curve.confidence[filled]
    axes.vlines(x, [low for low, _ in ends], [high for _, high in ends], color=color, linewidth=1)
    axes.plot(x, curve.accuracy[filled], "o-", color=color, ms=3.5, linewidth=1.3, clip_on=False)


def _key(replies: Mapping[str, Reply]) -> list[Line2D]:
    return [
        Line2D([], [], marker="o", color=color_of(replies, name), ms=4, linewidth=1.3, label=name)
        for name in replies
    ]
