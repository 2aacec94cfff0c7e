"""Pure-functional networks: a spectrum in, numbers out. The only room that knows Flax.

`build(name, **fields)` is the one table from a configuration to a network; a new network is one
file and one line here.
"""

from typing import Any

import flax.linen as nn

from spectranet_jax.networks.ensemble import LineNetEnsemble
from spectranet_jax.networks.line_evidence import LineNet
from spectranet_jax.networks.line_heads import QuasarNet
from spectranet_jax.networks.spectranet import SpectraNetClassifier, SpectraNetRegressor
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid

__all__ = [
    "NETWORKS",
    "LineNet",
    "LineNetEnsemble",
    "QuasarNet",
    "SpectraNetClassifier",
    "SpectraNetRegressor",
    "build",
]

NETWORKS: dict[str, type[nn.Module]] = {
    "LineNet": LineNet,
    "LineNetEnsemble": LineNetEnsemble,
    "QuasarNet": QuasarNet,
    "SpectraNetClassifier": SpectraNetClassifier,
    "SpectraNetRegressor": SpectraNetRegressor,
}


def build(name: str, grid: LogGrid, **fields: Any) -> nn.Module:
    """The network of that name on a grid; lists become tuples, as JSON gives them.

    Raises:
        InputError: if no network has that name, or it lacks one of the fields.
    """
    if name not in NETWORKS:
        raise InputError(f"no network is called {name!r}; there are {', '.join(NETWORKS)}")
    try:
        return NETWORKS[name](
            grid=grid,
            **{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()},
        )
    except TypeError as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{name} cannot be built: {reason}; was this made by another version?"
        ) from error
