"""LineNet's calibration where the class fractions are not those of its training."""

import dataclasses

import numpy as np
import pytest
from scipy.special import log_softmax

from spectranet_jax import tasks
from spectranet_jax.networks.line_evidence import LINES, Output
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.labels import (
    BAL,
    CONFIDENT,
    GALAXY,
    NOT_BAL,
    QSO,
    QSO_BAL,
    STAR,
)
from spectranet_jax.spectra.zsteps import ZSteps
from spectranet_jax.tasks.linenet_calibration import class_temperature
from spectranet_jax.tasks.linenet_loss import fraction_ratio

STEPS = ZSteps.of(GRID)
HERE = (0.9, 0.04, 0.04, 0.02)
"""Of the classes: nine spectra in ten are stars."""

TRAINED = (0.25, 0.25, 0.25, 0.25)


def toy(rng, fractions, too_sure=1.0, n=100_000):
    """Log-probabilities at equal fractions, by Bayes, of spectra drawn at others, and labels."""
    label = rng.choice(4, n, p=fractions)
    means = np.diag([4.0, 1.0, 1.0, 1.0])  # stars are the easy ones
    x = means[label] + rng.normal(0, 1, (n, 4))
    log_p = log_softmax(-0.5 * ((x[:, None] - means) ** 2).sum(axis=2), axis=1)
    return log_softmax(too_sure * log_p, axis=1), label


@pytest.mark.slow
@pytest.mark.parametrize("too_sure", [1.0, 2.0])
@pytest.mark.parametrize("fractions", [TRAINED, HERE])
def test_a_temperature_does_not_depend_on_the_class_fractions(rng, too_sure, fractions):
    log_p, label = toy(rng, fractions, too_sure)
    sure = np.zeros(len(label), bool)
    ratio = fraction_ratio(TRAINED, fractions)
    assert class_temperature(log_p, label, sure, ratio) == pytest.approx(too_sure, rel=0.03)
    if fractions == HERE:  # without the ratio, the network would seem to be wrong
        assert abs(class_temperature(log_p, label, sure, np.ones(4)) / too_sure - 1) > 0.1


@pytest.mark.slow
def test_quasars_of_either_kind_calibrate_it_too(rng):
    log_p, label = toy(rng, (0.9, 0.04, 0.03, 0.03))
    either = label >= QSO
    ratio = fraction_ratio(TRAINED, (0.9, 0.04, 0.06, 0.0))
    found = class_temperature(log_p, np.minimum(label, QSO), either, ratio)
    assert found == pytest.approx(1, rel=0.03)
    # Some BALs are known, the others may be of either kind.
    log_p, label = toy(rng, TRAINED)
    either = (label >= QSO) & (rng.random(len(label)) < 0.5)
    unsure = np.where(either, QSO, label)
    assert class_temperature(log_p, unsure, either, np.ones(4)) == pytest.approx(1, rel=0.03)


def columns_of(log_p, z_logits):
    """What the task calibrates with, of an output."""
    quasar = np.logaddexp(log_p[:, QSO], log_p[:, QSO_BAL])
    output = Output(
        np.stack([log_p[:, STAR], log_p[:, GALAXY], quasar], axis=-1),
        log_p[:, QSO_BAL] - log_p[:, QSO],
        z_logits.astype(np.float32),
        np.zeros((len(log_p), len(LINES)), np.float32),
    )
    return tasks.build("linenet", GRID, trained_prior=TRAINED).decode(output)


@pytest.mark.slow
def test_the_task_calibrates_at_the_fractions_of_its_training(rng):
    log_p, label = toy(rng, HERE, n=1000)
    columns = columns_of(log_p, np.zeros((1000, STEPS.size)))
    truth = {"label": label, "bal": np.where(label == QSO_BAL, BAL, NOT_BAL)}
    truth |= {"z": np.full(1000, np.nan), "z_conf": np.zeros(1000)}
    task = tasks.build("linenet", GRID, trained_prior=TRAINED, tuned_prior=HERE)
    sure = np.zeros(1000, bool)
    expected = class_temperature(log_p, label, sure, np.array(HERE) / TRAINED)
    fields = task.calibrate(columns, truth)
    assert fields == {"class_temperature": pytest.approx(expected, rel=1e-3)}
    assert task.calibrate(columns, truth) != dataclasses.replace(task, tuned_prior=None).calibrate(
        columns, truth
    )


@pytest.mark.slow
def test_the_threshold_of_zwarn_is_that_of_the_fractions_of_training():
    """One spectrum in 100 is a galaxy, with 7% of wrong redshifts; in training one in 4 was."""
    n, log_z = 1200, np.log10(2) / STEPS.width
    label = np.where(np.arange(n) % 100 == 0, GALAXY, QSO)
    background = np.where(label == GALAXY, -9.0, -14.0)[:, None]
    z_logits = np.maximum(-0.5 * (np.arange(STEPS.size) + 0.5 - log_z) ** 2, background)
    log_p = np.where(label[:, None] == np.arange(4), 0.0, -12.0)
    wrong = np.isin(np.arange(n), [100])
    truth = {
        "label": label,
        "bal": np.full(n, NOT_BAL),
        "z": np.where(wrong, 2.0, 1.0),
        "z_conf": np.full(n, CONFIDENT),
    }
    columns = columns_of(log_p, z_logits)

    def threshold(tuned):
        task = tasks.build("linenet", GRID, trained_prior=TRAINED, tuned_prior=tuned)
        return task.calibrate(columns, truth)["zwarn_threshold"]

    assert threshold(None) == 0.5
    assert threshold((0.001, 0.01, 0.988, 0.001)) > 0.7
