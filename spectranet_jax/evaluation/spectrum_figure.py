"""Figure of one spectrum and a network's predictions for it, as `predict --plots` draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import floor, isfinite, log10, nan
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from spectranet_jax.evaluation.line_labels import ABSORPTION, EMISSION, on_grid, spread, written
from spectranet_jax.evaluation.prediction_panels import (
    class_panel,
    evidence_panel,
    peak_panel,
    percent,
    posterior_panel,
)
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC
from spectranet_jax.evaluation.style import FAINT, INK, MAIN, MUTED, picture
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import CLASS_COLORS, CLASSES

ANGSTROM = (4000, 5000, 6000, 7000, 8000, 9000)

ROOM = 4.5
"""Width of the panels below the spectrum, all of them."""

NAME_LENGTH = 100

LABEL_GAP = 0.0155
"""Least distance between the names of two lines, as a fraction of the panel's width."""

Panel = dict[str, Any]


@dataclass(frozen=True)
class NativePixels:
    """A spectrum before rebinning.

    Attributes:
        wavelength: (pixels,), Angstrom.
        flux: (pixels,), NaN where there is no measurement.
        template: (pixels,), NaN where there is none; None if no redshift was refined.
    """

    wavelength: NDArray[np.floating]
    flux: NDArray[np.floating]
    template: NDArray[np.floating] | None


@dataclass(frozen=True)
class Answer:
    """What is shown beside a spectrum; what is not known has no panel.

    Attributes:
        name: of the file and of the object; of a long one the end is shown.
        note: what else deserves a word, such as quality flags.
        kind: class that it is called; by default the likeliest of `probabilities`.
        probabilities: (4,), of the classes; None if no model gives them.
        z: redshift, NaN for none, as of a star; so with the following.
        z_err: its standard error.
        p_3000: probability that z is right within 3000 km/s.
        z_second: second-best redshift.
        mass_second: its probability.
        p: (bins of z,), probabilities; shown pale without a z.
        edges: (bins of z + 1,), in log10(1 + z), equally spaced.
        evidence: name in `spectra.lines.REST` -> what the line adds to the logarithm of p(z) there;
            of a line that is off the grid at z nothing is shown.
        native: the spectrum's own pixels and the template that was fitted to them, drawn beneath
            and over the bins.
    """

    name: str = ""
    note: str = ""
    kind: str = ""
    probabilities: NDArray[np.floating] | None = None
    z: float = nan
    z_err: float = nan
    p_3000: float = nan
    z_second: float = nan
    mass_second: float = nan
    p: NDArray[np.floating] | None = None
    edges: NDArray[np.floating] | None = None
    evidence: Mapping[str, float] | None = None
    native: NativePixels | None = None

    @property
    def called(self) -> str:
        """The class that the spectrum is called, "" if none is known."""
        if self.kind or self.probabilities is None:
            return self.kind
        return CLASSES[int(np.argmax(self.probabilities))]

    @property
    def subtitle(self) -> str:
        """Name and note."""
        long = len(self.name) > NAME_LENGTH
        shown = "…" + self.name[1 - NAME_LENGTH :] if long else self.name
        return "   ".join(filter(None, (shown, self.note)))


NOTHING = Answer()


def spectrum_figure(
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    path: Path,
    grid: LogGrid,
    answer: Answer = NOTHING,
) -> Path:
    """Draw a spectrum with its lines, p(z), its peak, the classes and, at the side, the evidence.

    A spectrum without data has a figure too.

    Args:
        flux: (bins,), 1e-17 erg/s/cm^2/Angstrom.
        ivar: (bins,), inverse variance of flux; 0 where there is no measurement: a gap.
        path: PNG file to write.
        grid: the bins of flux.
        answer: what is shown beside it.
    """
    kind, z = answer.called, answer.z
    color = CLASS_COLORS.get(kind, MAIN)
    has_z = isfinite(z)
    evidence = answer.evidence or {}
    values = {n: evidence[n] for n in on_grid(tuple(evidence), z, grid) if isfinite(evidence[n])}
    below = _panels(answer)
    with picture(path, 10.8, 6.5 if below else 4.2) as figure:
        columns = figure.add_gridspec(
            1, 2 if values else 1, width_ratios=[5, 1][: 1 + bool(values)]
        )
        rows = columns[0].subgridspec(3, 1, height_ratios=[0.16, 1.3, 1 if below else 0.01])
        title, spectrum = figure.add_subplot(rows[0]), figure.add_subplot(rows[1])
        _title(title, kind, answer.probabilities, color, z, answer.z_err, answer.p_3000)
        title.text(0, 0, answer.subtitle, color=MUTED, fontsize=9, va="bottom", parse_math=False)
        _spectrum(spectrum, flux, ivar, grid, color)
        if answer.native is not None:
            _native(spectrum, answer.native)
        # A redshift without a class is a quasar's: no other model gives a redshift alone.
        emission, absorption = EMISSION.get(kind or "QSO", ()), ABSORPTION.get(kind, ())
        gap = LABEL_GAP * (1.2 if values else 1)
        # A star has lines though it has no redshift.
        at = 0.0 if kind == "STAR" and not has_z else z
        _mark(spectrum, on_grid((*emission, *absorption), at, grid), absorption, grid, gap)
        if below:
            widths = [width for width, _ in below]
            # Absent panels leave their space empty, so that panels look the same in every figure.
            widths += [ROOM - sum(widths)] if sum(widths) < ROOM else []
            panels = rows[2].subgridspec(1, len(widths), width_ratios=widths)
            for i, (_, draw) in enumerate(below):
                draw(figure.add_subplot(panels[i]))
        if values:
            evidence_panel(figure.add_subplot(columns[1]), values)
    return path


def _panels(answer: Answer) -> list[tuple[float, Callable[[Axes], None]]]:
    """Return the panels below the spectrum: the width of each, and what draws it."""
    panels: list[tuple[float, Callable[[Axes], None]]] = []
    edges, has_z = answer.edges, isfinite(answer.z)
    if answer.p is not None and edges is not None and np.nansum(answer.p) > 0:
        p = np.asarray(answer.p, np.float64) / np.nansum(answer.p)
        choices = ((answer.z, answer.p_3000), (answer.z_second, answer.mass_second))
        draw = partial(posterior_panel, p=p, edges=edges, choices=choices if has_z else ())
        panels.append((2.25, draw))
        if has_z:
            peak = partial(peak_panel, p=p, edges=edges, z=answer.z, z_err=answer.z_err)
            panels.append((1.2, peak))
    if answer.probabilities is not None:
        panels.append((1.05, partial(class_panel, probabilities=answer.probabilities)))
    return panels


def _title(
    axes: Axes,
    kind: str,
    probabilities: NDArray[np.floating] | None,
    color: str,
    z: float,
    z_err: float,
    p_3000: float,
) -> None:
    """Draw class, z and P_3000 in one line, the class in its color."""
    axes.set_axis_off()
    style: Panel = {"fontsize": 12.5, "va": "top"}
    first = kind or "no class"
    if kind and probabilities is not None:
        first += f" {percent(probabilities[CLASSES.index(kind)])}"
    after = axes.text(0, 1, first, color=color, fontweight="bold", **style)
    words = "no redshift"
    if isfinite(z):
        digits = max(4, 1 - floor(log10(z_err))) if z_err > 0 else 4  # two digits of the error
        words = f"z = {z:.{digits}f}" + (f" ± {z_err:.{digits}f}" if isfinite(z_err) else "")
    if isfinite(z) and isfinite(p_3000):
        chance = percent(p_3000)
        equals = f"{chance[0]} {chance[1:]}" if chance[0] in "<>" else f"= {chance}"
        words += f"     P(|Δv| < {CATASTROPHIC:,} km/s) {equals}"
    beside: Panel = {"xycoords": after, "xytext": (18, 0), "textcoords": "offset points"}
    axes.annotate(words, (1, 1), **beside, **style)


def _spectrum(
    axes: Axes,
    flux: NDArray[np.floating],
    ivar: NDArray[np.floating],
    grid: LogGrid,
    color: str,
) -> None:
    """Draw flux as steps within its standard error, with unmeasured regions shaded gray."""
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    flux = np.where(good, flux, np.nan).astype(np.float64)
    error = np.where(good, 1 / np.sqrt(np.where(good, ivar, 1).astype(np.float64)), np.nan)
    band: Panel = {"color": color, "alpha": 0.22, "linewidth": 0}
    axes.stairs(flux + error, grid.edges, baseline=flux - error, fill=True, **band)
    axes.stairs(flux, grid.edges, color=color, linewidth=0.9, baseline=None)
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], ~good, [False]]).astype(np.int8)))
    for low, high in bounds.reshape(-1, 2):
        axes.axvspan(grid.edges[low], grid.edges[high], color=FAINT, linewidth=0, zorder=0.5)
    if good.any():
        # Otherwise bins that are far noisier than most would set the scale.
        steady = good & (error < 4 * np.median(error[good]))
        low, high = np.quantile(flux[steady], [0.002, 0.998])
        # A significant line of one bin is shown in full.
        low = min(low, (flux + error)[steady].min())
        high = max(high, (flux - error)[steady].max())
        pad = 0.09 * max(high - low, 1e-3 * abs(high), 1e-6)
        axes.set_ylim(low - pad, high + pad)
    else:
        middle: Panel = {"ha": "center", "va": "center", "transform": axes.transAxes}
        axes.text(0.5, 0.5, "no data", color=MUTED, **middle)
        axes.set_yticks([])
    axes.set(xscale="log", xlim=(grid.edges[0], grid.edges[-1]))
    axes.xaxis.set_major_locator(FixedLocator(ANGSTROM))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.set_xlabel("vacuum wavelength (Å)", labelpad=1)
    axes.set_ylabel("flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)")


def _native(axes: Axes, native: NativePixels) -> None:
    """Draw pixels as points too faint to hide the bins, and the template as a thin line."""
    point: Panel = {"color": MUTED, "marker": ".", "markersize": 0.9, "linestyle": "none"}
    axes.plot(native.wavelength, native.flux, **point, alpha=0.45, zorder=0.7)
    if native.template is not None:
        line: Panel = {"color": INK, "linewidth": 0.8, "zorder": 3}
        axes.plot(native.wavelength, native.template, **line)


def _mark(
    axes: Axes,
    lines: Mapping[str, float],
    absorption: Sequence[str],
    grid: LogGrid,
    gap: float,
) -> None:
    """Mark lines at their observed wavelengths, absorption dashed, with names above the panel."""
    scale = np.log(grid.edges[-1] / grid.edges[0])
    at = np.log(np.array(list(lines.values())) / grid.edges[0]) / scale
    for name, x, place in zip(lines, at, spread(at, gap), strict=True):
        absorbs = name in absorption
        ink, dash = (MUTED, (0, (3, 2))) if absorbs else (INK, "-")
        line: Panel = {"transform": axes.transAxes, "color": ink, "linewidth": 0.7}
        axes.plot([x, x], [0, 1], **line, ls=dash, alpha=0.45, zorder=0.8)
        axes.plot([x, x, place], [1, 1.012, 1.05], **line, clip_on=False)
        font: Panel = {"fontsize": 8, "color": ink, "style": "italic" if absorbs else "normal"}
        turned: Panel = {"rotation": 90, "ha": "center", "va": "bottom"}
        axes.text(place, 1.06, written(name), transform=axes.transAxes, **font, **turned)
