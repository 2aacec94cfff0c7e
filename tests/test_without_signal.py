"""Spectra from which nothing can be told: the shipped network must not be sure of any redshift."""

import numpy as np
import pytest
from observed import observed

from experiments.labeled_index import read_index, read_rows
from spectranet_jax import readers
from spectranet_jax.inference import load
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import observation
from spectranet_jax.spectra.instruments import INSTRUMENTS

pytestmark = pytest.mark.slow

SURE = 0.9


def sure(table):
    """Spectra whose redshift the network is sure of, bool (n,)."""
    return np.ma.filled(np.ma.asarray(table["P_3000"], float), 0) > SURE


@pytest.mark.long
def test_noise_alone_has_no_sure_redshift():
    """At most 0.1% of 10,000 spectra of noise, sky residuals and defects, of all instruments."""
    rng, many, trusted = np.random.default_rng(9), 0, 0
    for name in INSTRUMENTS:
        n = 10_000 // len(INSTRUMENTS) + 1
        dark = np.zeros((n, GRID.size))
        table = load("linenet").predict(*observed(rng, dark, name, observation.EFFECTS))
        many += int(sure(table).sum())
        trusted += int(((np.asarray(table["ZWARN"]) == 0) & (table["CLASS"] != "STAR")).sum())
    assert many <= 10 and trusted <= 2


def test_no_sky_fiber_is_sure(shared):
    labeled = read_index(shared)
    files = labeled.file[labeled.set == "sky-fibers"].tolist()
    assert len(files) == 9
    table = load("linenet").predict([readers.read(shared / file)[0] for file in files])
    assert not sure(table).any() and (np.asarray(table["ZWARN"]) != 0).all()


def test_no_desi_spectrum_without_signal_is_sure(shared):
    rows = read_rows(shared / "desi-labels.csv", ("file", "targetid", "label"))
    rows = [row for row in rows if row["label"] == "NONE"]
    assert len(rows) == 6
    spectra = [
        next(s for s in readers.read(shared / row["file"]) if row["targetid"] in s.name)
        for row in rows
    ]
    table = load("linenet").predict(spectra)
    assert not sure(table).any() and (np.asarray(table["ZWARN"]) != 0).all()
