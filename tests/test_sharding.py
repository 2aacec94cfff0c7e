"""Eight devices compute what one computes."""

from collections.abc import Sequence
from functools import partial

import jax
import numpy as np
import pytest
import toy_survey

from spectranet_jax import networks, tasks
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.training import optimizers
from spectranet_jax.training.sharding import placement
from spectranet_jax.training.steps import State, init_state, make_train_step

BATCH = 64
TASK = tasks.build("classify", GRID)
NETWORK = networks.build("SpectraNetClassifier", GRID, channels=[8, 8, 8, 8])


def steps_on(devices: Sequence[jax.Device], count: int, dtype: type) -> tuple[State, list[float]]:
    optimizer, _ = optimizers.build("adam", "constant", 1e-3, 100)
    place = placement(BATCH, devices)
    data = toy_survey.block(BATCH * count)
    # BatchNorm must see the whole batch: give every device's share another level of S/N.
    ivar = np.sort(data.ivar * np.random.default_rng(0).uniform(0.5, 2, data.ivar.shape), axis=0)
    with jax.enable_x64(False):
        fresh = jax.jit(partial(init_state, NETWORK, TASK, optimizer))(jax.random.key(0))
    fresh = jax.tree.map(
        lambda a: np.asarray(a, dtype if a.dtype == np.float32 else a.dtype), fresh
    )
    state = jax.device_put(fresh, place.replicated)
    step = jax.jit(
        make_train_step(NETWORK, TASK, optimizer),
        in_shardings=(place.replicated, place.split, place.replicated),
        out_shardings=(place.replicated, place.replicated),
    )
    losses = []
    for i in range(count):
        rows = slice(i * BATCH, (i + 1) * BATCH)
        batch = {
            "flux": data.flux[rows].astype(dtype),
            "ivar": ivar[rows].astype(dtype),
            "label": data.label[rows].astype(np.int32),
        }
        state, loss = step(state, batch, jax.random.key(1))
        losses.append(float(loss))
    return jax.device_get(state), losses


@pytest.mark.slow
def test_one_step_on_eight_devices_equals_one_device_in_float32():
    assert len(jax.devices()) == 8
    alone, loss_alone = steps_on(jax.devices()[:1], 1, np.float32)
    divided, loss_divided = steps_on(jax.devices(), 1, np.float32)
    assert loss_divided == pytest.approx(loss_alone, abs=1e-5)
    for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(divided), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.long
def test_twenty_steps_on_eight_devices_equal_one_device_in_float64():
    """In float32 rounding grows from step to step; in float64 it is the algorithm that shows."""
    with jax.enable_x64(True):
        alone, loss_alone = steps_on(jax.devices()[:1], 20, np.float64)
        divided, loss_divided = steps_on(jax.devices(), 20, np.float64)
    np.testing.assert_allclose(loss_divided, loss_alone, atol=1e-9)
    for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(divided), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_a_batch_that_cannot_be_divided_is_refused():
    with pytest.raises(InputError, match=r"\b60\b.*\b8 devices"):
        placement(60)
