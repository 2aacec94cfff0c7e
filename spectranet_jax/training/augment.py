"""New observations of the same noise-free spectra, drawn in every compiled step."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from spectranet_jax.spectra import observation
from spectranet_jax.spectra.spectrographs import Spectrographs

BRIGHTNESS_SCATTER = 0.6
"""Standard deviation of the brightness from draw to draw (natural log), so that every spectrum is
seen at every S/N.
"""


Augment = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
"""From a step's key, and the flux and ivar of a batch, to the flux and ivar to train on."""


class JaxDraws:
    """Random numbers from a JAX key, in the form that `spectra.observation` takes."""

    def __init__(self, key: jax.Array) -> None:
        self.key = key

    def _next(self) -> jax.Array:
        self.key, key = jax.random.split(self.key)
        return key

    def normal(self, *shape: int) -> jax.Array:
        """Standard normal, float32."""
        return jax.random.normal(self._next(), shape, jnp.float32)

    def uniform(self, *shape: int) -> jax.Array:
        """Uniform in [0, 1), float32."""
        return jax.random.uniform(self._next(), shape, jnp.float32)


def observe(
    key: jax.Array,
    flux: jax.Array,
    _ivar: jax.Array,
    spectrographs: Spectrographs,
    effects: tuple[str, ...] = observation.EFFECTS,
) -> tuple[jax.Array, jax.Array]:
    """Observe noise-free spectra once: flux and ivar, (batch, bins) float32.

    Args:
        key: of this batch's draws.
        flux: (batch, bins) float32, without noise, 1e-17 erg/s/cm^2/Angstrom.
        spectrographs: the instruments, one of which is drawn for each spectrum.
        effects: those of `observation.EFFECTS` to apply.
    """
    draws = JaxDraws(key)
    flux = flux * jnp.exp(BRIGHTNESS_SCATTER * draws.normal(len(flux), 1))
    which = spectrographs.choose(draws.uniform(len(flux)))
    return observation.observe(draws, flux, spectrographs, which, effects)


def as_stored(_key: jax.Array, flux: jax.Array, ivar: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return spectra that have noise already, unchanged."""
    return flux, ivar
