"""Sound files of every layout, and the permitted outcomes when something in them is changed."""

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
from astropy.io import fits
from hypothesis import HealthCheck, settings
from make_fits import (
    superset,
    table,
    write_catalog,
    write_coadd,
    write_quasarnet,
    write_spec,
    write_spplate,
    write_spspec,
)

from data_prep import truth as truths
from spectranet_jax.readers import quasarnet_file as quasarnet
from spectranet_jax.readers import read, rebin_all
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError

CASES = int(os.environ.get("FUZZ_CASES", "120"))
PIXELS = 60
MANY = settings(
    max_examples=CASES,
    derandomize="FUZZ_CASES" not in os.environ,
    deadline=timedelta(seconds=60),  # for the first of a kind, on a loaded machine
    database=None,
    suppress_health_check=list(HealthCheck),
)


KEYS = [(7000, 56000, fiber) for fiber in range(1, 6)]


def make_spec(path, rng):
    write_spec(path, flux=rng.normal(3, 1, PIXELS), pixels=PIXELS, thing_id=9, upper=True)


def make_plate(path, rng):
    flux, ivar = rng.normal(3, 1, (3, PIXELS)), rng.uniform(1, 2, (3, PIXELS))
    write_spplate(path, flux=flux, ivar=ivar)


def make_spspec(path, rng):
    flux, error = rng.normal(3, 1, PIXELS), rng.uniform(1, 2, PIXELS)
    write_spspec(path, flux=flux, error=error, mask=np.zeros(PIXELS))


def make_coadd(path, rng):
    write_coadd(path, [11, 12], rng, step=80, checksum=True)


def make_quasarnet(path, rng):
    write_quasarnet(path, rng.uniform(1, 2, (5, 886)), np.arange(5), KEYS)


def make_superset(path, _rng):
    write_catalog(path, KEYS, superset([1, 4, 3, 30, 0]))


def make_redrock(path, _rng):
    columns = {
        "TARGETID": np.int64([1, 2]),
        "Z": np.float64([0, 1]),
        "ZWARN": np.int64([0, 4]),
        "SPECTYPE": ["STAR", "QSO"],
    }
    fits.HDUList([fits.PrimaryHDU(), table(columns, "REDSHIFTS")]).writeto(path)


SPECTRA = [make_spec, make_plate, make_spspec, make_coadd]
OTHERS = [make_quasarnet, make_superset, make_redrock]


def numbers_of(make, path: Path):
    """Return all numbers that a file gives, after the checks that hold for every file."""
    if make in SPECTRA:
        spectra = read(path)
        assert spectra
        flux, ivar = rebin_all(spectra, grid=GRID)
        assert np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()
        assert not flux[ivar == 0].any()
        assert all(s.loglam.dtype == np.float64 for s in spectra)
        return flux, ivar
    if make is make_quasarnet:
        index = quasarnet.read_index(path)
        slices = [(flux, ivar) for _, flux, ivar in quasarnet.read_slices(path, 3)]
        flux, ivar = (np.concatenate(images) for images in zip(*slices, strict=True))
        assert len(index) == len(flux)
        assert np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()
        return flux, ivar
    truth = truths.read(path)
    assert ((truth.label >= -1) & (truth.label < 4)).all()
    assert ((truth.z_conf >= 0) & (truth.z_conf <= 3)).all()
    assert not (truth.z_conf[np.isnan(truth.z)]).any() and not np.isinf(truth.z).any()
    return truth.label, truth.z


def outcome(make, path: Path):
    """Numbers, or None after one sentence on what is wrong: nothing else may be raised."""
    try:
        return numbers_of(make, path)
    except InputError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
        return None
