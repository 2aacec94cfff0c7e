"""LineNet: the class of a spectrum, and its redshift as a shift of lines.

On a logarithmic grid of wavelengths a redshift is a shift. A trunk of dilated convolutions without
stride turns flux and weight into one map of evidence per rest-frame line; each map is shifted by
the logarithm of its line's rest wavelength, and their sum is log p(z), up to a constant. So the
network is shift-equivariant by construction: a spectrum shifted by k bins shifts p(z) by k bins.
"""

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import initializers
from jaxtyping import Array, Float, Int

from spectranet_jax.networks.layers import Spectra
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.zsteps import REACH, STEPS_PER_BIN, ZSteps

LINES = ("Lyman limit", "Lyb", "OVI", "Lya", "NV", "OI 1304", "SiIV", "CIV", "HeII 1640", "AlIII",
         "CIII]", "MgII", "[NeV]", "[OII]", "[NeIII]", "CaII K", "Hdelta", "G band", "Hgamma",
         "Hbeta", "[OIII]", "Mgb", "NaD", "Halpha")  # fmt: skip
"""Lines with a map of evidence: emission of quasars and of galaxies, and absorption of galaxies."""

BAL_LINES = ("OVI", "Lya", "NV", "SiIV", "CIV", "AlIII", "MgII")
"""Lines blueward of which broad absorption is searched for."""

REGION, COARSE = 10_350.0, 3_450.0
"""Lengths, km/s: of the regions seen by the dense layers, and of the steps of the correction."""


class Output(NamedTuple):
    """What LineNet predicts for each spectrum.

    Attributes:
        class_logits: (batch, 3), unnormalized log-probabilities of star, galaxy, quasar.
        bal_logit: (batch,), log-odds of broad absorption if it is a quasar.
        z_logits: (batch, zsteps), unnormalized log p(z) in the steps of `ZSteps`, if it is no star.
        evidence: (batch, lines), each line's contribution to z_logits at `peak`.
    """

    class_logits: Array
    bal_logit: Array
    z_logits: Array
    evidence: Array


class LineNet(nn.Module):
    """LineNet.

    Attributes:
        grid: the bins of the spectra.
        features: channels of the trunk.
        width: of its convolutions, bins.
        dilations: of its residual blocks, bins between a convolution's points.
        hidden: features of the dense layer under the class.
        correction: add a small dense part to log p(z), which knows where on the detector a line
            stands but spoils the equivariance.
        dropout: fraction of the dense features dropped in training.
        lines: whose evidence is summed, names of `spectra.lines.REST`.
        reach: log10(1 + z) of the first and the last edge of p(z).
    """

    grid: LogGrid
    features: int = 48
    width: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 1, 2)
    hidden: int = 128
    correction: bool = True
    dropout: float = 0.1
    lines: tuple[str, ...] = LINES
    reach: tuple[float, float] = REACH

    @nn.compact
    def __call__(
        self,
        flux: Spectra,
        weight: Spectra,
        train: bool = False,
        at: Int[Array, " batch"] | None = None,
    ) -> Output:
        """Predict from spectra as `tasks.linenet_task` prepares them.

        Args:
            flux: (batch, bins), normalized, 0 where there is no measurement.
            weight: (batch, bins), 1/sigma in units of the normalized flux, 0 likewise.
            train: drop features at random, with the random stream "dropout".
            at: (batch,), the step of p(z) at which the evidence is read; `peak` by default.
        """
        steps = ZSteps.of(self.grid, self.reach)
        covered = coverage(weight)[..., None]
        x = trunk(self, flux, weight, covered)  # (batch, bins, features)

        features = STEPS_PER_BIN * len(self.lines)
        maps = nn.Dense(features, kernel_init=initializers.zeros)(x) * covered
        by_line = shifted(subbins(maps, len(self.lines)), self.lines, self.grid, steps)
        z_logits = jnp.sum(jnp.stack(by_line), axis=0)  # (batch, zsteps)

        dense = nn.relu(nn.Dense(self.hidden)(regions(nn.relu(x), self.grid.bins(REGION))))
        dense = nn.Dropout(self.dropout, deterministic=not train)(dense)
        if self.correction:
            each = round(COARSE / steps.kms)
            coarse = nn.Dense(-(-steps.size // each), kernel_init=initializers.zeros)(dense)
            z_logits = z_logits + jnp.repeat(coarse, each, axis=-1)[:, : steps.size]
        class_logits = nn.Dense(3)(dense)

        p = lax.stop_gradient(jax.nn.softmax(z_logits))  # (batch, zsteps)
        features = STEPS_PER_BIN * len(BAL_LINES)
        troughs = nn.Dense(features, kernel_init=initializers.zeros)(x) * covered
        bal = sum(shifted(subbins(troughs, len(BAL_LINES)), BAL_LINES, self.grid, steps))
        bal_logit = (p * bal).sum(-1) + nn.Dense(1)(dense)[:, 0]

        best = peak(z_logits, steps.window) if at is None else at
        evidence = jnp.stack(
            [jnp.take_along_axis(line, best[:, None], 1)[:, 0] for line in by_line], -1
        )
        return Output(class_logits, bal_logit, z_logits, evidence)


def trunk(
    net: LineNet,
    flux: Spectra,
    weight: Spectra,
    covered: Float[Array, "batch bins 1"],
) -> Float[Array, "batch bins features"]:
    """Apply residual blocks of dilated convolutions, (batch, bins, features).

    Outside of the covered range every layer is 0, as is the padding beyond the grid: so a spectrum
    that ends early looks the same to the network as one that ends with the grid.
    """
    x = jnp.stack([flux, jnp.arcsinh(flux * weight), jnp.arcsinh(weight), covered[..., 0]], axis=-1)
    x = nn.Conv(net.features, (7,))(x) * covered
    for dilation in net.dilations:
        y = nn.Conv(net.features, (net.width,), kernel_dilation=(dilation,))(nn.relu(x))
        x = x + 0.5 * (y * covered)  # x stays 0 where y is masked
    return x


def regions(
    x: Float[Array, "batch bins features"], width: int
) -> Float[Array, "batch regions_features"]:
    """Return means over regions of `width` bins, which depend on the place on the detector.

    (batch, bins, features) -> (batch, regions * features); bins after the last whole region are
    ignored.
    """
    batch, bins, features = x.shape
    count = bins // width
    whole = x[:, : count * width].reshape(batch, count, width, features)
    return whole.mean(axis=2).reshape(batch, -1)


def peak(z_logits: Float[Array, "batch zsteps"], window: int) -> Int[Array, " batch"]:
    """Return the most probable step within the window that holds most of p(z), (batch,).

    Args:
        z_logits: (batch, zsteps).
        window: steps on either side of a redshift.
    """
    p = jax.nn.softmax(z_logits)
    mass = lax.reduce_window(p, 0.0, lax.add, (1, 2 * window + 1), (1, 1), "SAME")
    distance = jnp.abs(jnp.arange(p.shape[-1])[None] - mass.argmax(axis=-1)[:, None])
    return jnp.where(distance <= window, p, 0).argmax(axis=-1)


def coverage(weight: Spectra) -> Spectra:
    """Return 1 from the first to the last bin with a measurement, else 0, (batch, bins)."""
    measured = weight > 0
    before = lax.cummax(measured.astype(jnp.int32), axis=1)
    after = lax.cummax(measured.astype(jnp.int32), axis=1, reverse=True)
    return (before * after).astype(weight.dtype)


def subbins(
    maps: Float[Array, "batch bins subbins_lines"], lines: int
) -> Float[Array, "batch lines subbins"]:
    """Reshape (batch, bins, steps per bin * lines) to (batch, lines, zsteps)."""
    batch, bins, _ = maps.shape
    return maps.reshape(batch, bins * STEPS_PER_BIN, lines).swapaxes(1, 2)


def shifted(
    maps: Float[Array, "batch lines subbins"], lines: Sequence[str], grid: LogGrid, steps: ZSteps
) -> list[Float[Array, "batch zsteps"]]:
    """Return each line's map as a function of redshift instead of wavelength, (batch, zsteps) each.

    A line at redshift z stands log10(rest (1 + z) / start) / step fine bins from the start of the
    grid; between the centers of two bins the map is interpolated.
    """
    # Position of z = 0, counted from the center of the first fine bin.
    first = np.log10([REST[line] / grid.start for line in lines]) / steps.width
    whole = np.floor(first).astype(int)
    part = jnp.asarray((first - whole)[None, :, None], maps.dtype)
    padded = jnp.pad(maps, ((0, 0), (0, 0), (1, 1)))
    between = (1 - part) * padded[..., :-1] + part * padded[..., 1:]  # between k - 1 and k
    # Split rather than indexed, so that the gradient is one concatenation.
    rows = lax.split(between, [1] * len(lines), axis=1)
    starts = whole + 1 + steps.first
    return [_cut(row[:, 0], int(k), steps.size) for row, k in zip(rows, starts, strict=True)]


def _cut(row: Float[Array, "batch subbins"], start: int, size: int) -> Float[Array, "batch zsteps"]:
    """Return `size` values of (batch, n) from index `start` on, 0 beyond either end."""
    n = row.shape[1]
    first, stop = max(start, 0), min(start + size, n)
    if stop <= first:
        return jnp.zeros((len(row), size), row.dtype)
    return jnp.pad(row[:, first:stop], ((0, 0), (first - start, start + size - stop)))
