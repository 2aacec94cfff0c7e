"""Pure-functional networks from spectra to numbers. The only room that imports Flax.

`build(name, **fields)` makes a network of a configuration; a new network is one file and one row of
the table here.
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
    """Build the network of that name on a grid; lists, as JSON gives them, become tuples.

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
            f"{name} cannot be built: {reason}; check that this version made it"
        ) from error
