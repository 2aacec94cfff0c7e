"""Prediction of the spectra in files, in memory and at once."""

from collections.abc import Sequence

from astropy.table import Table

from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.catalog.reading import known, none_readable, read_pieces, warn
from spectranet_jax.inference import Model
from spectranet_jax.inference.model import predict_each
from spectranet_jax.spectra import InputError


def predict_files(models: Sequence[Model], files: Sequence[str]) -> Table:
    """Return one row per spectrum, in order; a file that cannot be read gives a flagged row."""
    grids = list(dict.fromkeys(model.grid for model in models))
    reading = read_pieces([Piece(file) for file in files], grids) if files else None
    if reading is None or len(reading.errors) == len(files):
        raise InputError(none_readable(reading.errors if reading else [], len(files)))
    warn(reading.errors, len(reading.errors))
    return predict_each(models, reading.pixels, known(reading), reading.flags)
