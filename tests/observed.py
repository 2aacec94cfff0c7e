"""Light as an instrument observes it, for tests of what a network makes of it."""

import numpy as np

from data_prep.mock.draws import NumpyDraws
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import observation
from spectranet_jax.spectra.spectrographs import Spectrographs


def observed(
    rng: np.random.Generator,
    light: np.ndarray,
    instrument: str,
    effects: tuple[str, ...] = observation.SCORED,
) -> tuple[np.ndarray, np.ndarray]:
    """Return flux and ivar, (n, bins) each, of noise-free light (n, bins) by one instrument."""
    spectrographs = Spectrographs.of((instrument,), GRID)
    which = np.zeros(len(light), int)
    return observation.observe(
        NumpyDraws(rng), light.astype(np.float32), spectrographs, which, effects
    )
