"""Giants of types G and K that no training saw: the spectra of the survey's pipeline."""

import re

import numpy as np
import pytest
from astropy.io import fits
from observed import observed

from spectranet_jax.inference import load
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.grid import rebin
from spectranet_jax.spectra.instruments import INSTRUMENTS

pytestmark = pytest.mark.long

GIANT = re.compile(r"[GK]\d(III|II|I[ab]|I)")
PER_TEMPLATE = 60
"""Observations of each giant, at S/N of some 3 to 100."""


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_giants_held_out_of_training_are_stars(shared, name):
    """94% of them (goal: 98%), as each instrument sees them, and no other is without a warning.

    Their templates are those of idlspec2d alone.
    """
    path = shared / "templates" / "idlspec2d" / "spEigenStar-55734.fits"
    with fits.open(path) as hdus:
        header, flux = hdus[0].header, np.asarray(hdus[0].data, np.float64)
    loglam = header["COEFF0"] + header["COEFF1"] * np.arange(flux.shape[1])
    names = [header[f"NAME{i}"] for i in range(len(flux))]
    chosen = [i for i, text in enumerate(names) if GIANT.match(text)]
    assert len(chosen) >= 10
    light, _ = rebin(loglam, flux[chosen], np.ones_like(flux[chosen]), GRID)
    light /= np.median(light, axis=1, keepdims=True)
    rng = np.random.default_rng(3)
    light = np.repeat(light, PER_TEMPLATE, axis=0)
    light *= np.exp(rng.uniform(np.log(0.3), np.log(30), (len(light), 1)))
    table = load("linenet").predict(*observed(rng, light, name))
    star = np.asarray(table["CLASS"]) == "STAR"
    assert star.mean() >= 0.94
    assert (~star & (np.asarray(table["ZWARN"]) == 0)).mean() <= 0.001
