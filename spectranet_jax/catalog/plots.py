"""Figures of spectra with the models' answers."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.catalog.pieces import Piece, together
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.evaluation.redshift_scores import dv
from spectranet_jax.evaluation.spectrum_figure import Answer, NativePixels, spectrum_figure
from spectranet_jax.inference import Model
from spectranet_jax.inference.clean import clean
from spectranet_jax.inference.joined import join
from spectranet_jax.inference.model import answered
from spectranet_jax.inference.refinement import NONE, Refinement, shipped
from spectranet_jax.inference.template import of_row
from spectranet_jax.progress import progress
from spectranet_jax.readers import rebin_all
from spectranet_jax.readers.file_reading import Reading
from spectranet_jax.readers.groups import sizes_and_times
from spectranet_jax.spectra import CLASSES, InputError, LogGrid
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.native import NATIVE_GRID, native_pixels
from spectranet_jax.spectra.spectrum import Spectrum
from spectranet_jax.tasks import build
from spectranet_jax.tasks.task import PosteriorColumns

Floats = NDArray[np.floating]

WAVELENGTH = NATIVE_GRID.centers


def plot(
    models: Sequence[Model], inputs: Sequence[Piece], folder: Path, refinement: Refinement = NONE
) -> int:
    """Draw every spectrum: lines at its redshift, p(z), classes, and the evidence of each line.

    Args:
        models: as for the catalog.
        inputs: what the catalog was made of.
        folder: where one PNG file per spectrum goes, named by its number, its file and its name.
        refinement: what refines redshifts, as for the catalog.

    Returns:
        how many were drawn.
    """
    count = 0
    grids = list(dict.fromkeys(model.grid for model in models))
    with progress("drawing", len(inputs)) as advance:
        for chunk in together(inputs, sizes_and_times([piece.file for piece in inputs])[:, 0]):
            for name, pixels, answer in _figures(
                models, read_pieces(chunk, grids, native_pixels=True), refinement
            ):
                count += 1
                path = folder / file_name(count, *name)
                spectrum_figure(*pixels, path, models[0].grid, answer)
            advance(len(chunk))
    return count


def _figures(
    models: Sequence[Model], reading: Reading, refinement: Refinement
) -> Iterator[tuple[tuple[str, str], tuple[Floats, Floats], Answer]]:
    """Yield file and name of each spectrum, flux and ivar, and what is shown beside them."""
    cleaned = {grid: clean(*reading.pixels[grid], grid, reading.flags) for grid in reading.pixels}
    answers, _ = answered(models, cleaned, reading.native, refinement)
    grid = models[0].grid
    table = join(models, answers, cleaned[grid], {})
    for number, (file, name) in enumerate(zip(reading.file, reading.name, strict=True)):
        row = table[number]
        flux, ivar = (pixels[number] for pixels in reading.pixels[grid])
        shown = answer_of(row, f"{file}  {name}")
        if reading.native is not None:
            native = reading.native.flux[number], reading.native.ivar[number]
            shown = with_native(shown, row, *native, refinement)
        for model, answer in zip(models, answers, strict=True):
            if model.task.posterior is not None:
                shown = _with_posterior(shown, model.task.posterior, row, answer, number)
        yield (file, name), (flux, ivar), shown


def file_name(number: int, file: str, name: str) -> str:
    """A figure's file name, of letters, digits and -_.+ alone, whatever the spectrum's name."""
    named = f"{Path(file).name.split('.')[0]}-{name}"
    stem = re.sub(r"[^\w.+-]+", "_", named, flags=re.ASCII).strip("_-")
    return f"{number:06d}-{stem[:120]}.png"


def answer_of(row: Table.Row, name: str) -> Answer:
    """Return what any row of a catalog tells of its spectrum."""
    return Answer(
        name=name,
        note=", ".join(_flags(row)),
        kind="" if np.ma.is_masked(row["CLASS"]) else str(row["CLASS"]),
        probabilities=_probabilities(row),
        z=_number(row["Z"]),
        z_err=_number(row["Z_ERR"]),
        p_3000=_number(row["P_3000"]),
    )


def with_native(
    answer: Answer, row: Table.Row, flux: Floats, ivar: Floats, refinement: Refinement
) -> Answer:
    """Return the answer with native pixels, and the refinement's dv as note."""
    fitted = of_row(row, flux, ivar, refinement.bases)
    native = NativePixels(WAVELENGTH, np.where(ivar > 0, flux, np.nan), fitted)
    if fitted is None:
        return replace(answer, native=native)
    moved = float(dv(row["Z"], row["Z_NET"]))
    note = ", ".join([f"refined by {moved:+.0f} km/s", *_flags(row)])
    return replace(answer, native=native, note=note)


def plot_spectrum(spectrum: Spectrum, row: Table.Row, path: str | Path = "spectrum.png") -> Path:
    """Draw a spectrum with its row of a catalog, as `spectranet predict --plots` does.

    p(z) is not in a catalog, and so not in the figure: see `Model.posterior`.

    Args:
        spectrum: as `readers.read` gives it.
        row: of a catalog, as `predict` returns it, or as it is read from its file.
        path: PNG file to write.

    Returns:
        the path, which a notebook shows with IPython.display.Image.

    Raises:
        InputError: if the row's catalog does not tell its model.
    """
    try:
        config = json.loads(row.meta["CONFIG1"])
    except (KeyError, ValueError) as error:
        raise InputError("the row is of a table without CONFIG1; give one of a catalog") from error
    grid = LogGrid(**config["grid"])
    declared = build(grid=grid, **config["task"]).posterior
    flux, ivar = (pixels[0] for pixels in rebin_all([spectrum], grid))
    answer = answer_of(row, f"{spectrum.source}  {spectrum.name}".strip())
    native = native_pixels([spectrum])
    answer = with_native(answer, row, native[0][0], native[1][0], shipped())
    if declared is not None:
        evidence = {line: _number(row[name]) for line, name in declared.evidence.items()}
        answer = replace(answer, evidence=evidence, z_second=_number(row[declared.z_second]))
    return spectrum_figure(flux, ivar, Path(path), grid, answer)


def _with_posterior(
    answer: Answer, declared: PosteriorColumns, row: Table.Row, columns: Columns, number: int
) -> Answer:
    """Return the answer with p(z), from a row of the catalog and its index in decoded columns."""
    return replace(
        answer,
        z_second=_number(row[declared.z_second]),
        mass_second=_number(row[declared.mass_second]),
        p=columns[declared.p][number],
        edges=declared.edges,
        evidence={line: _number(row[name]) for line, name in declared.evidence.items()},
    )


def _flags(row: Table.Row) -> list[str]:
    return [flag.name or "" for flag in Flag if row["FLAGS"] & flag.value]


def _probabilities(row: Table.Row) -> NDArray[np.float64] | None:
    values = [_number(row[f"P_{name}"]) for name in CLASSES]
    return np.array(values) if np.isfinite(values).all() else None


def _number(value: Any) -> float:
    """Return a cell of the catalog; NaN where it is masked."""
    return float("nan") if np.ma.is_masked(value) else float(value)
