"""The loss of a fine-tuned LineNet: other class fractions in the data than the network has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_prep.mock import survey
from spectranet_jax.datasets.records import concatenate
from spectranet_jax.spectra import QUASARNET_GRID
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, GALAXY, NOT_BAL, QSO, QSO_BAL, STAR
from spectranet_jax.tasks.linenet_loss import at_fractions, class_loss, either_kind, fractions

TRAINED = (0.25, 0.25, 0.3, 0.2)
HERE = (0.05, 0.15, 0.7, 0.1)


def test_fractions_are_counts_with_half_a_spectrum_more() -> None:
    few = fractions(np.array([STAR, QSO, QSO, QSO_BAL]))
    np.testing.assert_allclose(few, np.array([1.5, 0.5, 2.5, 1.5]) / 6)
    without = fractions(np.array([QSO, QSO, GALAXY]))
    np.testing.assert_allclose(without, np.array([0.5, 1.5, 2.5, 0]) / 4.5)


def test_the_fractions_of_training_change_nothing() -> None:
    log_p = jax.nn.log_softmax(jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)), "f4"))
    np.testing.assert_allclose(at_fractions(log_p, TRAINED, TRAINED), log_p, atol=1e-6)


def test_probabilities_follow_bayes() -> None:
    p = np.array([[0.1, 0.2, 0.3, 0.4]])
    expected = p * np.array(HERE) / np.array(TRAINED)
    expected /= expected.sum()
    got = np.exp(at_fractions(jnp.log(jnp.asarray(p, "f4")), TRAINED, HERE))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("here", [HERE, (0.0125, 0.0125, 0.9625, 0.0125)])
def test_the_best_network_keeps_the_fractions_of_its_training(here: tuple[float, ...]) -> None:
    """What minimizes the loss on data at fractions `here` is Bayes' rule at those of training."""
    likelihood = np.random.default_rng(1).dirichlet(np.ones(6), size=4)  # p(spectrum | class)
    posterior = likelihood.T * np.array(TRAINED)
    best = jnp.asarray(np.log(posterior / posterior.sum(1, keepdims=True)), "f4")

    def expected_loss(logits: jax.Array) -> jax.Array:
        log_p = at_fractions(jax.nn.log_softmax(logits), TRAINED, here)
        of_class = [class_loss(log_p, jnp.full(6, label), jnp.zeros(6, bool)) for label in range(4)]
        return sum(here[i] * (likelihood[i] * of_class[i]).sum() for i in range(4))

    np.testing.assert_allclose(jax.grad(expected_loss)(best), 0, atol=1e-6)
    assert np.abs(jax.grad(expected_loss)(jnp.zeros((6, 4)))).max() > 1e-3


@pytest.mark.slow
def test_without_bal_labels_a_quasar_is_of_either_kind() -> None:
    """So that a label QSO does not teach that there is no broad absorption."""
    p = jnp.asarray([[0.1, 0.2, 0.3, 0.4]])
    here = (0.2, 0.2, 0.6, 0.0)

    def loss(bal: jax.Array, label: int) -> jax.Array:
        split = p.at[:, QSO].set(0.7 * (1 - bal)).at[:, QSO_BAL].set(0.7 * bal)
        truth = {"label": np.array([label]), "bal": np.array([NOT_BAL])}
        either = either_kind(truth, TRAINED, here)
        log_p = at_fractions(jnp.log(split), TRAINED, here)
        return class_loss(log_p, truth["label"], either).sum()

    value, slope = jax.value_and_grad(loss)(jnp.float32(0.5), QSO)
    assert slope == pytest.approx(0, abs=1e-6)
    weights = np.array([0.1 * 0.2 / 0.25, 0.2 * 0.2 / 0.25, 0.7 * 0.6 / 0.5])
    assert value == pytest.approx(-np.log(weights[2] / weights.sum()), rel=1e-5)
    assert loss(jnp.float32(0.5), QSO_BAL) == value  # of a held-out BAL too


def test_a_class_that_the_network_never_saw_stays_finite() -> None:
    log_p = jnp.log(jnp.asarray([[0.5, 0.25, 0.2, 0.05]]))
    assert np.isfinite(at_fractions(log_p, (0.5, 0.5, 0.0, 0.0), HERE)).all()


def test_a_quasar_with_an_unsure_flag_is_of_either_kind() -> None:
    label = np.array([STAR, GALAXY, QSO, QSO, QSO_BAL, QSO_BAL])
    bal = np.array([BAL_UNSURE, BAL_UNSURE, BAL_UNSURE, NOT_BAL, BAL_UNSURE, BAL])
    truth = {"label": label, "bal": bal}
    for here in (None, HERE):
        either = either_kind(truth, TRAINED, here)
        assert either.tolist() == [False, False, True, False, False, False]
    # A network without the class QSO_BAL calls every quasar QSO, and learns it.
    assert not either_kind(truth, (0.4, 0.3, 0.3, 0.0), None).any()

    p = jnp.asarray([[0.1, 0.2, 0.3, 0.4]] * 6)
    either = either_kind(truth, TRAINED, None)
    value = class_loss(jnp.log(p), label, either)
    np.testing.assert_allclose(value, -np.log([0.1, 0.2, 0.7, 0.3, 0.4, 0.4]), rtol=1e-5)


@pytest.mark.slow
def test_the_mock_surveys_lobals_teach_nothing_of_broad_absorption() -> None:
    """At z below 1.55 C IV is off the grid, and a trough of Mg II leaves the flag unsure."""
    block = concatenate(list(survey.blocks({"QSO": 512}, seed=3, grid=QUASARNET_GRID)))
    truth = {"label": block.label, "bal": block.bal}
    unsure = block.bal == BAL_UNSURE
    assert 0 < unsure.sum() < len(unsure) / 10 and (block.z[unsure] < 1.55).all()
    logits = jnp.zeros(len(unsure))

    def loss(bal: jax.Array) -> jax.Array:
        kinds = [jnp.full(len(unsure), -2.0)] * 2 + [jax.nn.log_sigmoid(-bal)]
        log_p = jnp.stack([*kinds, jax.nn.log_sigmoid(bal)], axis=-1)
        return class_loss(log_p, truth["label"], either_kind(truth, TRAINED, None)).sum()

    slope = np.asarray(jax.grad(loss)(logits))
    np.testing.assert_allclose(slope[unsure], 0, atol=1e-6)
    np.testing.assert_allclose(slope[~unsure], 0.5, atol=1e-6)
