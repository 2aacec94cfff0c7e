"""The loss of a fine-tuned LineNet: other class fractions in the data than the network has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spectranet_jax.spectra.labels import GALAXY, QSO, QSO_BAL, STAR
from spectranet_jax.tasks.linenet_loss import at_fractions, class_loss, fractions

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


@pytest.mark.parametrize("here", [HERE, (0.0125, 0.0125, 0.9625, 0.0125)])
def test_the_best_network_keeps_the_fractions_of_its_training(here: tuple[float, ...]) -> None:
    """What minimizes the loss on data at fractions `here` is Bayes' rule at those of training."""
    likelihood = np.random.default_rng(1).dirichlet(np.ones(6), size=4)  # p(spectrum | class)
    posterior = likelihood.T * np.array(TRAINED)
    best = jnp.asarray(np.log(posterior / posterior.sum(1, keepdims=True)), "f4")

    def expected_loss(logits: jax.Array) -> jax.Array:
        log_p = at_fractions(jax.nn.log_softmax(logits), TRAINED, here)
        of_class = [class_loss(log_p, jnp.full(6, label)) for label in range(4)]
        return sum(here[i] * (likelihood[i] * of_class[i]).sum() for i in range(4))

    np.testing.assert_allclose(jax.grad(expected_loss)(best), 0, atol=1e-6)
    assert np.abs(jax.grad(expected_loss)(jnp.zeros((6, 4)))).max() > 1e-3


def test_without_bal_labels_a_quasar_is_of_either_kind() -> None:
    """So that a label QSO does not teach that there is no broad absorption."""
    p = jnp.asarray([[0.1, 0.2, 0.3, 0.4]])
    here = (0.2, 0.2, 0.6, 0.0)

    def loss(bal: jax.Array, label: int) -> jax.Array:
        split = p.at[:, QSO].set(0.7 * (1 - bal)).at[:, QSO_BAL].set(0.7 * bal)
        return class_loss(at_fractions(jnp.log(split), TRAINED, here), jnp.array([label])).sum()

    value, slope = jax.value_and_grad(loss)(jnp.float32(0.5), QSO)
    assert slope == pytest.approx(0, abs=1e-6)
    weights = np.array([0.1 * 0.2 / 0.25, 0.2 * 0.2 / 0.25, 0.7 * 0.6 / 0.5])
    assert value == pytest.approx(-np.log(weights[2] / weights.sum()), rel=1e-5)
    assert loss(jnp.float32(0.5), QSO_BAL) == value  # of a held-out BAL too


def test_a_class_that_the_network_never_saw_stays_finite() -> None:
    log_p = jnp.log(jnp.asarray([[0.5, 0.25, 0.2, 0.05]]))
    assert np.isfinite(at_fractions(log_p, (0.5, 0.5, 0.0, 0.0), HERE)).all()
