"""The models that come with the package: a folder for each version, as linenet@1. Without JAX."""

import re
from importlib.resources import files
from pathlib import Path

from spectranet_jax.inference.weights import FILE_NAME

_VERSIONED = re.compile(r"(.+)@([1-9][0-9]*)")


def shipped(root: Path | None = None) -> dict[str, Path]:
    """Return name -> folder of the shipped models.

    Each version has its own name, as linenet@1; the name alone means the newest one.

    Args:
        root: folder of the models; that of the package by default.
    """
    root = root or Path(str(files("spectranet_jax"))) / "weights"
    versions = {path.parent.name: path.parent for path in root.glob(f"*@*/{FILE_NAME}")}
    ordered = sorted((name for name in versions if split_version(name)[1]), key=split_version)
    newest = {split_version(name)[0]: versions[name] for name in ordered}
    return {**newest, **{name: versions[name] for name in ordered}}


def split_version(name: str) -> tuple[str, int]:
    """Split linenet@1 into name and version; "" and 0 if it has none."""
    match = _VERSIONED.fullmatch(name)
    return (match[1], int(match[2])) if match else ("", 0)


def next_version(name: str, root: Path) -> str:
    """Return the name for new weights of a model in a folder, as linenet@2."""
    versions = [split_version(folder)[1] for folder in shipped(root) if _is_of(folder, name)]
    return f"{name}@{max(versions, default=0) + 1}"


def _is_of(folder: str, name: str) -> bool:
    return split_version(folder)[0] == name
