"""The house style of every figure, and how one becomes a file.

A class has one color everywhere, and color-blind readers can tell the four apart.
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
}


@contextmanager
def png(path: Path, width: float, height: float) -> Iterator[Figure]:
    """A figure of so many inches in the house style, written to `path` when the block is done."""
    with matplotlib.rc_context(STYLE):
        figure = Figure((width, height), layout="constrained")
        yield figure
        with atomic(path) as temporary:
            # Without the version of matplotlib in it: equal data, equal bytes.
            figure.savefig(temporary, format="png", metadata={"Software": None})
