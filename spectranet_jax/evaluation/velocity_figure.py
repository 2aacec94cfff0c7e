"""The distribution of redshift errors by range of redshift; see also `figures.residuals`."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, RANGES, nmad
from spectranet_jax.evaluation.style import ACCENT, MAIN, MUTED, picture

COLORS = dict(zip(RANGES, ("#0fa291", MAIN, ACCENT), strict=True))
"""Colors of the ranges of redshift."""

BIN = 250.0
"""Width of a bin, km/s."""


def velocity_histogram(
    z_true: NDArray[np.floating], velocity: NDArray[np.floating], path: Path
) -> Path:
    """Plot a histogram of dv in each of `redshift_scores.RANGES`, with its median and NMAD.

    The counts are logarithmic, so that a few failures are seen; values off the axis are counted in
    its outermost bins, and beyond 3000 km/s the paper is shaded.

    Args:
        z_true: (n,); where it is not finite the spectrum is left out.
        velocity: (n,), dv = c (z_pred - z_true) / (1 + z_true) in km/s, may hold NaN.
        path: PNG file to write.
    """
    z_true, velocity = np.asarray(z_true, np.float64), np.asarray(velocity, np.float64)
    known = np.isfinite(z_true)
    finite = known & np.isfinite(velocity)
    spread = nmad(velocity[finite]) if finite.any() else 0.0
    limit = BIN * np.ceil(max(6 * spread, 2 * CATASTROPHIC) / BIN)
    bins = np.arange(-limit, limit + BIN / 2, BIN)
    with picture(path, 6.6, 3.9) as figure:
        axes = figure.subplots()
        highest = 1
        for name, (low, high) in RANGES.items():
            inside = finite & (z_true >= low) & (z_true < high)
            values = velocity[inside]
            if not len(values):
                continue
            shown = np.clip(values, -limit + BIN / 2, limit - BIN / 2)
            counts, _ = np.histogram(shown, bins)
            median = f"{np.median(values):+,.0f}".replace("-", "−")
            text = f"{name}: {len(values):,} spectra, median {median}, NMAD {nmad(values):,.0f}"
            axes.stairs(counts, bins, color=COLORS[name], linewidth=1.4, label=text)
            highest = max(highest, counts.max())
        axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
        for side in (-1, 1):
            axes.axvspan(side * CATASTROPHIC, side * limit, color=MUTED, alpha=0.1, linewidth=0)
        # Space for three lines of legend above the highest bar.
        axes.set(yscale="log", xlim=(-limit, limit), ylim=(0.6, 12 * highest**1.15))
        axes.set_xlabel(r"$c\,(z_\mathrm{pred} - z) / (1 + z)$  (km/s)")
        axes.set_ylabel(f"spectra per bin of {BIN:.0f} km/s")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left")
        beyond = int((np.abs(velocity[finite]) > CATASTROPHIC).sum())
        text = f"{known.sum():,} spectra; {beyond:,} beyond ±{CATASTROPHIC:,} km/s"
        without = int((known & ~finite).sum())
        axes.set_title(text + (f"; {without:,} without z" if without else ""))
    return path
