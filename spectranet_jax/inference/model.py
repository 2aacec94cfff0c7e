"""A trained model: weights with their network and task.

In a notebook:

    import spectranet_jax as snj
    catalog = snj.load().predict(snj.read("spec.fits"))
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray

from spectranet_jax.evaluation.redshift_posterior import Peak, Posterior
from spectranet_jax.inference import weights
from spectranet_jax.inference.clean import clean
from spectranet_jax.inference.columns import COLUMNS, WITHOUT_PREDICTION, known_columns
from spectranet_jax.inference.joined import join
from spectranet_jax.inference.refinement import NONE, Refinement, refined_answer, shipped
from spectranet_jax.readers import rebin_all, rebinned
from spectranet_jax.readers.in_memory import as_spectra
from spectranet_jax.readers.native_reading import Native, native_of
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.identity_columns import identity_columns
from spectranet_jax.spectra.spectrum import Spectrum
from spectranet_jax.tasks import Task
from spectranet_jax.training.steps import Network, make_predict_step, prediction_batch


@dataclass(frozen=True, repr=False)
class Model:
    """A network with its task and weights.

    Attributes:
        name: of the shipped model, of the run folder, or of the file of Keras weights.
        config: contents of its config.json.
        network: a Flax module.
        task: decodes the network's output.
        variables: parameters and BatchNorm statistics.
    """

    name: str
    config: dict[str, Any]
    network: Network
    task: Task[Any]
    variables: dict[str, Any]

    def __repr__(self) -> str:
        network, task = type(self.network).__name__, self.task.name
        return (
            f"Model {self.name}: {network}, task {task}\n"
            f"  grid: {self.grid}\n"
            f"  sha256 of the weights: {self.sha256}"
        )

    @property
    def grid(self) -> LogGrid:
        """The bins of the spectra that the model takes."""
        return self.task.grid

    @cached_property
    def sha256(self) -> str:
        """Identity of the weights."""
        return weights.sha256(self.variables)

    @cached_property
    def _predict_step(self) -> Any:
        return jax.jit(make_predict_step(self.network, self.task))

    def columns(
        self,
        flux: NDArray[np.float32],
        ivar: NDArray[np.float32],
        wanted: Container[str] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return the model's answers for clean spectra, by catalog column; one row each.

        Args:
            flux: (n, bins) float32, finite.
            ivar: (n, bins) float32, finite, not negative.
            wanted: names of the columns to keep; all by default.
        """
        parts: list[dict[str, NDArray[Any]]] = []
        size = prediction_batch(self.grid)
        for start in range(0, max(len(flux), 1), size):
            # Smaller batches are padded with empty spectra, which changes no result.
            count = len(flux[start : start + size])
            batch = (
                np.pad(a[start : start + size], [(0, size - count), (0, 0)]) for a in (flux, ivar)
            )
            output = jax.device_get(self._predict_step(self.variables, *batch))
            decoded = self.task.decode(jax.tree.map(lambda part, n=count: part[:n], output))
            parts.append({k: v for k, v in decoded.items() if wanted is None or k in wanted})
        return {
            name: np.ma.concatenate([part[name] for part in parts])  # type: ignore[no-untyped-call]
            if np.ma.isMaskedArray(parts[0][name])
            else np.concatenate([part[name] for part in parts])
            for name in parts[0]
        }

    def predict(self, spectra: Any, ivar: ArrayLike | None = None, refine: bool = True) -> Table:
        """Predict a catalog, one row per spectrum in order: see `predict`.

        Args:
            spectra: as `readers.read` gives them, one or many, or those of specutils: see
                `readers.in_memory`; or flux on the model's grid, (n, bins), if ivar is given.
            ivar: (n, bins), inverse variance of flux.
            refine: whether redshifts are refined at native pixels, which arrays on the model's grid
                have not.

        Raises:
            InputError: if these are no spectra, or the arrays have another shape.
        """
        if ivar is not None:
            return predict([self], spectra, ivar)
        return predict_spectra([self], as_spectra(spectra), shipped() if refine else NONE)

    def posterior(self, spectra: Any) -> Posterior:
        """P(z) of spectra, given that they are not stars, with the peak of refined redshifts.

        Args:
            spectra: as `readers.in_memory` takes them. Of one that has no data, p(z) is NaN.

        Returns:
            that of all, or, of a single spectrum that is not in a list, that of the one.

        Raises:
            InputError: if the model gives no p(z), or these are no spectra.
        """
        declared = self.task.posterior
        if declared is None:
            raise InputError(f"{self.name} gives no p(z); load a LineNet, as load()")
        listed = as_spectra(spectra)
        cleaned = {self.grid: clean(*rebin_all(listed, self.grid), self.grid)}
        refinement = shipped()
        native = native_of(listed, [self.grid], refinement.fits(self.task))
        (answer,), _ = answered([self], cleaned, native, refinement)
        dead = (cleaned[self.grid][2] & Flag.NO_DATA) != 0
        refined = ~np.ma.getmaskarray(answer["Z_CHI2"]) & ~dead
        z, z_err = (np.where(refined, np.ma.getdata(answer[k]), np.nan) for k in ("Z", "Z_ERR"))
        posterior = Posterior(
            np.where(dead[:, None], np.nan, answer[declared.p]),
            declared.edges,
            Peak(z, z_err, np.full(len(z), np.nan)),
        )
        return posterior[0] if len(np.shape(getattr(spectra, "flux", 0))) == 1 else posterior


def predict(
    models: Sequence[Model],
    flux: ArrayLike,
    ivar: ArrayLike,
    file: Sequence[str] | None = None,
    name: Sequence[str] | None = None,
    flags: NDArray[np.integer] | None = None,
) -> Table:
    """Predict a catalog of rebinned spectra, one row each in order.

    Where one model classifies and another one answers for some classes only (the redshift of
    quasars), the latter's columns are masked for spectra of other classes, in whatever order the
    models are given.

    Args:
        models: whose answers are joined; two may fill one column if they answer for different
            classes (redshifts of QSO, and of QSO_BAL). All of one grid: else see `predict_each`.
        flux: (n, bins), any unit, on the models' grid: see `spectra.rebin`.
        ivar: (n, bins), inverse variance of flux in that unit, 0 where there is no measurement.
        file: (n,) file names for the column FILE.
        name: (n,) names for the column ID.
        flags: (n,) quality bits known beforehand; those of the arrays are added.

    Returns:
        the table described in `catalog.COLUMNS`, and after these what the models answer beside it
        (`Task.columns`). Rows without data are flagged and masked.

    Raises:
        InputError: if the arrays have another shape, the models are of several grids, or two of
            them answer the same question.
    """
    grids = {model.grid for model in models}
    if len(grids) > 1:
        raise InputError(
            f"{' and '.join(model.name for model in models)} have different grids; predict with"
            " each from spectra on its own grid"
        )
    known = known_columns(file, name)
    return predict_each(models, dict.fromkeys(grids, (flux, ivar)), known, flags)


def predict_spectra(
    models: Sequence[Model], spectra: Sequence[Spectrum], refinement: Refinement
) -> Table:
    """Predict a catalog of spectra with their own wavelengths, rebinned to each model's grid.

    Args:
        models: whose answers are joined.
        spectra: as `readers.read` gives them.
        refinement: what refines redshifts at native pixels.
    """
    grids = list(dict.fromkeys(model.grid for model in models))
    bits = [np.zeros(0, np.int32)]
    groups = {grid: [np.zeros((2, 0, grid.size), np.float32)] for grid in grids}
    for _, flags, on_grids in rebinned(spectra, grids):
        bits.append(flags)
        for grid, arrays in zip(grids, on_grids, strict=True):
            groups[grid].append(np.stack(arrays))
    joined = {grid: np.concatenate(arrays, axis=1) for grid, arrays in groups.items()}
    known = known_columns(
        [spectrum.source for spectrum in spectra],
        [spectrum.name for spectrum in spectra],
        identity=identity_columns([spectrum.identity for spectrum in spectra]),
    )
    pixels = {grid: (flux, ivar) for grid, (flux, ivar) in joined.items()}
    pixels_wanted = any(refinement.fits(model.task) for model in models)
    native = native_of(spectra, grids, pixels_wanted)
    return predict_each(models, pixels, known, np.concatenate(bits), native, refinement)


def predict_each(
    models: Sequence[Model],
    pixels: Mapping[LogGrid, tuple[ArrayLike, ArrayLike]],
    known: Columns | None = None,
    flags: NDArray[np.integer] | None = None,
    native: Native | None = None,
    refinement: Refinement = NONE,
) -> Table:
    """Predict like `predict`, with the same spectra on the grid of each model.

    S/N and flags are those on the first model's grid.

    Args:
        models: whose answers are joined.
        pixels: grid -> flux and ivar, (n, bins) each.
        known: what `columns.known_columns` gives.
        flags: as for `predict`.
        native: the same spectra at native pixels, if redshifts are to be refined or corrected.
        refinement: what refines them.
    """
    cleaned = {grid: clean(*pixels[grid], grid, flags) for grid in pixels}
    answers, bits = answered(models, cleaned, native, refinement)
    flux, ivar, quality = cleaned[models[0].grid]
    table = join(models, answers, (flux, ivar, quality | bits), known or {})
    table.meta["REFINED"] = "none" if native is None else refinement.source
    return table


def answered(
    models: Sequence[Model],
    cleaned: Mapping[LogGrid, tuple[NDArray[Any], NDArray[Any], NDArray[np.int32]]],
    native: Native | None,
    refinement: Refinement,
) -> tuple[list[dict[str, NDArray[Any]]], NDArray[np.int32]]:
    """Each model's answers, refined and corrected if native pixels are there; and flag bits."""
    answers = []
    bits = np.zeros(len(cleaned[models[0].grid][2]), np.int32)
    for model in models:
        flux, ivar, quality = cleaned[model.grid]
        declared = model.task.posterior
        wanted = COLUMNS.keys() | model.task.columns.keys()
        if declared is not None and native is not None:
            wanted = wanted | {declared.p}
        answer = model.columns(flux, ivar, wanted)
        if native is not None:
            answer, more = refined_answer(model.task, answer, model.grid, native, refinement)
            bits |= np.where(quality & WITHOUT_PREDICTION, 0, more).astype(np.int32)
        answers.append(answer)
    return answers, bits
