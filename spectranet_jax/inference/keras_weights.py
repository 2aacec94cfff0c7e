"""QuasarNETs trained with Keras, from the HDF5 file that Keras saves a model in.

Neither Keras nor TensorFlow is needed, and nothing in the file is executed: a network is recognized
by its layers' settings (the attribute `model_config`, JSON) and their arrays (`model_weights`). The
offsets are rescaled if there is any Lambda layer, whatever its name: QuasarNP 0.2.0 requires one
named exactly `lambda`, and so misses those of files that number them from `lambda_0`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import QUASARNET_GRID

HEADS = 7
"""Number of the lines of `tasks.quasarnet_task`; the files do not name them."""

Layers = dict[str, dict[str, Any]]
Arrays = dict[str, NDArray[np.float32]]


class KerasWeights(NamedTuple):
    """Contents of a file: fields of `networks.QuasarNet`, its variables, and Keras's version."""

    fields: dict[str, Any]
    variables: dict[str, Any]
    version: str


def read(path: Path) -> KerasWeights:
    """Read the network and weights of a QuasarNET.

    Raises:
        InputError: if the file is no HDF5 file, is damaged, holds another network, or one for
            another wavelength grid.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs or "model_weights" not in file:
                raise InputError(
                    f"{path} holds no Keras model with its configuration;"
                    " give the file that Keras's model.save writes"
                )
            _check_grid(path, file)
            config = json.loads(_text(file.attrs["model_config"]))["config"]["layers"]
            layers = {layer["config"]["name"]: layer for layer in config}
            weights = {name: _arrays(group) for name, group in file["model_weights"].items()}
            version = _text(file.attrs.get("keras_version", "unknown"))
        return KerasWeights(_fields(path, layers), _variables(layers, weights), version)
    except InputError:
        raise
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        # A damaged file makes h5py fail in any of these ways, and so does another network.
        raise InputError(
            f"{path} cannot be read as a QuasarNET in Keras's HDF5 format: it is damaged,"
            " or of another kind; fetch it again"
        ) from error


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_grid(path: Path, file: Any) -> None:
    """Check the wavelengths of the network in a file made by QuasarNP's post-processing."""
    if "model_grid" not in file:
        return
    grid = np.asarray(file["model_grid"], np.float64)
    left = QUASARNET_GRID.edges[:-1]
    if grid.shape != left.shape or not np.allclose(grid, left, rtol=1e-9):
        spacing = _text(file.attrs.get("grid_spacing", "unknown"))
        raise InputError(
            f"{path} is for a grid of {grid.size} pixels with {spacing} spacing, but only the"
            f" logarithmic one of {left.size} from {left[0]:.0f} Angstrom is supported; give"
            " weights trained on that"
        )


def _arrays(group: Any) -> Arrays:
    """Return the arrays in a layer's group: "kernel:0", however deep, as "kernel"."""
    arrays: Arrays = {}

    def keep(name: str, node: Any) -> None:
        if hasattr(node, "dtype"):
            arrays[name.rpartition("/")[2].partition(":")[0]] = np.array(node, np.float32)

    group.visititems(keep)
    return arrays


def _in_order(layers: Layers, kind: str, prefix: str = "") -> list[str]:
    """Return the names of the layers of a kind, by the number at their end (none is 0)."""

    def number(name: str) -> int:
        return int("".join(c for c in name.rpartition("_")[2] if c.isdigit()) or 0)

    names = [
        n for n, layer in layers.items() if layer["class_name"] == kind and n.startswith(prefix)
    ]
    return sorted(names, key=number)


def _common(path: Path, values: Iterable[Any], what: str) -> Any:
    """Return the value that all layers share."""
    distinct = {json.dumps(value) for value in values}
    if len(distinct) != 1:
        raise InputError(
            f"{path} holds a network whose layers differ in {what}, or has none of them: it is"
            " not a QuasarNET; give other weights"
        )
    return json.loads(distinct.pop())


def _fields(path: Path, layers: Layers) -> dict[str, Any]:
    convs = [layers[name]["config"] for name in _in_order(layers, "Conv1D")]
    norms = [
        layer["config"] for layer in layers.values() if layer["class_name"] == "BatchNormalization"
    ]
    heads = _in_order(layers, "Dense", "fc_box_")
    if len(heads) != HEADS or _common(path, (n["epsilon"] for n in norms), "epsilon") != 1e-3:
        raise InputError(
            f"{path} holds a network with {len(heads)} lines; only QuasarNETs of {HEADS}"
            " (six lines and broad absorption) with BatchNormalization of epsilon 0.001 are"
            " supported"
        )
    dropouts = [
        layer["config"]["rate"] for layer in layers.values() if layer["class_name"] == "Dropout"
    ]
    return {
        "filters": [conv["filters"] for conv in convs],
        "width": _common(path, (conv["kernel_size"][0] for conv in convs), "kernel size"),
        "stride": _common(path, (conv["strides"][0] for conv in convs), "stride"),
        "padding": _common(path, (conv["padding"] for conv in convs), "padding"),
        "hidden": layers["fc_common"]["config"]["units"],
        "boxes": _common(path, (layers[name]["config"]["units"] for name in heads), "boxes"),
        "lines": len(heads),
        "dropout": _common(path, dropouts, "dropout") if dropouts else 0.0,
        "rescale": any(layer["class_name"] == "Lambda" for layer in layers.values()),
    }


def _variables(layers: Layers, weights: dict[str, Arrays]) -> dict[str, Any]:
    """Name arrays as we do: Keras's for convolutions and dense layers; `norm_N` after `conv_N`."""
    params: dict[str, Any] = {}
    stats: dict[str, Any] = {}
    dense = [name for name in layers if name.startswith("fc_") and "kernel" in weights[name]]
    convs = _in_order(layers, "Conv1D")
    for name in [*convs, *dense]:
        params[name] = {array: weights[name][array] for array in ("kernel", "bias")}
    after = [f"norm_{number}" for number in range(1, len(convs) + 1)] + ["norm_common"]
    norms = _in_order(layers, "BatchNormalization")
    for ours, theirs in zip(after, norms, strict=True):
        arrays = weights[theirs]
        params[ours] = {"scale": arrays["gamma"], "bias": arrays["beta"]}
        stats[ours] = {"mean": arrays["moving_mean"], "var": arrays["moving_variance"]}
    return {"params": params, "batch_stats": stats}
