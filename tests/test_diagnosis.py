"""A loss or gradient that is not finite stops the run, and names its step and objects."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import toy_survey
from naming import naming
from toy_training import BATCH, NETWORK, Splits, make_recipe, make_splits

from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.tasks.classify_task import ClassifyTask
from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.loop import train
from spectranet_jax.training.recipe import Session
from spectranet_jax.training.steps import init_state, make_train_step

BAD = 77
"""Position of a spectrum that no network can take."""


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    return make_splits(tmp_path_factory.mktemp("loop") / "toy")


@dataclass(frozen=True)
class Spoiled(ClassifyTask):
    """The classifier's task, with a loss that is not finite for one object."""

    object_id: int = 0

    def targets(self, truth: Any) -> dict[str, Any]:
        bad = np.where(truth["object_id"] == self.object_id, np.float32("inf"), np.float32(0))
        return {**super().targets(truth), "bad": bad}

    def loss(self, output: Any, batch: Any) -> Any:
        return super().loss(output, batch) + batch["bad"]


def train_spoiled(splits: Splits, of: int, folder: Path) -> int:
    """Train where one object of a split cannot be trained on; return its id."""
    folder.mkdir()
    object_id = int(splits[of].columns["object_id"][BAD])
    recipe = replace(make_recipe(splits[0]), task=Spoiled(GRID, object_id=object_id))
    train(recipe, Session(folder, BATCH, 0, 5, devices=jax.devices()[:1]), *splits)
    return object_id


@pytest.mark.slow
def test_training_names_step_and_objects_and_saves_the_batch(splits: Splits, tmp_path: Path):
    training = splits[0]
    order = make_recipe(training).order
    step = 1 + next(s for s in range(order.steps) if BAD in order.positions(s))
    positions = order.positions(step - 1)
    ids = training.columns["object_id"][positions]
    path = tmp_path / "run" / f"not-finite-step-{step}.npz"
    words = naming(f"step {step};", *ids[:5], f"{BATCH - 5} more", path, "--rate")
    with pytest.raises(InputError, match=words):
        train_spoiled(splits, 0, tmp_path / "run")
    with np.load(path, allow_pickle=False) as saved:
        assert saved.keys() == {"flux", "ivar", "label", "bad", "object_id", "name", "source"}
        np.testing.assert_array_equal(saved["object_id"], ids)
        np.testing.assert_array_equal(saved["name"], training.columns["name"][positions])
        for stored, expected in zip(
            (saved["flux"], saved["ivar"]), training.pixels(positions), strict=True
        ):
            np.testing.assert_array_equal(stored, expected)
        (bad,) = np.flatnonzero(np.isinf(saved["bad"]))
        assert saved["object_id"][bad] == training.columns["object_id"][BAD]
    # The last good state stands, and no row of a step that failed.
    last = checkpoint.latest_step(tmp_path / "run", checkpoint.LAST) or 0
    rows = [row["step"] for row in run.read_metrics(tmp_path / "run")]
    assert last < step and all(row < step for row in rows)


@pytest.mark.slow
def test_validation_names_its_objects(splits: Splits, tmp_path: Path):
    validation = splits[1]
    words = naming("valid", f"1 of {len(validation)}", validation.columns["object_id"][BAD])
    with pytest.raises(InputError, match=words):
        train_spoiled(splits, 1, tmp_path / "run")


@dataclass(frozen=True)
class Steep(ClassifyTask):
    """The classifier's task, with a loss whose value is finite everywhere and whose gradient is
    not."""

    def loss(self, output: Any, batch: Any) -> Any:
        return super().loss(output, batch) + jnp.sqrt(0 * output.sum(axis=-1))


@pytest.mark.long
def test_a_gradient_that_is_not_finite_shows_in_the_loss():
    data = toy_survey.block(8)
    batch = {"flux": data.flux, "ivar": data.ivar, "label": data.label.astype(np.int32)}
    losses = {}
    for kind in (ClassifyTask, Steep):
        task, optimizer = kind(GRID), optax.sgd(1e-3)
        state = init_state(NETWORK, task, optimizer, jax.random.key(0))
        _, loss = make_train_step(NETWORK, task, optimizer)(state, batch, jax.random.key(1))
        losses[kind] = float(loss)
    assert np.isfinite(losses[ClassifyTask]) and np.isnan(losses[Steep])
