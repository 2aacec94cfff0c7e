"""A trained model: weights with the network and the question they belong to.

    from spectranet_jax.inference import load
    from spectranet_jax.spectra import rebin
    catalog = load().predict(*rebin(loglam, flux, ivar))
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray

import spectranet_jax
from spectranet_jax import networks, tasks
from spectranet_jax.inference import catalog, weights
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.flags import median_sn, quality_flags
from spectranet_jax.spectra.grid import BOSS_GRID
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.tasks import Task
from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.steps import Network, init_variables, make_predict_step

DEFAULT = "classifier"
"""The shipped model that is used when none is named."""

BATCH = 256
"""Spectra a compiled call; fewer are filled up with empty ones, which changes no result."""


@dataclass(frozen=True)
class Model:
    """A network, what is asked of it, and its weights.

    Attributes:
        name: of the shipped model, or of the run folder.
        config: contents of its config.json.
        network: a Flax module.
        task: decodes what the network says.
        variables: parameters and BatchNorm statistics.
    """

    name: str
    config: dict[str, Any]
    network: Network
    task: Task
    variables: dict[str, Any]

    @cached_property
    def sha256(self) -> str:
        """Identity of the weights."""
        return weights.sha256(self.variables)

    @cached_property
    def _predict_step(self) -> Any:
        return jax.jit(make_predict_step(self.network, self.task))

    def columns(
        self, flux: NDArray[np.float32], ivar: NDArray[np.float32]
    ) -> dict[str, NDArray[Any]]:
        """What the model says of clean spectra, by catalog column; one row each.

        Args:
            flux: (n, 443) float32, finite.
            ivar: (n, 443) float32, finite, not negative.
        """
        outputs = []
        for start in range(0, max(len(flux), 1), BATCH):
            filling = [(0, BATCH - len(flux[start : start + BATCH])), (0, 0)]
            batch = (np.pad(a[start : start + BATCH], filling) for a in (flux, ivar))
            outputs.append(jax.device_get(self._predict_step(self.variables, *batch)))
        output = jax.tree.map(lambda *parts: np.concatenate(parts)[: len(flux)], *outputs)
        return self.task.decode(output)

    def predict(self, flux: ArrayLike, ivar: ArrayLike) -> Table:
        """A catalog of rebinned spectra, as `predict([self], flux, ivar)` makes it."""
        return predict([self], flux, ivar)


def predict(
    models: Sequence[Model],
    flux: ArrayLike,
    ivar: ArrayLike,
    file: Sequence[str] | None = None,
    name: Sequence[str] | None = None,
    flags: NDArray[np.integer] | None = None,
) -> Table:
    """A catalog of rebinned spectra, one row each in their order.

    Where one model classifies and another one answers for some classes only (the redshift of
    quasars), the latter's columns are masked for spectra of other classes.

    Args:
        models: whose answers are joined; where two give the same column, the first one's stands.
        flux: (n, 443), 1e-17 erg/s/cm^2/Angstrom, on `BOSS_GRID`: see `spectra.rebin`.
        ivar: (n, 443), inverse variance of flux, 0 where there is no measurement.
        file: (n,) file names for the column FILE.
        name: (n,) names for the column ID.
        flags: (n,) quality bits that are known beforehand; those told from the arrays are added.

    Returns:
        the table described in `catalog.COLUMNS`. Rows without data are flagged and masked.

    Raises:
        InputError: if the arrays have another shape.
    """
    flux, ivar = np.atleast_2d(np.asarray(flux)), np.atleast_2d(np.asarray(ivar))
    if flux.shape != ivar.shape or flux.ndim != 2 or flux.shape[1] != BOSS_GRID.size:
        raise InputError(
            f"flux {flux.shape} and ivar {ivar.shape} must both be (n, {BOSS_GRID.size});"
            " bring spectra to the grid with spectranet_jax.spectra.rebin"
        )
    bits = quality_flags(flux, ivar) | (0 if flags is None else flags)
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    flux = np.where(good, flux, 0).astype(np.float32)
    ivar = np.where(good, ivar, 0).astype(np.float32)

    columns: dict[str, NDArray[Any]] = {}
    for model in models:
        said = model.columns(flux, ivar)
        if "CLASS" in columns:
            applies = np.isin(columns["CLASS"], [CLASSES[i] for i in model.task.applies_to])
            said = {k: np.ma.masked_array(v, mask=~applies) for k, v in said.items()}
        columns = said | columns
    columns["SN"] = median_sn(flux, ivar)
    for key, values in (("FILE", file), ("ID", name)):
        if values is not None:
            columns[key] = np.asarray(values, str)
    return catalog.build(columns, bits, provenance(models))


def provenance(models: Sequence[Model]) -> dict[str, Any]:
    """Header keywords: version, grid, and of each model its name, weights, configuration and data."""
    header: dict[str, Any] = {
        "VERSION": f"spectranet-jax {spectranet_jax.__version__}",
        "GRID": f"log10 {BOSS_GRID.start} + {BOSS_GRID.dloglam} x {BOSS_GRID.size}, vacuum",
    }
    for number, model in enumerate(models, start=1):
        header |= {
            f"MODEL{number}": model.name,
            f"SHA256_{number}": model.sha256,
            f"SEED{number}": model.config["seed"],
            f"DATA{number}": model.config["data"]["fingerprint"],
            f"CONFIG{number}": json.dumps(model.config),
        }
    return header


def load(model: str | Path = DEFAULT) -> Model:
    """A shipped model by its name, or the best checkpoint of a run folder.

    Raises:
        InputError: if there is no such model, or its folder is damaged.
    """
    shipped = weights.shipped()
    folder = shipped.get(str(model), Path(model))
    if not folder.is_dir():
        raise InputError(
            f"{model} is neither a run folder nor a shipped model ({', '.join(shipped) or 'none'})"
        )
    config = run.read_config(folder)
    network = networks.build(**_part(folder, config, "network"))
    task = tasks.build(**_part(folder, config, "task"))
    if (folder / weights.FILE_NAME).is_file():
        variables = weights.load(folder / weights.FILE_NAME)
    else:
        like = jax.eval_shape(lambda key: init_variables(network, task, key), jax.random.key(0))
        here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        like = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), like
        )
        variables = checkpoint.restore(folder, checkpoint.BEST, like)
    return Model(folder.resolve().name, config, network, task, variables)


def _part(folder: Path, config: dict[str, Any], key: str) -> dict[str, Any]:
    part = config.get(key)
    if not isinstance(part, dict) or "name" not in part:
        raise InputError(f"{folder / run.CONFIG} does not say which {key}; it is no run's config")
    return part
