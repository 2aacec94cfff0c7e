"""A new observation of the same noise-free spectra in every step, drawn in the compiled step."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from spectranet_jax.spectra import instrument
from spectranet_jax.spectra.grid import LogGrid

BRIGHTNESS_SCATTER = 0.6
"""Standard deviation of the brightness from draw to draw (natural log): every spectrum is seen at
every S/N."""


Augment = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
"""A step's key, and the flux and ivar of a batch -> the flux and ivar to train on."""


class JaxDraws:
    """A JAX key as the source of random numbers that `spectra.instrument` takes."""

    def __init__(self, key: jax.Array) -> None:
        self.key = key

    def _next(self) -> jax.Array:
        self.key, key = jax.random.split(self.key)
        return key

    def normal(self, *shape: int) -> jax.Array:
        """Standard normal, float32."""
        return jax.random.normal(self._next(), shape, jnp.float32)

    def uniform(self, *shape: int) -> jax.Array:
        """Even in [0, 1), float32."""
        return jax.random.uniform(self._next(), shape, jnp.float32)


def observe(
    key: jax.Array,
    flux: jax.Array,
    _ivar: jax.Array,
    grid: LogGrid,
    effects: tuple[str, ...] = instrument.EFFECTS,
) -> tuple[jax.Array, jax.Array]:
    """Flux and ivar, (batch, bins) float32, of one observation of noise-free spectra.

    Args:
        key: of this batch's draws.
        flux: (batch, bins) float32, without noise, 1e-17 erg/s/cm^2/Angstrom.
        grid: the bins.
        effects: those of `instrument.EFFECTS` to apply.
    """
    draws = JaxDraws(key)
    flux = flux * jnp.exp(BRIGHTNESS_SCATTER * draws.normal(len(flux), 1))
    return instrument.observe(draws, flux, grid, effects)


def as_stored(_key: jax.Array, flux: jax.Array, ivar: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Spectra that carry their noise already, as they are."""
    return flux, ivar
