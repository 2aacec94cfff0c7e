"""Parameters as one safetensors file, free of devices and of any framework's version."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from spectranet_jax.datasets.atomic import atomic
from spectranet_jax.spectra.errors import InputError

FILE_NAME = "weights.safetensors"

Tree = dict[str, Any]


def flatten(tree: Tree) -> dict[str, NDArray[Any]]:
    """Flatten nested dictionaries of arrays to one with "outer/inner" names, sorted."""
    return {name: np.asarray(leaf) for name, leaf in _leaves(tree).items()}


def _leaves(tree: Tree, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key in sorted(tree):
        value, name = tree[key], f"{prefix}{key}"
        flat |= _leaves(value, f"{name}/") if isinstance(value, dict) else {name: value}
    return flat


def unflatten(flat: dict[str, NDArray[Any]]) -> Tree:
    """Invert `flatten`."""
    tree: Tree = {}
    for name, array in flat.items():
        *outer, last = name.split("/")
        inner = tree
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = array
    return tree


def sha256(tree: Tree) -> str:
    """Return the identity of a set of weights: over their sorted names and bytes."""
    digest = hashlib.sha256()
    for name, array in flatten(tree).items():
        digest.update(name.encode() + b"\0" + array.tobytes())
    return digest.hexdigest()


def save(path: Path, tree: Tree) -> None:
    """Write the weights into one safetensors file.

    The library's own `save_file` makes files that only their owner can read.
    """
    with atomic(path) as temporary:
        # Not `ascontiguousarray`, which turns a scalar into a vector.
        temporary.write_bytes(
            to_bytes({k: np.asarray(v, order="C") for k, v in flatten(tree).items()})
        )


def load(path: Path, like: Tree) -> Tree:
    """Load the weights in a safetensors file.

    Args:
        path: the file.
        like: nested dictionaries of what has the shapes and dtypes that are expected.

    Raises:
        InputError: if the file is damaged, or holds the weights of another network.
    """
    try:
        flat = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a safetensors file ({error}); fetch it anew") from error
    if not alike(flat, _leaves(like)):
        raise InputError(
            f"{path} holds the weights of another network than its config.json describes;"
            " fetch both anew"
        )
    return unflatten(flat)


def alike(tree: Tree, like: Tree) -> bool:
    """Return whether two trees have the same names, shapes and dtypes."""

    def form(tree: Tree) -> dict[str, tuple[Any, Any]]:
        return {name: (leaf.shape, leaf.dtype) for name, leaf in _leaves(tree).items()}

    return form(tree) == form(like)
