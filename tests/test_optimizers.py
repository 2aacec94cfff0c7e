"""Schedules at their published points, optimizers against their textbook formulas."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from naming import naming

from spectranet_jax.spectra import InputError
from spectranet_jax.training import optimizers


@pytest.mark.slow
def test_cosine_rises_over_five_percent_and_falls_to_zero():
    rate = optimizers.cosine(0.1, 1000)
    assert float(rate(0)) == 0.0
    assert float(rate(25)) == pytest.approx(0.05)
    assert float(rate(50)) == pytest.approx(0.1)
    assert float(rate(525)) == pytest.approx(0.05)  # half-way down
    assert float(rate(1000)) == pytest.approx(0.0, abs=1e-9)


def test_constant_rises_and_stays():
    rate = optimizers.constant(0.1, 1000)
    np.testing.assert_allclose(rate(jnp.array([0, 25, 50, 999])), [0, 0.05, 0.1, 0.1], rtol=1e-6)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_a_run_of_few_steps_has_a_schedule_too(schedule: str):
    rate = optimizers.SCHEDULES[schedule](0.1, 3)
    assert np.isfinite([float(rate(step)) for step in range(4)]).all()


@pytest.mark.slow
def test_sgd_clips_the_gradient_and_carries_momentum():
    optimizer = optimizers.sgd(optax.constant_schedule(0.1))
    params = {"w": jnp.array([3.0, 4.0])}
    state = optimizer.init(params)
    first, state = optimizer.update({"w": jnp.array([30.0, 40.0])}, state, params)  # norm 50
    np.testing.assert_allclose(first["w"], [-0.06, -0.08], rtol=1e-6)
    second, _ = optimizer.update({"w": jnp.array([0.3, 0.4])}, state, params)  # norm 0.5
    velocity = 0.9 * np.array([0.6, 0.8]) + [0.3, 0.4]
    np.testing.assert_allclose(second["w"], -0.1 * velocity, rtol=1e-6)


@pytest.mark.slow
def test_adam_takes_the_step_of_kingma_and_ba():
    optimizer, rate = optimizers.build("adam", "constant", 1e-3, 100)
    params = {"w": jnp.array([1.0])}
    state, gradients = optimizer.init(params), [0.5, -2.0, 1.0]
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        updates, state = optimizer.update({"w": jnp.array([g])}, state, params)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        step = float(rate(t - 1)) * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(updates["w"], [-step], rtol=1e-4)


def test_unknown_names_are_reported():
    with pytest.raises(InputError, match=naming("lion", "adam", "sgd")):
        optimizers.build("lion", "cosine", 1e-3, 10)
