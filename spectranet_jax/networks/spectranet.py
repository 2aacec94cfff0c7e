"""The two networks of the report ("Reporte 10"): Table 1, classification; Table 3, redshift.

Pool stride is 1 in both: with the 2 printed in Table 1, 443 pixels are too few for four blocks,
while 1 gives the 1800 inputs of its first linear layer and the 4608 of Table 3's.
"""

import flax.linen as nn
from jax.nn import initializers
from jaxtyping import Array, Float

from spectranet_jax.networks.layers import ConvPool, Spectra
from spectranet_jax.spectra.grid import LogGrid


def _blocks(flux: Spectra, channels: tuple[int, ...]) -> Float[Array, "batch features"]:
    """Apply a block per channel count, then flatten the features: the start of both networks."""
    x = flux[..., None]  # (batch, bins, 1)
    for features in channels:
        x = ConvPool(features)(x)  # (batch, 216 | 103 | 46 | 18, features)
    return x.reshape(len(x), -1)  # (batch, 18 * features)


def _batch_norm(x: Float[Array, "batch features"], train: bool) -> Float[Array, "batch features"]:
    """Apply PyTorch's BatchNorm1d: its momentum 0.1 is Flax's 0.9.

    The variance takes two passes: the fast one can return 0 for values far from 0.
    """
    return nn.BatchNorm(
        use_running_average=not train, momentum=0.9, epsilon=1e-5, use_fast_variance=False
    )(x)


def _hidden(x: Float[Array, "batch inputs"], features: int) -> Float[Array, "batch features"]:
    return nn.relu(nn.Dense(features, kernel_init=initializers.he_normal())(x))


class SpectraNetClassifier(nn.Module):
    """Table 1: normalized flux to log-probabilities of the classes; 330,316 parameters.

    Attributes:
        grid: the bins of the spectra.
        channels: of the four convolutions.
        dropout: fraction of activations dropped, before each of the two linear layers.
        classes: number of classes.
        batch_norm: whether the first linear layer is followed by a BatchNorm, as in Table 1.
    """

    grid: LogGrid
    channels: tuple[int, ...] = (100, 100, 100, 100)
    dropout: float = 0.1
    classes: int = 4
    batch_norm: bool = True

    @nn.compact
    def __call__(self, flux: Spectra, train: bool = False) -> Float[Array, "batch classes"]:
        """Predict log-probabilities of the classes.

        Args:
            flux: (batch, bins) float32, normalized.
            train: drop activations (rng stream "dropout") and use the batch's own statistics.
        """
        x = _blocks(flux, self.channels)  # (batch, 1800)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = _hidden(x, 16)  # (batch, 16)
        x = _batch_norm(x, train) if self.batch_norm else x
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = nn.Dense(self.classes, kernel_init=initializers.glorot_uniform())(x)  # (batch, 4)
        return nn.log_softmax(x)


class SpectraNetRegressor(nn.Module):
    """Table 3: normalized flux to one number, the standardized redshift; 1,658,593 parameters.

    Attributes:
        grid: the bins of the spectra.
        channels: of the four convolutions.
        dropout: fraction of activations dropped, before the first and the last linear layer.
    """

    grid: LogGrid
    channels: tuple[int, ...] = (64, 128, 256, 256)
    dropout: float = 0.5

    @nn.compact
    def __call__(self, flux: Spectra, train: bool = False) -> Float[Array, " batch"]:
        """Predict one number per spectrum, (batch,).

        Args:
            flux: (batch, bins) float32, normalized.
            train: drop activations (rng stream "dropout") and use the batch's own statistics.
        """
        x = _blocks(flux, self.channels)  # (batch, 4608)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = _batch_norm(_hidden(x, 128), train)  # (batch, 128)
        x = _hidden(x, 16)  # (batch, 16)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = nn.Dense(1, kernel_init=initializers.glorot_uniform())(x)  # (batch, 1)
        return x[:, 0]
