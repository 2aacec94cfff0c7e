"""Answers of the report's networks, QuasarNET and LineNet for the same spectra, with scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.split import open_split
from spectranet_jax.evaluation import quasar_scores
from spectranet_jax.evaluation.posterior_scores import highest_density_level
from spectranet_jax.evaluation.quasar_scores import Answers, QuasarScores, Truth, scorable
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, dv
from spectranet_jax.inference import Model, load
from spectranet_jax.readers import Pixels
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.labels import CLASSES, QSO_BAL
from spectranet_jax.spectra.row_slices import row_slices

REPORT, PEER, OURS = "Tables 1 and 3", "QuasarNET", "LineNet"
COLORS = {REPORT: "#6b7280", PEER: "#e4572e", OURS: "#33527e"}

AT_ONCE = 4 << 20
"""Bytes of spectra whose p(z), some twice as large, is in memory at a time."""


@dataclass(frozen=True)
class Spectra:
    """Labeled spectra for all models; rows in one order.

    Attributes:
        pixels: clean flux and ivar on the models' grid.
        truth: label, redshift and broad absorption.
        sn: (n,), median S/N per bin.
    """

    pixels: Pixels
    truth: Truth
    sn: NDArray[np.floating]

    @classmethod
    def of_test(cls, data: Path) -> "Spectra":
        """Test split of a dataset: known classes, and of quasars those of secure redshift."""
        split = open_split(data, "test", lambda t: scorable(t["label"], t["z"], t["z_conf"]))
        known = split.columns
        truth = Truth(known["label"], known["z"], known["bal"])
        return cls(split.pixels(np.arange(len(split))), truth, known["sn"])

    def __len__(self) -> int:
        return len(self.sn)


@dataclass(frozen=True)
class Reply:
    """One model's answers; None for what it does not predict.

    Attributes:
        answers: about quasars.
        label: (n,), the class that it calls.
        p_label: (n,), its probability of that class.
        p_redshift: (n,), what it gives for the probability that its redshift is right within
            3000 km/s, or takes for one.
        scores: of the quasars.
        level: (n,), probability of the smallest region of p(z) that reaches the true redshift.
    """

    answers: Answers
    scores: QuasarScores
    label: NDArray[np.int64] | None = None
    p_label: NDArray[np.floating] | None = None
    p_redshift: NDArray[np.floating] | None = None
    level: NDArray[np.floating] | None = None

    def off(self, truth: Truth) -> NDArray[np.floating]:
        """Return |dv| of the redshifts, km/s, (n,)."""
        assert self.answers.z is not None
        return np.abs(dv(self.answers.z, truth.z))


def replies(
    spectra: Spectra, report: Mapping[str, Path], peers: Mapping[str, str | Path]
) -> dict[str, Reply]:
    """Return each model's answers, by its name on the page.

    Args:
        spectra: the spectra to predict.
        report: "classify", "qso" and "bal" -> run folders of the report's networks.
        peers: name -> QuasarNET's run folder or file of weights.
    """
    answers_by_model = {
        REPORT: _of_report(spectra, {name: load(run) for name, run in report.items()})
    }
    for name, model in peers.items():
        answers_by_model[name] = _of_model(spectra, load(model), _line_confidence)
    return answers_by_model | {OURS: _of_model(spectra, load(), lambda columns: columns["P_3000"])}


def _of_report(spectra: Spectra, models: Mapping[str, Model]) -> Reply:
    """Table 1's class, and Table 3's redshift by the network of the true class, as reported."""
    columns = models["classify"].columns(*spectra.pixels)
    of_qso, of_bal = (models[name].columns(*spectra.pixels)["Z"] for name in ("qso", "bal"))
    z = np.where(spectra.truth.label == QSO_BAL, of_bal, of_qso)
    answers = replace(models["classify"].task.quasars(columns), z=z)
    return _reply(spectra, answers, columns, None)


def _of_model(
    spectra: Spectra, model: Model, confidence: Callable[[Columns], NDArray[np.floating]]
) -> Reply:
    """Return all answers of one model."""
    blocks, levels = [], []
    for rows in row_slices(0, len(spectra), model.grid.bytes_per_spectrum, AT_ONCE):
        columns = model.columns(*(pixels[rows] for pixels in spectra.pixels))
        if (posterior := model.task.posterior) is not None:
            # p(z) takes more memory than the spectra, so only its summaries are kept.
            p = columns.pop(posterior.p)
            levels.append(highest_density_level(p, posterior.edges, spectra.truth.z[rows]))
        blocks.append(columns)
    joined = {name: np.ma.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    columns = {name: np.ma.getdata(values) for name, values in joined.items()}
    reply = _reply(spectra, model.task.quasars(columns), columns, confidence(columns))
    return replace(reply, level=np.concatenate(levels)) if levels else reply


def _probabilities() -> list[str]:
    return [f"P_{name}" for name in CLASSES]


def _reply(
    spectra: Spectra,
    answers: Answers,
    columns: Columns,
    p_redshift: NDArray[np.floating] | None,
) -> Reply:
    scores = quasar_scores.scores(spectra.truth, answers)
    if "CLASS" not in columns:
        return Reply(answers, scores, p_redshift=p_redshift)
    p = np.stack([columns[name] for name in _probabilities()], axis=-1)
    label = np.array([CLASSES.index(name) for name in columns["CLASS"].tolist()])
    of_called = np.take_along_axis(np.asarray(p), label[:, None], axis=-1)[:, 0]
    return Reply(answers, scores, label, of_called, p_redshift)


def _line_confidence(columns: Columns) -> NDArray[np.floating]:
    """Return the confidence of QuasarNET's best line."""
    lines = [name for name in columns if name.startswith("C_") and not name.endswith("_BAL")]
    return np.max([columns[name] for name in lines], axis=0)


def right_class(reply: Reply, truth: Truth) -> NDArray[np.bool_]:
    """Return whether the class is right, (n,)."""
    assert reply.label is not None
    return np.asarray(reply.label == truth.label)


def right_redshift(reply: Reply, truth: Truth) -> NDArray[np.bool_]:
    """Return whether the redshift is within 3000 km/s, (n,)."""
    return np.asarray(reply.off(truth) <= CATASTROPHIC)
