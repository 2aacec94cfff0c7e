"""The forward passes in NumPy alone, as fast as NumPy can: every convolution is one product."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from experiments.benchmarks.ours import SUBJECTS, random_variables, spectra
from experiments.benchmarks.rows import Setting

Array = NDArray[np.float32]
Tree = Mapping[str, Any]


def prediction(subject: str, setting: Setting) -> Callable[[], Array]:
    """Return a prediction of one batch, normalization included."""
    import jax

    _, task = SUBJECTS[subject].build()
    variables, batch = jax.device_get(random_variables(subject)), spectra(setting.batch)
    forward = FORWARD[subject]
    return lambda: forward(variables, task.inputs(batch["flux"], batch["ivar"])[0])


def table_1(variables: Tree, flux: Array) -> Array:
    """Return log-probabilities (batch, 4) from normalized flux (batch, 443)."""
    params = variables["params"]
    x = _relu(_dense(params["Dense_0"], _blocks(params, flux)))
    x = _dense(params["Dense_1"], _norm(variables, "BatchNorm_0", x, 1e-5))
    x -= x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def table_3(variables: Tree, flux: Array) -> Array:
    """Return the standardized redshift (batch,) from normalized flux (batch, 443)."""
    params = variables["params"]
    x = _relu(_dense(params["Dense_0"], _blocks(params, flux)))
    x = _relu(_dense(params["Dense_1"], _norm(variables, "BatchNorm_0", x, 1e-5)))
    return _dense(params["Dense_2"], x)[:, 0]


def quasarnet(variables: Tree, flux: Array) -> Array:
    """Return boxes and offsets (batch, 7, 26) from normalized flux (batch, 443)."""
    params = variables["params"]
    x = flux[..., None]
    for number in range(1, 5):
        x = _conv(params[f"conv_{number}"], x)
        x = _relu(_norm(variables, f"norm_{number}", x, 1e-3))
    x = _dense(params["fc_common"], x.reshape(len(x), -1))
    x = _relu(_norm(variables, "norm_common", x, 1e-3))
    lines = []
    for line in range(7):
        box = _sigmoid(_dense(params[f"fc_box_{line}"], x))
        offset = _sigmoid(_dense(params[f"fc_offset_{line}"], x))
        lines.append(np.concatenate([box, -0.1 + 1.2 * offset], axis=-1))
    return np.stack(lines, axis=1)


FORWARD: dict[str, Callable[[Tree, Array], Array]] = {
    "Table 1": table_1,
    "Table 3": table_3,
    "QuasarNET": quasarnet,
}


def _blocks(params: Tree, flux: Array) -> Array:
    x = flux[..., None]
    for number in range(4):
        x = _relu(_conv(params[f"ConvPool_{number}"], x))
        x = np.maximum(x[:, :-1], x[:, 1:])
    return x.reshape(len(x), -1)


def _conv(params: Tree, x: Array) -> Array:
    """Convolve with stride 2, channels last: a window of pixels is contiguous in memory."""
    kernel = params["kernel"]
    width, channels, features = kernel.shape
    runs = sliding_window_view(x.reshape(len(x), -1), width * channels, axis=1)
    runs = runs[:, :: 2 * channels]
    out = runs.reshape(-1, width * channels) @ kernel.reshape(-1, features) + params["bias"]
    return out.reshape(len(x), -1, features)


def _dense(params: Tree, x: Array) -> Array:
    return x @ params["kernel"] + params["bias"]


def _norm(variables: Tree, name: str, x: Array, epsilon: float) -> Array:
    params, statistics = variables["params"][name], variables["batch_stats"][name]
    scale = params["scale"] / np.sqrt(statistics["var"] + np.float32(epsilon))
    return x * scale + (params["bias"] - statistics["mean"] * scale)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _sigmoid(x: Array) -> Array:
    single = np.float32(1)
    return single / (single + np.exp(-x))
