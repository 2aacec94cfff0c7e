"""LineNet: what class a spectrum is of, and its redshift as a shift of lines.

On a logarithmic grid of wavelengths a redshift is a shift. A trunk of dilated convolutions without
stride turns flux and weight into one map of evidence a rest-frame line; each map is shifted by the
logarithm of its line's rest wavelength, and their sum is log p(z), up to a constant. So what is
learned at one redshift holds at every other: a spectrum shifted by k bins shifts p(z) by k bins.
"""

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import initializers

from spectranet_jax.spectra.grid import BOSS_GRID
from spectranet_jax.spectra.lines import REST

Array = jax.Array

LINES = ("Lyman limit", "Lyb", "OVI", "Lya", "NV", "OI 1304", "SiIV", "CIV", "HeII 1640", "AlIII",
         "CIII]", "MgII", "[NeV]", "[OII]", "[NeIII]", "CaII K", "Hdelta", "G band", "Hgamma",
         "Hbeta", "[OIII]", "Mgb", "NaD", "Halpha")  # fmt: skip
"""Each with a map of evidence: emission of quasars and of galaxies, and absorption of galaxies."""

BAL_LINES = ("OVI", "Lya", "NV", "SiIV", "CIV", "AlIII", "MgII")
"""Blueward of which broad absorption is sought."""

SUBBINS = 2
"""Steps of log10(1+z) a bin of wavelength."""

Z_STEPS = 1640
"""From z = 0 to 5.6, in steps of 5e-4 of log10(1+z)."""

Z_STEP = BOSS_GRID.dloglam / SUBBINS
"""345 km/s."""


HALF_WINDOW = 9
"""Steps either side that make the window of a redshift: 3000 km/s are 8.7."""


class Output(NamedTuple):
    """What LineNet says of each spectrum.

    Attributes:
        class_logits: (batch, 3), unnormalized log-probabilities of star, galaxy, quasar.
        bal_logit: (batch,), log-odds of broad absorption if it is a quasar.
        z_logits: (batch, `Z_STEPS`), unnormalized log p(z) if it is no star.
        evidence: (batch, lines), each line's part in z_logits at `peak`.
    """

    class_logits: Array
    bal_logit: Array
    z_logits: Array
    evidence: Array


class LineNet(nn.Module):
    """The network.

    Attributes:
        features: channels of the trunk.
        width: of its convolutions, bins.
        dilations: of its residual blocks, bins between a convolution's points.
        hidden: features of the dense layer under the class.
        correction: add a small dense part to log p(z), which knows where on the detector a line
            stands but spoils the equivariance.
        dropout: share of the dense features dropped in training.
        lines: whose evidence is summed, names of `spectra.lines.REST`.
    """

    features: int = 48
    width: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 1, 2)
    hidden: int = 128
    correction: bool = True
    dropout: float = 0.1
    lines: tuple[str, ...] = LINES

    @nn.compact
    def __call__(
        self, flux: Array, weight: Array, train: bool = False, at: Array | None = None
    ) -> Output:
        """Spectra as `tasks.linenet` prepares them.

        Args:
            flux: (batch, 443), normalized, 0 where there is no measurement.
            weight: (batch, 443), 1/sigma in units of the normalized flux, 0 likewise.
            train: drop features at random, with the random stream "dropout".
            at: (batch,), the step of p(z) at which the evidence is read; `peak` by default.
        """
        covered = coverage(weight)[..., None]
        x = trunk(self, flux, weight, covered)  # (batch, 443, features)

        maps = nn.Dense(SUBBINS * len(self.lines), kernel_init=initializers.zeros)(x) * covered
        by_line = shifted(subbins(maps, len(self.lines)), self.lines)
        z_logits = jnp.sum(jnp.stack(by_line), axis=0)  # (batch, Z_STEPS)

        # Regions of 15 bins, that know where on the detector they are.
        regions = nn.relu(x)[:, :435].reshape(len(x), 29, 15, -1).mean(axis=2).reshape(len(x), -1)
        dense = nn.relu(nn.Dense(self.hidden)(regions))
        dense = nn.Dropout(self.dropout, deterministic=not train)(dense)
        if self.correction:
            coarse = nn.Dense(Z_STEPS // 10, kernel_init=initializers.zeros)(dense)
            z_logits = z_logits + jnp.repeat(coarse, 10, axis=-1)
        class_logits = nn.Dense(3)(dense)

        p = lax.stop_gradient(jax.nn.softmax(z_logits))  # (batch, Z_STEPS)
        troughs = nn.Dense(SUBBINS * len(BAL_LINES), kernel_init=initializers.zeros)(x) * covered
        bal = sum(shifted(subbins(troughs, len(BAL_LINES)), BAL_LINES))
        bal_logit = (p * bal).sum(-1) + nn.Dense(1)(dense)[:, 0]

        best = peak(z_logits) if at is None else at
        evidence = jnp.stack(
            [jnp.take_along_axis(one, best[:, None], 1)[:, 0] for one in by_line], -1
        )
        return Output(class_logits, bal_logit, z_logits, evidence)


def trunk(net: LineNet, flux: Array, weight: Array, covered: Array) -> Array:
    """Residual blocks of dilated convolutions, (batch, 443, features).

    Outside of the covered range every layer is 0, as the padding beyond the grid is: so a spectrum
    that ends early is no other than one that ends with the grid.
    """
    x = jnp.stack([flux, jnp.arcsinh(flux * weight), jnp.arcsinh(weight), covered[..., 0]], axis=-1)
    x = nn.Conv(net.features, (7,))(x) * covered
    for dilation in net.dilations:
        y = nn.Conv(net.features, (net.width,), kernel_dilation=(dilation,))(nn.relu(x))
        x = x + 0.5 * (y * covered)  # x is 0 where y is masked: and so it stays
    return x


def peak(z_logits: Array) -> Array:
    """The likeliest step within the window of +-3000 km/s that holds most of p(z), (batch,)."""
    p = jax.nn.softmax(z_logits)
    mass = lax.reduce_window(p, 0.0, lax.add, (1, 2 * HALF_WINDOW + 1), (1, 1), "SAME")
    distance = jnp.abs(jnp.arange(Z_STEPS)[None] - mass.argmax(axis=-1)[:, None])
    return jnp.where(distance <= HALF_WINDOW, p, 0).argmax(axis=-1)


def coverage(weight: Array) -> Array:
    """1 from the first to the last bin with a measurement, else 0, (batch, bins)."""
    measured = weight > 0
    before = lax.cummax(measured.astype(jnp.int32), axis=1)
    after = lax.cummax(measured.astype(jnp.int32), axis=1, reverse=True)
    return (before * after).astype(weight.dtype)


def subbins(maps: Array, lines: int) -> Array:
    """(batch, bins, SUBBINS * lines) -> (batch, lines, bins * SUBBINS), finer along wavelength."""
    batch, bins, _ = maps.shape
    fine = maps.reshape(batch, bins, SUBBINS, lines).reshape(batch, bins * SUBBINS, lines)
    return fine.swapaxes(1, 2)


def shifted(maps: Array, lines: Sequence[str]) -> list[Array]:
    """Each line's map against redshift instead of wavelength, (batch, Z_STEPS) each.

    A line at redshift z stands log10(rest (1 + z) / start) / step fine bins from the start of the
    grid; between the centers of two bins the map is interpolated.
    """
    # Position of the first redshift, counted from the center of the first fine bin.
    first = np.log10([REST[line] / BOSS_GRID.start for line in lines]) / Z_STEP
    whole = np.floor(first).astype(int)
    part = jnp.asarray((first - whole)[None, :, None], maps.dtype)
    padded = jnp.pad(maps, ((0, 0), (0, 0), (1, 1)))
    between = (1 - part) * padded[..., :-1] + part * padded[..., 1:]  # between k - 1 and k
    # Split rather than indexed: the gradient is then one concatenation.
    rows = lax.split(between, [1] * len(lines), axis=1)
    return [_window(row[:, 0], int(k) + 1) for row, k in zip(rows, whole, strict=True)]


def _window(row: Array, start: int) -> Array:
    """`Z_STEPS` values of (batch, n) from index `start` on, 0 beyond either end."""
    n = row.shape[1]
    first, stop = max(start, 0), min(start + Z_STEPS, n)
    if stop <= first:
        return jnp.zeros((len(row), Z_STEPS), row.dtype)
    return jnp.pad(row[:, first:stop], ((0, 0), (first - start, start + Z_STEPS - stop)))
