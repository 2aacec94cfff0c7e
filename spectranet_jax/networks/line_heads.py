"""QuasarNET: each line's position in boxes (Busca & Balland 2018, arXiv:1808.09955, section 3)."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax.nn import initializers
from jaxtyping import Array, Float

from spectranet_jax.networks.layers import Spectra, plain_conv, strided_conv
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid

PADDINGS = ("valid", "same")


def _batch_norm(
    x: Float[Array, "batch *features"], train: bool, name: str
) -> Float[Array, "batch *features"]:
    """Apply Keras's BatchNormalization, with the two-pass variance."""
    return nn.BatchNorm(
        use_running_average=not train,
        momentum=0.99,
        epsilon=1e-3,
        use_fast_variance=False,
        name=name,
    )(x)


class StridedConv(nn.Module):
    """Keras's Conv1D with its bias, valid or same.

    Attributes:
        features: output channels.
        width: of the kernel, pixels.
        stride: pixels between outputs.
        padding: one of `PADDINGS`; "same" pads with zeros so that ceil(n / stride) come out.
    """

    features: int
    width: int
    stride: int
    padding: str

    @nn.compact
    def __call__(self, x: Float[Any, "batch bins features"]) -> Float[Array, "batch fewer out"]:
        """(batch, n, channels) -> (batch, outputs, features)."""
        shape = (self.width, x.shape[-1], self.features)
        kernel = self.param("kernel", initializers.glorot_uniform(), shape)
        bias = self.param("bias", initializers.zeros, (self.features,))
        if self.padding == "same":
            outputs = -(-x.shape[1] // self.stride)
            lacking = max((outputs - 1) * self.stride + self.width - x.shape[1], 0)
            x = jnp.pad(x, ((0, 0), (lacking // 2, lacking - lacking // 2), (0, 0)))
        if x.shape[1] < self.width:
            raise InputError(
                f"{x.shape[1]} pixels are left for a kernel of {self.width};"
                " use fewer convolutions, or 'same' padding"
            )
        return self.convolve(x, kernel, self.stride) + bias[None, None]

    def convolve(
        self,
        x: Float[Any, "batch bins features"],
        kernel: Float[Any, "width features out"],
        stride: int,
    ) -> Float[Array, "batch fewer out"]:
        """Compute a valid convolution, in the fast form where the stride divides the width."""
        conv = plain_conv if len(kernel) % stride else strided_conv
        return conv(x, kernel, stride)


class QuasarNet(nn.Module):
    """QuasarNET: normalized flux to boxes and offsets of each line.

    The layers are named after those of the Keras code, so that its weights fit. The defaults are
    the paper's: 520,882 trainable parameters for 443 pixels.

    Attributes:
        grid: the bins of the spectra.
        filters: of each convolution; as many as are named.
        width: of the kernels, pixels.
        stride: of the convolutions, pixels.
        padding: of the convolutions, "valid" or "same".
        hidden: features of the layer that the lines share.
        boxes: boxes per line.
        lines: number of lines, those for broad absorption included.
        dropout: fraction of activations dropped after each convolution.
        rescale: offsets from -0.1 to 1.1, so that a line near the edge of a box can be assigned to
            either; else from 0 to 1, as in QuasarNET's first version.
    """

    grid: LogGrid
    filters: tuple[int, ...] = (100, 100, 100, 100)
    width: int = 10
    stride: int = 2
    padding: str = "valid"
    hidden: int = 100
    boxes: int = 13
    lines: int = 7
    dropout: float = 0.0
    rescale: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.padding not in PADDINGS:
            raise TypeError(f"padding {self.padding!r} is not one of {', '.join(PADDINGS)}")

    @nn.compact
    def __call__(self, flux: Spectra, train: bool = False) -> Float[Array, "batch lines answers"]:
        """Predict box probabilities and offsets.

        Args:
            flux: (batch, pixels) float32, normalized.
            train: drop activations (rng stream "dropout") and use the batch's own statistics.

        Returns:
            (batch, lines, 2 * boxes): for each box the probability that the line is in it, then
            for each box the line's offset in units of boxes.
        """
        x = flux[..., None]  # (batch, bins, 1)
        for number, features in enumerate(self.filters, start=1):
            convolution = StridedConv(
                features, self.width, self.stride, self.padding, name=f"conv_{number}"
            )
            x = convolution(x)  # (batch, 217 | 104 | 48 | 20, 100)
            x = nn.relu(_batch_norm(x, train, f"norm_{number}"))
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = x.reshape(len(x), -1)  # (batch, 2000)
        x = self._dense(self.hidden, "fc_common")(x)
        x = nn.relu(_batch_norm(x, train, "norm_common"))  # (batch, 100)
        heads = []
        for line in range(self.lines):
            box = nn.sigmoid(self._dense(self.boxes, f"fc_box_{line}")(x))
            offset = nn.sigmoid(self._dense(self.boxes, f"fc_offset_{line}")(x))
            if self.rescale:
                offset = -0.1 + 1.2 * offset
            heads.append(jnp.concatenate([box, offset], axis=-1))  # (batch, 26)
        return jnp.stack(heads, axis=1)

    def _dense(self, features: int, name: str) -> nn.Dense:
        return nn.Dense(features, kernel_init=initializers.glorot_uniform(), name=name)
