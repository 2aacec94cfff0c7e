"""A dataset's card: its contents in numbers and figures, and its sources."""

import html
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.pictures import contact_sheet
from spectranet_jax.datasets.atomic import atomic, write_text
from spectranet_jax.datasets.manifest import SPLITS, Manifest
from spectranet_jax.datasets.records import Block, concatenate
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import (
    BAL,
    BAL_UNSURE,
    CLASS_COLORS,
    CLASSES,
    CONFIDENT,
    GALAXY,
    NOT_BAL,
    QSO,
    QSO_BAL,
)

Z_EDGES = np.arange(0, 6.01, 0.1)
SN_EDGES = np.logspace(-1, 2.5, 61)
EXAMPLES = 18
"""Spectra of each class kept for drawing."""

CARD, FIGURE, SHEET = "card.html", "card.png", "card_examples.png"


@dataclass
class Tally:
    """Sums over the blocks of a dataset, in constant memory.

    Attributes:
        spectra: rows seen.
        z, sn: histograms of each class on `Z_EDGES` and `SN_EDGES`, int64 (classes, bins).
        z_secure, z_unsure, z_missing: galaxies and quasars by the quality of their redshift;
            stars are not counted.
        z_outside: those of them beyond the last of `Z_EDGES`.
        bal, no_bal, bal_unsure: quasars.
        covered: (bins,) spectra with a measurement in each bin of the grid.
        examples: a few spectra of each class.
    """

    bins: int
    spectra: int = 0
    z_secure: int = 0
    z_unsure: int = 0
    z_missing: int = 0
    z_outside: int = 0
    bal: int = 0
    no_bal: int = 0
    bal_unsure: int = 0
    z: NDArray[np.int64] = field(init=False)
    sn: NDArray[np.int64] = field(init=False)
    covered: NDArray[np.int64] = field(init=False)
    examples: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.z = np.zeros((len(CLASSES), len(Z_EDGES) - 1), np.int64)
        self.sn = np.zeros((len(CLASSES), len(SN_EDGES) - 1), np.int64)
        self.covered = np.zeros(self.bins, np.int64)

    def add(self, block: Block) -> None:
        """Count a block."""
        self.spectra += len(block)
        known = np.isfinite(block.z)
        distant = np.isin(block.label, (GALAXY, QSO, QSO_BAL))
        secure = block.z_conf == CONFIDENT
        self.z_secure += int((distant & known & secure).sum())
        self.z_unsure += int((distant & known & ~secure).sum())
        self.z_missing += int((distant & ~known).sum())
        self.z_outside += int((block.z[distant & known] >= Z_EDGES[-1]).sum())
        bal = block.bal[np.isin(block.label, (QSO, QSO_BAL))]
        self.bal += int((bal == BAL).sum())
        self.no_bal += int((bal == NOT_BAL).sum())
        self.bal_unsure += int((bal == BAL_UNSURE).sum())
        self.covered += (block.ivar > 0).sum(axis=0)
        kept = concatenate(self.examples).label if self.examples else np.empty(0, np.int8)
        for label in range(len(CLASSES)):
            rows = block.label == label
            self.z[label] += np.histogram(np.maximum(block.z[rows & known], 0), Z_EDGES)[0]
            self.sn[label] += np.histogram(np.clip(block.sn[rows], *SN_EDGES[[0, -1]]), SN_EDGES)[0]
            lacking = EXAMPLES - int((kept == label).sum())
            if lacking > 0 and rows.any():
                self.examples.append(block.take(np.flatnonzero(rows)[:lacking]))


def facts(contents: Manifest, tally: Tally) -> list[tuple[str, str]]:
    """Return the card's facts in words: (name, value)."""
    report, total = contents.report, max(1, tally.spectra)
    measured = tally.covered / total
    full = np.flatnonzero(measured > 0.99)
    edges = contents.grid.edges
    reach = (
        f"{edges[full[0]]:.0f} to {edges[full[-1] + 1]:.0f} Angstrom" if len(full) else "nowhere"
    )
    grid = contents.grid
    left_out = [(f"left out {why}", str(rows)) for why, rows in report.get("reasons", {}).items()]
    sources = [
        (f"source: {next(iter(source))}", ", ".join(f"{k} {v}" for k, v in source.items()))
        for source in contents.sources
    ]
    creator = contents.creator
    return [
        ("spectra", str(tally.spectra)),
        (
            "redshift secure, unsure, missing (no stars)",
            f"{tally.z_secure}, {tally.z_unsure}, {tally.z_missing}",
        ),
        (f"redshift beyond {Z_EDGES[-1]:g}", str(tally.z_outside)),
        ("quasars BAL, not BAL, unsure", f"{tally.bal}, {tally.no_bal}, {tally.bal_unsure}"),
        ("grid", f"{grid.size} bins of {grid.dloglam:g} in log10 from {grid.start:g} Angstrom"),
        ("native pixels", str(contents.native or "none")),
        ("measured in 99% of the spectra", reach),
        ("noiseless splits", ", ".join(contents.noiseless) or "none"),
        ("rows in, rows out", f"{report.get('rows_in', '?')}, {report.get('rows_out', '?')}"),
        *left_out,
        ("split", ", ".join(f"{k} {v}" for k, v in contents.split.items())),
        *sources,
        ("made by", " ".join(str(creator.get(k, "")) for k in ("program", "version", "command"))),
        ("with", ", ".join(f"{k} {v}" for k, v in creator.get("config", {}).items())),
        ("fingerprint", contents.fingerprint),
    ]


def counts_table(contents: Manifest) -> list[list[str]]:
    """Return classes by split, with sums; the first row is the heading."""
    names = list(dict.fromkeys(c for split in SPLITS for c in contents.counts[split]))
    numbers = {name: [contents.counts[split].get(name, 0) for split in SPLITS] for name in names}
    numbers["all"] = [sum(contents.counts[split].values()) for split in SPLITS]
    rows = [[name, *map(str, row), str(sum(row))] for name, row in numbers.items()]
    return [["class", *SPLITS, "all"], *rows]


def write_card(folder: Path, contents: Manifest, tally: Tally, damage: Iterable[str]) -> None:
    """Write card.html, card.png and card_examples.png into a folder.

    Raises:
        InputError: if they cannot be written.
    """
    draw(folder / FIGURE, tally, contents.grid)
    if tally.examples:
        contact_sheet(folder / SHEET, tally.examples, contents.grid)
    write_text(folder / CARD, page(contents, tally, list(damage)))


def page(contents: Manifest, tally: Tally, damage: list[str]) -> str:
    """Return the card as an HTML page, which shows the figures beside it."""
    heading, *rows = counts_table(contents)
    state = (
        "<p>Every block is intact.</p>"
        if not damage
        else f"<p class=damage>{len(damage)} damaged:</p>{_list(damage)}"
    )
    examples = f'<h2>Examples</h2><img src="{SHEET}" alt="examples of each class">'
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Dataset card</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse }} td, th {{ padding: .15em .8em; text-align: left }}
tr {{ border-bottom: 1px solid #ddd }} td {{ overflow-wrap: anywhere }} img {{ max-width: 100% }}
.counts td + td, .counts th + th {{ text-align: right }} .damage {{ color: #b00020 }}
</style>
<h1>Dataset card</h1>
{state}
<h2>Spectra</h2>
<table class=counts>{_row(heading, "th")}{"".join(_row(row) for row in rows)}</table>
<img src="{FIGURE}" alt="histograms of redshift and S/N, and coverage of the grid">
<h2>Facts</h2>
<table>{"".join(_row(row) for row in facts(contents, tally))}</table>
{examples if tally.examples else ""}
</html>
"""


def _row(cells: Iterable[Any], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(str(c))}</{tag}>" for c in cells) + "</tr>\n"


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(s)}</li>" for s in sentences) + "</ul>"


def draw(path: Path, tally: Tally, grid: LogGrid) -> None:
    """Draw redshifts, S/N and coverage as a PNG.

    Raises:
        InputError: if `path` cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    by_z, by_sn, by_bin = figure.subplots(1, 3)
    for label, name in enumerate(CLASSES):
        if tally.z[label].any():
            by_z.stairs(tally.z[label], Z_EDGES, label=name, color=CLASS_COLORS[name])
        if tally.sn[label].any():
            by_sn.stairs(tally.sn[label], SN_EDGES, label=name, color=CLASS_COLORS[name])
    by_z.set(xlabel="redshift", ylabel="spectra", yscale="symlog")
    by_sn.set(xlabel="median S/N per bin", ylabel="spectra", xscale="log")
    by_bin.stairs(tally.covered / max(1, tally.spectra), grid.edges, color="black")
    by_bin.set(xlabel="wavelength (Angstrom, vacuum)", ylabel="fraction measured", ylim=(0, 1.05))
    for axis in (by_z, by_sn):
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=100)
