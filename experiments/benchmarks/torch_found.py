"""PyTorch, if it is installed; only the benchmark uses it."""

import importlib.util
from types import ModuleType


def torch_peers() -> ModuleType | None:
    """Return `torch_peers`, or None after a message on how to get PyTorch."""
    if importlib.util.find_spec("torch") is None:
        print(
            "PyTorch is not installed, and its rows are left out;"
            " pip install 'spectranet-jax[compare]' brings it"
        )
        return None
    from experiments.benchmarks import torch_peers

    return torch_peers
