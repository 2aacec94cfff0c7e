"""A contact sheet: spectra of each class on one page, to check the content of a dataset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spectranet_jax.datasets.atomic import atomic
from spectranet_jax.datasets.records import Block, concatenate
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import CLASS_COLORS, CLASSES

COLUMNS, ROWS_PER_CLASS = 6, 3


def contact_sheet(path: Path, blocks: Sequence[Block], grid: LogGrid) -> None:
    """Draw up to 18 spectra of each class in `blocks`, and write a PNG.

    Raises:
        InputError: if `path` cannot be written or there is nothing to draw.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    block = concatenate(blocks)
    chosen = [
        rows[:: max(1, len(rows) // (COLUMNS * ROWS_PER_CLASS))][: COLUMNS * ROWS_PER_CLASS]
        for label in range(len(CLASSES))
        if len(rows := np.flatnonzero(block.label == label))
    ]
    if not chosen:
        raise InputError(f"{path} would show no spectra: there is none of any class")
    height = ROWS_PER_CLASS * len(chosen)
    figure = Figure(figsize=(3.2 * COLUMNS, 1.5 * height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(height, COLUMNS, squeeze=False, sharex=True)
    for axis in axes.flat:
        axis.set_axis_off()
    for place, rows in enumerate(chosen):
        panels = axes[place * ROWS_PER_CLASS : (place + 1) * ROWS_PER_CLASS].flat
        for axis, row in zip(panels, rows, strict=False):
            flux = np.where(block.ivar[row] > 0, block.flux[row], np.nan)
            axis.set_axis_on()
            axis.plot(
                grid.centers, flux, linewidth=0.6, color=CLASS_COLORS[CLASSES[block.label[row]]]
            )
            low, high = np.nanpercentile(flux, (1, 99.5)) if np.isfinite(flux).any() else (0, 1)
            axis.set_ylim(min(0, low), high * 1.15 + 1e-6)
            redshift = "" if np.isnan(block.z[row]) else f"  z {block.z[row]:.2f}"
            title = f"{CLASSES[block.label[row]]}{redshift}  S/N {block.sn[row]:.1f}"
            axis.set_title(title, fontsize=7, pad=2)
            axis.tick_params(labelsize=6)
    figure.supxlabel("wavelength (Angstrom, vacuum)", fontsize=8)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=80)
