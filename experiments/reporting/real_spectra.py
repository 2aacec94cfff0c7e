"""The models on labeled real spectra of a folder with index.csv."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments import refined, refined_scores
from experiments.refined_methods import by_methods
from experiments.reporting.compared import OURS, Reply, Spectra, replies
from spectranet_jax.evaluation.fraction import Fraction, fraction_if_any
from spectranet_jax.evaluation.quasar_scores import Truth
from spectranet_jax.inference import load
from spectranet_jax.inference.basis import shipped
from spectranet_jax.inference.clean import clean
from spectranet_jax.spectra.flags import median_sn
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, CLASSES, QSO_BAL, STAR


@dataclass(frozen=True)
class Real:
    """Models' answers for real spectra.

    Attributes:
        folder: where the spectra are.
        count: how many spectra of the four classes there are.
        groups: kind -> bool (m,), of the m galaxies and quasars with a redshift.
        truth: (m,), their redshifts.
        redshifts: model -> (m,); NaN where it is not meant to give one.
        three_classes: model -> spectra of which STAR, GALAXY or quasar is right, of all.
    """

    folder: Path
    count: int
    groups: Mapping[str, NDArray[np.bool_]]
    truth: NDArray[np.float64]
    redshifts: Mapping[str, NDArray[np.float64]]
    three_classes: Mapping[str, Fraction | None]


def measured(folder: Path, report: Mapping[str, Path], peers: Mapping[str, str | Path]) -> Real:
    """Predict the labeled spectra of a folder with every model.

    LineNet's redshifts are those of a catalog: refined at native pixels where that is done.

    Args:
        folder: holds index.csv and the spectra that it names.
        report: see `compared.replies`.
        peers: likewise.

    Raises:
        InputError: if the index, or a spectrum, cannot be read.
    """
    model = load()
    index = refined_scores.read_index(folder, CLASSES)
    binned, native, phase = refined.read(folder, index, model.grid)
    label = np.array([CLASSES.index(name) for name in index["label"].tolist()])
    flux, ivar, _ = clean(binned[0], binned[1], model.grid)
    truth = Truth(label, index["z"], np.where(label == QSO_BAL, BAL, BAL_UNSURE))
    spectra = Spectra((flux, ivar), truth, median_sn(flux, ivar, grid=model.grid))
    answers = replies(spectra, report, peers)

    rows = (label > STAR) & np.isfinite(index["z"])
    of_rows = [tuple(array[rows] for array in pair) for pair in (binned, native)]
    methods = by_methods(
        model, of_rows[0], of_rows[1], phase[rows], index["z"][rows], {"refined": shipped()}
    )
    redshifts = {
        name: _applicable_redshifts(reply, name, truth)[rows] for name, reply in answers.items()
    }
    redshifts[OURS] = methods["refined"].z
    known = {name: values[rows] for name, values in index.items()}
    groups = {kind: of for kind, of in refined_scores.kinds(known).items() if of.sum() > 5}
    return Real(
        folder, len(label), groups, known["z"], redshifts,
        {name: _three_classes(reply, label) for name, reply in answers.items()},
    )  # fmt: skip


def _applicable_redshifts(reply: Reply, name: str, truth: Truth) -> NDArray[np.float64]:
    """Return the redshifts of a model; those of galaxies are LineNet's alone."""
    assert reply.answers.z is not None
    return np.where(truth.quasar | (name == OURS), np.asarray(reply.answers.z, np.float64), np.nan)


def _three_classes(reply: Reply, label: NDArray[np.integer]) -> Fraction | None:
    if reply.label is None:
        return None
    return fraction_if_any(np.minimum(reply.label, QSO_BAL - 1) == np.minimum(label, QSO_BAL - 1))
