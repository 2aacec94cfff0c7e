"""The style of every figure, and how a figure becomes a file.

A class has one color everywhere, and color-blind readers can distinguish the four.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from spectranet_jax.datasets.atomic import atomic

INK, MUTED, FAINT = "#22262e", "#6b7280", "#e3e6eb"
MAIN, ACCENT, LIGHT = "#33527e", "#e4572e", "#9db3d1"
ERROR_TINT = "#fdf0ea"
BLUES = LinearSegmentedColormap.from_list("blues", ["#f5f7fa", LIGHT, MAIN, "#17294a"])

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 8.5,
    "savefig.dpi": 200,
    "svg.hashsalt": "spectranet-jax",
}


ANONYMOUS: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Creator": None, "Date": None},
}
"""Suffix -> metadata without matplotlib's version and the time: equal data, equal bytes."""


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure of `width` by `height` inches, written to `path` when the block ends.

    Its suffix, .png or .svg, is the format.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure((width, height), layout="constrained")
        yield figure
        with atomic(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], metadata=ANONYMOUS[path.suffix])
