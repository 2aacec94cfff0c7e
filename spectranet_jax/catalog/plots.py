"""A picture of each spectrum with what the models say of it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.evaluation.spectrum_figure import spectrum_figure
from spectranet_jax.inference import Model
from spectranet_jax.inference.clean import clean
from spectranet_jax.inference.model import join
from spectranet_jax.progress import progress
from spectranet_jax.readers.file_reading import Reading
from spectranet_jax.spectra import CLASSES
from spectranet_jax.spectra.flags import Flag, median_sn
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.zsteps import ZSteps
from spectranet_jax.tasks import linenet

TOGETHER = 64
"""Pieces that are read and predicted at a time."""


def plot(models: Sequence[Model], several: Sequence[Piece], folder: Path) -> int:
    """Draw every spectrum: lines at its redshift, p(z), classes, and the evidence of each line.

    Args:
        models: as for the catalog.
        several: what the catalog was made of.
        folder: where a PNG file a spectrum goes, named by its number, its file and its name.

    Returns:
        how many were drawn.
    """
    count = 0
    grids = list(dict.fromkeys(model.grid for model in models))
    with progress("drawing", len(several)) as advance:
        for start in range(0, len(several), TOGETHER):
            part = several[start : start + TOGETHER]
            for name, arguments in _figures(models, read_pieces(part, grids)):
                count += 1
                spectrum_figure(path=folder / f"{count:06d}-{name}.png", **arguments)
            advance(len(part))
    return count


def _figures(models: Sequence[Model], reading: Reading) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and arguments of `spectrum_figure`, a spectrum."""
    cleaned = {grid: clean(*reading.pixels[grid], grid, reading.flags) for grid in reading.pixels}
    answers = [model.columns(*cleaned[model.grid][:2]) for model in models]
    grid = models[0].grid
    flux, ivar, bits = cleaned[grid]
    table = join(models, answers, median_sn(flux, ivar, grid), bits)
    p_of_z, edges = next(
        (
            (said["P_OF_Z"], ZSteps.of(model.grid).edges)
            for model, said in zip(models, answers, strict=True)
            if "P_OF_Z" in said
        ),
        (None, None),
    )
    lines = [name for name in REST if linenet.column(name) in table.colnames]
    for row, (file, name) in enumerate(zip(reading.file, reading.name, strict=True)):
        said = table[row]
        flags = [flag.name or "" for flag in Flag if said["FLAGS"] & flag.value]
        arguments = {
            "flux": reading.pixels[grid][0][row],
            "ivar": reading.pixels[grid][1][row],
            "grid": grid,
            "name": f"{file}  {name}",
            "note": ", ".join(flags),
            "kind": "" if np.ma.is_masked(said["CLASS"]) else str(said["CLASS"]),
            "probabilities": _probabilities(said),
            "z": _number(said["Z"]),
            "z_err": _number(said["Z_ERR"]),
            "p_3000": _number(said["P_3000"]),
        }
        if p_of_z is not None:
            arguments |= {
                "z_second": _number(said["Z2"]),
                "mass_second": _number(said["P_3000_Z2"]),
                "p": p_of_z[row],
                "edges": edges,
                "evidence": {line: _number(said[linenet.column(line)]) for line in lines},
            }
        stem = re.sub(r"[^\w.+-]+", "_", f"{Path(file).name.split('.')[0]}-{name}").strip("_-")
        yield stem[:120], arguments


def _probabilities(said: Table.Row) -> NDArray[np.float64] | None:
    values = [_number(said[f"P_{name}"]) for name in CLASSES]
    return np.array(values) if np.isfinite(values).all() else None


def _number(value: Any) -> float:
    """A cell of the catalog; NaN where it is masked."""
    return float("nan") if np.ma.is_masked(value) else float(value)
