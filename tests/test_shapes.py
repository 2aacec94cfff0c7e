"""Shapes in signatures are checked wherever tests run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from spectranet_jax import networks, tasks
from spectranet_jax.evaluation.posterior import decode
from spectranet_jax.spectra.grid import QUASARNET_GRID as GRID
from spectranet_jax.spectra.normalize import normalize

FLUX = np.ones((2, GRID.size), np.float32)


def test_flux_and_ivar_have_the_same_bins():
    with pytest.raises(TypeCheckError, match="ivar"):
        normalize(FLUX, FLUX[:, :-1])


def test_redshifts_are_decoded_of_posteriors_in_rows():
    steps = np.linspace(0, 0.8, 21)
    with pytest.raises(TypeCheckError, match="p"):
        decode(np.ones(20), steps)


@pytest.mark.parametrize("name", ["SpectraNetClassifier", "SpectraNetRegressor", "LineNet"])
def test_a_network_takes_spectra_in_rows(name: str):
    network = networks.build(name, GRID)
    single = FLUX[0]
    with pytest.raises(TypeCheckError, match="flux"):
        network.init(jax.random.key(0), *([single, single] if name == "LineNet" else [single]))


def test_a_loss_takes_an_output_a_spectrum():
    with pytest.raises(TypeCheckError, match="output"):
        tasks.build("classify", GRID).loss(jnp.zeros(4), {"label": jnp.zeros(4, jnp.int32)})
