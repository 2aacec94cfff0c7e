"""A folder of inputs to predict from, and the catalog of them that is predicted at once."""

from pathlib import Path

import numpy as np
import pytest
import toy_runs
import toy_survey
from make_fits import write_coadd, write_spec
from predicted import predict_files

from spectranet_jax.catalog import catalog_file, streaming
from spectranet_jax.catalog import pieces as pieces_module
from spectranet_jax.catalog.pieces import pieces
from spectranet_jax.inference import Model
from spectranet_jax.spectra import QUASARNET_GRID as GRID

FILES = 30


def write(folder: Path) -> Path:
    """Spec files, a DESI coadd among them, and one that is not FITS; a model; a dataset."""
    rng = np.random.default_rng(5)
    (folder / "in").mkdir()
    for fiber in range(1, FILES + 1):
        key = (7000, 56000, fiber)
        path = folder / "in" / f"spec-{fiber:04d}.fits"
        write_spec(path, key, flux=rng.normal(2, 1, 460), pixels=460)
    write_coadd(folder / "in" / "spec-0009-coadd.fits", range(100, 125), rng, step=8)
    (folder / "in" / "spec-0012-not.fits").write_text("no")
    toy_survey.write(folder / "data", 3000)
    toy_runs.untrained(folder / "run", seed=1)
    return folder


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set limits so low that few files are many, and chunks are small."""
    monkeypatch.setattr(streaming, "CHUNK", 7 * GRID.bytes_per_spectrum)
    monkeypatch.setattr(streaming, "SERIAL_FILES", 3)
    monkeypatch.setattr(pieces_module, "TOGETHER_PIECES", 3)


def plain(model: Model, out: Path) -> bytes:
    """The catalog of the folder, predicted at once."""
    catalog_file.write(predict_files([model], [piece.file for piece in pieces(["in"])]), out)
    return out.read_bytes()
