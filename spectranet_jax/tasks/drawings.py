"""Figures shared by several tasks. Imports matplotlib, so tasks import it late."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation import figures, posterior, posterior_scores
from spectranet_jax.evaluation.calibration_figures import (
    coverage_plot,
    pit_histogram,
    reliability_diagram,
    risk_coverage_curve,
)
from spectranet_jax.evaluation.redshift_scores import CATASTROPHIC, dv
from spectranet_jax.evaluation.velocity_figure import velocity_histogram
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.normalize import normalize
from spectranet_jax.tasks.task import Draw

EXAMPLES = 12


def of_classes(split: Split, columns: Columns) -> dict[str, Draw]:
    """Return the confusion matrix, and examples of every class."""
    label = split.columns["label"]
    called = np.array([CLASSES.index(name) for name in columns["CLASS"].tolist()])
    counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(counts, (label, called), label >= 0)
    rows = _spread(label, EXAMPLES)
    flux, ivar = split.pixels(rows)
    return {
        "confusion_matrix": partial(figures.confusion_matrix, counts),
        "examples": partial(
            figures.examples,
            np.where(ivar > 0, normalize(flux, ivar), np.nan),
            split.grid.centers,
            label[rows],
            called[rows],
            np.stack([columns[f"P_{name}"][rows] for name in CLASSES], axis=-1),
        ),
    }


def of_redshifts(z_true: NDArray[np.floating], z_pred: NDArray[np.floating]) -> dict[str, Draw]:
    """Predicted against true z, and residuals, of spectra with a true redshift, (n,) each."""
    return {
        "redshift": partial(figures.redshift_scatter, z_true, z_pred),
        "residuals": partial(figures.residuals, z_true, dv(z_pred, z_true)),
    }


def of_posteriors(
    p: NDArray[np.floating],
    edges: NDArray[np.floating],
    z_true: NDArray[np.floating],
    z_pred: NDArray[np.floating],
    p_3000: NDArray[np.floating],
) -> dict[str, Draw]:
    """Return errors in km/s, and the calibration of p(z).

    Args:
        p: (n, bins), as for `posterior.decode`.
        edges: (bins + 1,), likewise.
        z_true: (n,), true redshift.
        z_pred: (n,), predicted redshift.
        p_3000: (n,), probability that it is right within 3000 km/s.
    """
    velocity = dv(z_pred, z_true)
    pit = posterior.cdf(p, edges, z_true)
    levels = {
        "central": posterior_scores.central_level(pit),
        "highest density": posterior_scores.highest_density_level(p, edges, z_true),
    }
    return {
        "velocity": partial(velocity_histogram, z_true, velocity),
        "pit": partial(pit_histogram, pit),
        "coverage": partial(coverage_plot, levels),
        "risk_coverage": partial(
            risk_coverage_curve,
            {"P_3000": p_3000},
            np.abs(velocity) > CATASTROPHIC,
            ylabel="fraction beyond 3000 km/s",
        ),
    }


def of_probabilities(label: NDArray[np.integer], log_prob: NDArray[np.floating]) -> Draw:
    """Return how reliable the class probabilities are: label (n,), log_prob (n, classes)."""
    return partial(reliability_diagram, label, log_prob)


def _spread(label: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Return rows that show every class about equally often: the first of each, the second, ..."""
    ranks = np.zeros(len(label), np.int64)
    for value in np.unique(label):
        ranks[label == value] = np.arange((label == value).sum())
    return np.lexsort((label, ranks))[:count]
