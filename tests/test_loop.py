"""Training learns, draws new noise in every step, records it, and stops where it must."""

import gzip
import itertools
import json
import re
from functools import partial
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
from toy_training import NETWORK, TASK, Splits, last_state, make_splits, run_training

from spectranet_jax import networks
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.spectrographs import Spectrographs
from spectranet_jax.training import augment as augmenting
from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.augment import as_stored
from spectranet_jax.training.scoring import make_evaluate
from spectranet_jax.training.steps import init_state, make_train_step

observe = partial(augmenting.observe, spectrographs=Spectrographs.of(("boss",), GRID))


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    return make_splits(tmp_path_factory.mktemp("loop") / "toy")


@pytest.fixture(scope="module")
def whole(splits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_training(splits, folder)
    return folder


@pytest.mark.slow
def test_it_learns_and_keeps_the_epoch_with_the_lowest_validation_loss(splits: Splits, whole: Path):
    rows = run.read_metrics(whole)
    losses = [row["loss"] for row in rows if "loss" in row]
    valid = {row["step"]: row["valid_loss"] for row in rows if "valid_loss" in row}
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, len(losses) + 1))
    assert len(valid) == 3
    best = checkpoint.latest_step(whole, checkpoint.BEST)
    assert best == min(valid, key=valid.__getitem__)

    variables = checkpoint.restore(whole, checkpoint.BEST, last_state(splits, whole).variables)
    evaluate = make_evaluate(NETWORK, TASK, splits[1], jax.devices()[:1])
    assert evaluate(variables).loss == valid[best]


@pytest.mark.slow
def test_a_profile_is_written_of_steps_after_compilation(splits: Splits, tmp_path: Path):
    run_training(splits, tmp_path / "run", stop_after=10, profile=True)
    names = [path.name for path in (tmp_path / "run" / "profile").rglob("*") if path.is_file()]
    assert any(name.endswith(".xplane.pb") for name in names)  # TensorBoard
    (trace,) = (tmp_path / "run" / "profile").rglob("perfetto_trace.json.gz")
    events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    event_names = [event.get("name", "") for event in events]
    assert any("train_step" in name for name in event_names)
    assert not any("backend_compile" in name for name in event_names)
    with pytest.raises(InputError, match=r"--profile .*\b3 steps"):
        run_training(splits, tmp_path / "run", stop_after=13, profile=True)


@pytest.mark.slow
def test_metrics_hold_no_times(whole: Path):
    keys = {key for row in run.read_metrics(whole) for key in row}
    assert keys == {"step", "loss", "learning_rate", "valid_loss"}


@pytest.mark.long
def test_the_chunked_schedule_makes_the_saw_tooth_of_figure_1(splits: Splits, tmp_path: Path):
    """The loss jumps where a new chunk begins: it was fitted to the chunk before."""
    folder = tmp_path / "run"
    run_training(splits, folder, recipe={"schedule": "chunked", "epochs": 30})
    losses = np.array([row["loss"] for row in run.read_metrics(folder) if "loss" in row])
    per_chunk = losses.reshape(-1, 30 * 6)  # 384 // 64 steps a pass, 30 passes a chunk
    assert len(per_chunk) == 3
    for before, after in itertools.pairwise(per_chunk):
        assert after[:6].mean() > 1.5 * before[-6:].mean()
        assert after[-6:].mean() < after[:6].mean()


@pytest.mark.slow
def test_progress_adds_up_to_the_steps_of_the_run(splits: Splits, tmp_path: Path):
    seen: list[int] = []
    run_training(splits, tmp_path / "run", stop_after=7, report=lambda n, _: seen.append(n))
    run_training(splits, tmp_path / "run", stop_after=9, report=lambda n, _: seen.append(n))
    assert sum(seen) == 7 + 7 + 2  # the resumed run first tells what was done before


@pytest.mark.slow
def test_a_checkpoint_of_another_network_is_refused(splits: Splits, whole: Path):
    other = networks.build("SpectraNetClassifier", GRID, channels=[8, 8, 8, 9])
    with pytest.raises(InputError, match=re.escape(str(whole))):
        last_state(splits, whole, other)


@pytest.mark.long
def test_light_is_observed_anew_in_every_step_and_a_killed_run_still_resumes_bit_for_bit(
    splits: Splits, tmp_path: Path
):
    """The observation is a function of the step, as is everything else that is random."""
    for name, settings in (("whole", {}), ("killed", {"stop_after": 4}), ("plain", {})):
        augment = as_stored if name == "plain" else observe
        recipe = {"epochs": 1, "augment": augment}
        run_training(splits, tmp_path / name, recipe=recipe, **settings)
    run_training(splits, tmp_path / "killed", recipe={"epochs": 1, "augment": observe})
    whole, killed, plain = (
        [row["loss"] for row in run.read_metrics(tmp_path / name) if "loss" in row]
        for name in ("whole", "killed", "plain")
    )
    assert whole == killed
    # The first step's weights are the same; what they are shown is not.
    assert whole[0] != plain[0]


@pytest.mark.long
def test_each_step_has_draws_of_its_own():
    """Two steps on the same batch, with a learning rate of 0: only the observation differs."""
    optimizer = optax.sgd(0.0)
    step = jax.jit(make_train_step(NETWORK, TASK, optimizer, observe))
    flux = np.full((4, 443), 2, np.float32)
    batch = {"flux": flux, "ivar": flux, "label": np.arange(4)}
    key = jax.random.key(1)
    state = init_state(NETWORK, TASK, optimizer, key)
    after, first = step(state, batch, key)
    _, again = step(state, batch, key)
    _, second = step(after, batch, key)
    assert float(first) == float(again) != float(second)
