"""The same networks in PyTorch, with the same weights: Conv1d, and channels-last.

PyTorch has no channels-last form of a Conv1d; a Conv2d over images of height 1 computes the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from experiments.benchmarks.ours import SUBJECTS, random_variables, spectra
from experiments.benchmarks.rows import Setting

MATMUL_PRECISION = {"float32": "highest", "tf32": "high", "bfloat16": "medium"}
"""PyTorch's names of precisions."""

Tree = Mapping[str, Any]


class Layout(NamedTuple):
    """Layout of a spectrum in memory, and the layers that go with it."""

    shape: tuple[int, ...]
    convolution: Callable[[Tree], nn.Module]
    pool: Callable[[], nn.Module]
    memory_format: torch.memory_format


def _conv1d(params: Tree) -> nn.Module:
    kernel = _tensor(params["kernel"]).permute(2, 1, 0)  # (features, channels, width)
    return _filled(nn.Conv1d(kernel.shape[1], kernel.shape[0], 10, stride=2), kernel, params)


def _conv2d(params: Tree) -> nn.Module:
    kernel = _tensor(params["kernel"]).permute(2, 1, 0)[:, :, None]
    made = nn.Conv2d(kernel.shape[1], kernel.shape[0], (1, 10), stride=(1, 2))
    return _filled(made, kernel, params)


LAYOUTS = {
    "PyTorch Conv1d": Layout(
        (1, -1), _conv1d, lambda: nn.MaxPool1d(2, stride=1), torch.contiguous_format
    ),
    "PyTorch channels-last": Layout(
        (1, 1, -1), _conv2d, lambda: nn.MaxPool2d((1, 2), stride=1), torch.channels_last
    ),
}


class Rearranged(nn.Module):
    """A function of a tensor as a layer."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def twin(subject: str, variables: Tree, layout: str) -> nn.Module:
    """Network in PyTorch, with our weights; normalized flux (batch, 443) to our output."""
    made = LAYOUTS[layout]
    layers = [
        Rearranged(lambda flux: flux.reshape(len(flux), *made.shape)),
        *TWINS[subject](variables, made),
    ]
    return nn.Sequential(*layers).to(memory_format=made.memory_format).to(device())


def device() -> str:
    """Return PyTorch's device: a GPU if it can use one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def train_step(subject: str, setting: Setting, layout: str) -> Callable[[], object]:
    """Return a training step that starts from its own last state, with Adam in its fused form."""
    _set_precision(setting)
    network, loss_of = twin(subject, random_variables(subject), layout).train(), LOSSES[subject]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    flux, batch = _flux(subject, setting), spectra(setting.batch)
    truth = torch.tensor(batch["z"] if subject == "Table 3" else batch["label"].astype(np.int64))
    truth = truth.to(device())

    def call() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(network(flux), truth)
        loss.backward()
        optimizer.step()
        loss.item()

    return call


def prediction(subject: str, setting: Setting, layout: str) -> Callable[[], Any]:
    """Return a prediction of one batch of normalized flux, from the host's memory and back."""
    _set_precision(setting)
    network = twin(subject, random_variables(subject), layout).eval()
    flux = _flux(subject, setting).cpu()

    @torch.inference_mode()
    def call() -> Any:
        return network(flux.to(device())).cpu().numpy()

    return call


def _set_precision(setting: Setting) -> None:
    if device() == "cpu":
        torch.set_num_threads(1)
    torch.set_float32_matmul_precision(MATMUL_PRECISION[setting.precision])
    torch.backends.cudnn.allow_tf32 = setting.precision != "float32"


def _flux(subject: str, setting: Setting) -> torch.Tensor:
    _, task = SUBJECTS[subject].build()
    batch = spectra(setting.batch)
    return _tensor(task.inputs(batch["flux"], batch["ivar"])[0]).to(device())


def _table_1(variables: Tree, layout: Layout) -> list[nn.Module]:
    params = variables["params"]
    return [
        *_blocks(params, layout), nn.Dropout(0.1), _linear(params["Dense_0"]), nn.ReLU(),
        _norm(variables, "BatchNorm_0", 0.1, 1e-5), nn.Dropout(0.1), _linear(params["Dense_1"]),
        nn.LogSoftmax(dim=1),
    ]  # fmt: skip


def _table_3(variables: Tree, layout: Layout) -> list[nn.Module]:
    params = variables["params"]
    return [
        *_blocks(params, layout), nn.Dropout(0.5), _linear(params["Dense_0"]), nn.ReLU(),
        _norm(variables, "BatchNorm_0", 0.1, 1e-5), _linear(params["Dense_1"]), nn.ReLU(),
        nn.Dropout(0.5), _linear(params["Dense_2"]), nn.Flatten(0),
    ]  # fmt: skip


def _quasarnet(variables: Tree, layout: Layout) -> list[nn.Module]:
    """Return the heads of all lines as one linear layer, which is faster than fourteen."""
    params = variables["params"]
    layers: list[nn.Module] = []
    for number in range(1, 5):
        norm = _norm(variables, f"norm_{number}", 0.01, 1e-3, dimensions=len(layout.shape) - 1)
        layers += [layout.convolution(params[f"conv_{number}"]), norm, nn.ReLU()]
    heads = [f"fc_{part}_{line}" for line in range(7) for part in ("box", "offset")]
    joined = {
        part: np.concatenate([np.asarray(params[head][part]) for head in heads], axis=-1)
        for part in ("kernel", "bias")
    }
    return [
        *layers, Rearranged(_pixels_first), _linear(params["fc_common"]),
        _norm(variables, "norm_common", 0.01, 1e-3), nn.ReLU(), _linear(joined), nn.Sigmoid(),
        Rearranged(_boxes_and_offsets),
    ]  # fmt: skip


def _boxes_and_offsets(x: torch.Tensor) -> torch.Tensor:
    box, offset = x.reshape(len(x), 7, 2, -1).unbind(2)
    return torch.cat([box, -0.1 + 1.2 * offset], dim=-1)


TWINS: dict[str, Callable[[Tree, Layout], list[nn.Module]]] = {
    "Table 1": _table_1,
    "Table 3": _table_3,
    "QuasarNET": _quasarnet,
}

LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "Table 1": nn.functional.nll_loss,
    "Table 3": nn.functional.mse_loss,
}


def _blocks(params: Tree, layout: Layout) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for number in range(4):
        convolution = layout.convolution(params[f"ConvPool_{number}"])
        layers += [convolution, nn.ReLU(), layout.pool()]
    return [*layers, Rearranged(_pixels_first)]


def _pixels_first(x: torch.Tensor) -> torch.Tensor:
    """Order the features of a spectrum as we do; PyTorch's order is channels first."""
    return x.movedim(1, -1).flatten(1)


def _linear(params: Tree) -> nn.Module:
    kernel = _tensor(params["kernel"])
    return _filled(nn.Linear(*kernel.shape), kernel.T, params)


def _norm(
    variables: Tree, name: str, momentum: float, epsilon: float, dimensions: int = 1
) -> nn.Module:
    params, statistics = variables["params"][name], variables["batch_stats"][name]
    kind = nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm1d
    norm = kind(len(params["scale"]), epsilon, momentum)
    norm.running_mean.copy_(_tensor(statistics["mean"]))
    norm.running_var.copy_(_tensor(statistics["var"]))
    return _filled(norm, _tensor(params["scale"]), params)


def _filled(layer: nn.Module, weight: torch.Tensor, params: Tree) -> nn.Module:
    """Set a layer's weight and bias to ours, in its own memory layout."""
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(_tensor(params["bias"]))
    return layer


def _tensor(array: Any) -> torch.Tensor:
    return torch.tensor(np.array(array))
