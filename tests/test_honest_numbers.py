"""From a file's pixels to a network: no overflow, and everything without structure is flagged."""

from datetime import timedelta

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spectranet_jax.inference.clean import clean
from spectranet_jax.readers import rebinned
from spectranet_jax.spectra import LogGrid, normalize
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.spectrum import Spectrum

GRID = LogGrid(start=3600.0, dloglam=1e-3, size=12)
PIXELS = 60
LOGLAM = np.log10(3600) + 2e-4 * (np.arange(PIXELS) + 0.5)

ANY = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(width=32, allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, 2.0, 1e17, 1e19, 1e38, 3e38, 1e300, 1e-38, 1e-45, 1e-300, np.inf]),
)
PIXEL_VALUES = hnp.arrays(np.float64, PIXELS, elements=ANY, fill=ANY)


def network_input(flux: np.ndarray, ivar: np.ndarray):
    """Return a network's input for one spectrum, and its flags."""
    spectrum = Spectrum("s", LOGLAM, flux, ivar, "memory")
    ((_, bits, ((binned, weight),)),) = rebinned([spectrum], [GRID])
    assert np.isfinite(binned).all() and np.isfinite(weight).all() and (weight >= 0).all()
    assert not binned[weight == 0].any()
    cleaned = clean(binned, weight, GRID, bits)
    assert all(np.isfinite(part).all() for part in cleaned)
    return cleaned


@pytest.mark.slow
@settings(deadline=timedelta(seconds=5), max_examples=400)
@given(flux=PIXEL_VALUES, ivar=PIXEL_VALUES, single=st.booleans())
def test_nothing_overflows_from_file_to_network(flux, ivar, single):
    """NumPy's warnings are errors here."""
    dtype = np.float32 if single else np.float64
    with np.errstate(over="ignore"):  # of our own conversion
        flux, ivar = flux.astype(dtype), ivar.astype(dtype)
    near, weight, flags = network_input(flux, ivar)
    x = normalize(near, weight)
    assert x.dtype == np.float32 and np.isfinite(x).all()
    assert np.isfinite(np.asarray(jax.jit(normalize)(jnp.asarray(near), jnp.asarray(weight)))).all()
    if not x.any():  # a network cannot tell it from any other
        assert flags[0] & Flag.NO_DATA
    if not (np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()):
        assert flags[0] & Flag.BAD_PIXELS


@given(
    level=st.floats(-1e30, 1e30, allow_subnormal=False),
    weight=st.floats(1e-30, 1e30),
    ripple=st.floats(0, 1e-8),
)
def test_a_constant_is_flagged_whatever_its_level_and_rounding(level, weight, ripple):
    flux = level * (1 + ripple * np.sin(np.arange(PIXELS)))
    _, _, flags = network_input(flux, np.full(PIXELS, weight))
    assert flags[0] & Flag.NO_DATA


@pytest.mark.parametrize(
    ("flux", "ivar"),
    [
        (np.arange(PIXELS), np.zeros(PIXELS)),
        (np.full(PIXELS, np.inf), np.ones(PIXELS)),
        (np.full(PIXELS, -np.inf), np.ones(PIXELS)),
        (np.arange(PIXELS), np.full(PIXELS, np.inf)),
        (np.arange(PIXELS), -np.ones(PIXELS)),
        (np.full(PIXELS, np.nan), np.ones(PIXELS)),
        (np.full(PIXELS, 1e39), np.ones(PIXELS)),
        (np.zeros(PIXELS), np.ones(PIXELS)),
    ],
)
def test_what_holds_no_data_is_flagged_so(flux: np.ndarray, ivar: np.ndarray):
    near, weight, flags = network_input(flux.astype(float), ivar)
    assert flags[0] & Flag.NO_DATA
    assert not normalize(near, weight).any()


def test_one_pixel_of_an_absurd_ivar_does_not_pass_for_a_spectrum():
    """Its bin is the weighted mean, and all others have no weight: a network sees zeros."""
    ivar = np.ones(PIXELS)
    ivar[7] = 1e32
    near, weight, flags = network_input(np.random.default_rng(1).normal(5, 1, PIXELS), ivar)
    assert normalize(near, weight).any() or flags[0] & Flag.NO_DATA
