"""The page's two Bokeh figures, without data: the page's own code fills their sources.

Bokeh, not Plotly: its core is 1.2 MB of JavaScript where Plotly's is 4.5, and replacing the columns
of a source redraws 5,000 pixels in some 10 ms. A Bokeh document per spectrum would take tens of
times more bytes, and a second to show.
"""

from functools import cache
from typing import Any

import numpy as np
from bokeh.embed import json_item
from bokeh.models import (
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    FixedTicker,
    LinearAxis,
    PanTool,
    Plot,
    Range1d,
    ResetTool,
    Span,
    WheelZoomTool,
)
from bokeh.plotting import figure
from bokeh.resources import Resources

from spectranet_jax.spectra.lines import REST, SKY
from spectranet_jax.spectra.zsteps import WIDE_REACH

INK, MUTED, FAINT, PAPER = "#1b1f27", "#4b5563", "#e3e6eb", "#ffffff"
FLUX, TEMPLATE, Z_MARK = "#33527e", "#c2410c", "#c2410c"

Z_TICKS = (0, 0.2, 0.5, 1, 1.5, 2, 3, 4, 5, 6)

UNIT = "unit"
"""Range of y from 0 to 1 over the height of the figure, for marks that stay in place."""

REST_FRAME = "rest"
"""Range of x in rest-frame wavelengths."""

OXYGEN_BANDS = ((6869.0, 6945.0), (7596.0, 7702.0))
"""The B and A bands, where the air's oxygen absorbs: their ends, vacuum Angstrom."""


@cache
def script() -> str:
    """Return Bokeh's JavaScript: its core alone."""
    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def figures() -> dict[str, Any]:
    """Return both figures as Bokeh's JSON items, by the id of the element that each belongs in."""
    made = {"spectrum-figure": spectrum(), "posterior-figure": posterior()}
    return {target: json_item(plot, target) for target, plot in made.items()}


def _plain(**options: Any) -> Any:
    plot = figure(
        sizing_mode="stretch_both",
        min_height=80,
        toolbar_location=None,
        background_fill_color=PAPER,
        border_fill_color=PAPER,
        outline_line_color=FAINT,
        **options,
    )
    plot.grid.grid_line_color = FAINT
    return plot


def _ink(plot: Plot) -> None:
    for axis in plot.axis:
        axis.update(
            axis_line_color=MUTED,
            major_tick_line_color=MUTED,
            minor_tick_line_color=None,
            major_label_text_color=INK,
            axis_label_text_color=INK,
            axis_label_text_font_style="normal",
        )


def _source(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)


def spectrum() -> Plot:
    """Plot flux within its standard error, masked pixels, the template, and lines at a redshift."""
    plot = _plain(name="spectrum", tools=[], x_range=Range1d(3600, 10000), y_range=Range1d(0, 1))
    pan, wheel = PanTool(dimensions="width"), WheelZoomTool(dimensions="width")
    plot.add_tools(
        pan, wheel, BoxZoomTool(), ResetTool(), CrosshairTool(line_color=MUTED, line_alpha=0.5)
    )
    plot.toolbar_location, plot.toolbar.logo = "right", None
    plot.toolbar.active_drag, plot.toolbar.active_scroll = pan, wheel
    plot.extra_y_ranges = {UNIT: Range1d(0, 1)}
    plot.extra_x_ranges = {REST_FRAME: Range1d(3600, 10000, name="rest-frame")}
    plot.vstrip("x0", "x1", source=_source("masked", "x0", "x1"), color="#9ca3af", alpha=0.35)
    plot.quad(
        *("left", "right"),
        top=0.045,
        bottom=0,
        source=_source("attribution", "left", "right", "color"),
        fill_color="color",
        line_color=None,
        y_range_name=UNIT,
    )
    band = _source("band", "left", "right", "low", "high")
    boxes = {"left": "left", "right": "right", "bottom": "low", "top": "high"}
    plot.quad(**boxes, source=band, fill_color=FLUX, fill_alpha=0.25, line_color=None)
    plot.line("x", "y", source=_source("error", "x", "y"), line_color=MUTED, line_width=0.8)
    plot.line("x", "y", source=_source("flux", "x", "y"), line_color=FLUX, line_width=1)
    model = _source("template", "x", "y")
    plot.line("x", "y", source=model, line_color=TEMPLATE, line_width=1.6)
    for name, color, dash in (("emission", INK, "solid"), ("absorption", MUTED, "dashed")):
        lines = _source(name, "x", "y", "label")
        plot.vspan("x", source=lines, line_color=color, line_dash=dash, line_alpha=0.55)
        plot.text(
            *("x", "y", "label"),
            source=lines,
            y_range_name=UNIT,
            x_offset=3,
            text_color=color,
            text_font_size="11px",
            text_baseline="middle",
            background_fill_color=PAPER,
            background_fill_alpha=0.9,
        )
    _sky(plot)
    plot.add_layout(LinearAxis(x_range_name=REST_FRAME, axis_label="rest frame (Å)"), "above")
    plot.xaxis[1].axis_label = "vacuum wavelength (Å)"
    plot.yaxis.axis_label = "flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)"
    _ink(plot)
    return plot


def _sky(plot: Plot) -> None:
    """Mark night sky lines and atmospheric absorption: features there may be their residuals."""
    above = {"y_range_name": UNIT, "name": "sky"}
    plot.scatter(
        [REST[name] for name in SKY], 0.06, marker="triangle", color=MUTED, size=6, **above
    )
    left, right = zip(*OXYGEN_BANDS, strict=True)
    plot.quad(left, right, top=0.07, bottom=0.05, color=MUTED, **above)


def posterior() -> Plot:
    """Plot p(z) over log10(1 + z), its peaks, and the chosen redshift."""
    first, last = WIDE_REACH
    along = Range1d(first, last, reset_start=first, reset_end=last)
    plot = _plain(name="posterior", tools=[], x_range=along, y_range=Range1d(0, 1.12))
    pan, wheel = PanTool(dimensions="width"), WheelZoomTool(dimensions="width")
    plot.add_tools(pan, wheel)
    plot.toolbar.active_drag, plot.toolbar.active_scroll = pan, wheel
    p = _source("p", "x", "y")
    plot.varea("x", y1=0, y2="y", source=p, fill_color=FLUX, fill_alpha=0.25)
    plot.line("x", "y", source=p, line_color=FLUX, line_width=1.2)
    peaks = _source("peaks", "x", "y")
    plot.scatter("x", "y", source=peaks, size=9, fill_color=PAPER, line_color=FLUX, line_width=1.5)
    mark = Span(location=0, dimension="height", line_color=Z_MARK, line_width=1.5, name="z-mark")
    reference = Span(location=-1, dimension="height", line_color=MUTED, line_dash="dashed")
    reference.update(line_width=1.2, name="z-reference")
    plot.add_layout(mark)
    plot.add_layout(reference)
    places = {float(np.log10(1 + z)): f"{z:g}" for z in Z_TICKS}
    plot.xaxis.ticker = FixedTicker(ticks=list(places))
    plot.xaxis.major_label_overrides = places
    plot.xaxis.axis_label = "redshift"
    plot.yaxis.visible = False
    plot.ygrid.grid_line_color = None
    _ink(plot)
    return plot
