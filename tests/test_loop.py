"""Training: it learns, it resumes bit for bit, and it says what is wrong."""

import gzip
import itertools
import json
from functools import partial
from pathlib import Path

import jax
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
import toy_survey

from spectranet_jax import networks, tasks
from spectranet_jax.datasets.split import Split, open_split
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.training import augment as augmenting
from spectranet_jax.training import checkpoint, optimizers, run
from spectranet_jax.training.evaluate import make_evaluate
from spectranet_jax.training.loop import initial_state, loss_rows, train
from spectranet_jax.training.order import ORDERS
from spectranet_jax.training.sharding import placement
from spectranet_jax.training.steps import State, init_state, make_train_step

BATCH, SEED = 64, 4
TASK = tasks.build("classify", GRID)
NETWORK = networks.build("SpectraNetClassifier", GRID, channels=[8, 8, 8, 8])


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Split, Split]:
    folder = tmp_path_factory.mktemp("loop") / "toy"
    toy_survey.write(folder, 2000)
    return open_split(folder, "train", TASK.select), open_split(folder, "valid", TASK.select)


def run_training(
    splits: tuple[Split, Split],
    folder: Path,
    stop_after: int | None = None,
    schedule: str = "shuffled",
    epochs: int = 3,
    **settings: object,
) -> None:
    training, validation = splits
    folder.mkdir(exist_ok=True)
    fields = {"chunk": 384} if schedule == "chunked" else {}
    order = ORDERS[schedule](training.block_sizes, BATCH, epochs, SEED, **fields)
    optimizer, rate = optimizers.build("adam", "cosine", 5e-3, order.steps)
    options = {"devices": jax.devices()[:1], "checkpoint_every": 5} | settings
    train(
        NETWORK, TASK, optimizer, rate, order, training, validation, folder,
        batch=BATCH, seed=SEED, stop_after=stop_after, **options,
    )  # fmt: skip


def last_state(splits: tuple[Split, Split], folder: Path) -> State:
    training, _ = splits
    order = ORDERS["shuffled"](training.block_sizes, BATCH, 3, SEED)
    optimizer, _ = optimizers.build("adam", "cosine", 5e-3, order.steps)
    place = placement(BATCH, jax.devices()[:1])
    return initial_state(NETWORK, TASK, optimizer, jax.random.key(0), folder, place)


@pytest.fixture(scope="module")
def whole(splits: tuple[Split, Split], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_training(splits, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [1, 13, 18])
def test_a_killed_run_resumes_bit_for_bit(
    splits: tuple[Split, Split], whole: Path, tmp_path: Path, killed_at: int
):
    folder = tmp_path / "run"
    run_training(splits, folder, stop_after=killed_at)
    # What a killed run also leaves: rows past its last checkpoint, the last of them cut off.
    with (folder / run.METRICS).open("a") as file:
        file.write(json.dumps({"step": killed_at + 1, "loss": 99.0}) + '\n{"step": 9')
    run_training(splits, folder)
    for ours, theirs in zip(
        jax.tree.leaves(last_state(splits, folder)),
        jax.tree.leaves(last_state(splits, whole)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert (folder / run.METRICS).read_bytes() == (whole / run.METRICS).read_bytes()
    best = checkpoint.latest_step(folder, checkpoint.BEST)
    assert best == checkpoint.latest_step(whole, checkpoint.BEST)


@pytest.mark.slow
def test_a_run_killed_between_its_two_checkpoints_resumes_bit_for_bit(
    splits: tuple[Split, Split], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its `best` is then newer than its `last`, and steps since the last are taken again."""
    folder, save = tmp_path / "run", checkpoint.save
    end_of_epoch = len(splits[0]) // BATCH
    assert end_of_epoch % 5 != 0  # where `last` was saved before

    def killed(run: Path, kind: str, step: int, tree: object) -> None:
        if kind == checkpoint.LAST and step == end_of_epoch:
            raise KeyboardInterrupt
        save(run, kind, step, tree)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "save", killed)
        run_training(splits, folder)
    assert checkpoint.latest_step(folder, checkpoint.LAST) == end_of_epoch // 5 * 5
    assert checkpoint.latest_step(folder, checkpoint.BEST) == end_of_epoch
    run_training(splits, folder)
    assert (folder / run.METRICS).read_bytes() == (whole / run.METRICS).read_bytes()
    for ours, theirs in zip(
        jax.tree.leaves(last_state(splits, folder)),
        jax.tree.leaves(last_state(splits, whole)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_training_again_in_a_finished_folder_changes_nothing(
    splits: tuple[Split, Split], whole: Path
):
    before = (whole / run.METRICS).read_bytes()
    run_training(splits, whole)
    assert (whole / run.METRICS).read_bytes() == before


@pytest.mark.slow
def test_it_learns_and_keeps_the_epoch_with_the_lowest_validation_loss(
    splits: tuple[Split, Split], whole: Path
):
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
    assert evaluate(variables).scores["loss"] == valid[best]


@pytest.mark.slow
def test_spectra_on_the_device_train_as_streamed_ones_do(
    splits: tuple[Split, Split], tmp_path: Path
):
    """To what float32 keeps of 6 steps: scan and loop are compiled differently."""
    folders = [tmp_path / "streamed", tmp_path / "on-device"]
    for folder, on_device in zip(folders, (False, True), strict=True):
        run_training(splits, folder, stop_after=6, on_device=on_device)
    streamed, there = (jax.tree.leaves(last_state(splits, folder)) for folder in folders)
    for ours, theirs in zip(there, streamed, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=8e-4)


@pytest.mark.slow
def test_a_run_on_the_device_resumes_bit_for_bit_from_where_a_scan_ended(
    splits: tuple[Split, Split], whole: Path, tmp_path: Path
):
    folders = [tmp_path / "whole", tmp_path / "killed"]
    run_training(splits, folders[0], on_device=True)
    for stop_after in (10, len(splits[0]) // BATCH, None):  # within an epoch, and at its end
        run_training(splits, folders[1], on_device=True, stop_after=stop_after)
    one, other = (last_state(splits, folder) for folder in folders)
    for ours, theirs in zip(jax.tree.leaves(other), jax.tree.leaves(one), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    texts = {(folder / run.METRICS).read_bytes() for folder in folders}
    assert len(texts) == 1
    # And it ends where a streamed run does.
    rows, streamed = run.read_metrics(folders[0]), run.read_metrics(whole)
    assert [row["step"] for row in rows] == [row["step"] for row in streamed]
    assert rows[-1]["valid_loss"] == pytest.approx(streamed[-1]["valid_loss"], rel=0.1)


@pytest.mark.slow
def test_a_profile_is_written_of_steps_after_compilation(
    splits: tuple[Split, Split], tmp_path: Path
):
    run_training(splits, tmp_path / "run", stop_after=10, profile=True)
    names = [path.name for path in (tmp_path / "run" / "profile").rglob("*") if path.is_file()]
    assert any(name.endswith(".xplane.pb") for name in names)  # TensorBoard
    (trace,) = (tmp_path / "run" / "profile").rglob("perfetto_trace.json.gz")
    events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    said = [event.get("name", "") for event in events]
    assert any("train_step" in name for name in said)
    assert not any("backend_compile" in name for name in said)
    with pytest.raises(InputError, match="--profile needs more than the 3 steps that are left"):
        run_training(splits, tmp_path / "run", stop_after=13, profile=True)


@pytest.mark.slow
def test_metrics_hold_no_times(whole: Path):
    keys = {key for row in run.read_metrics(whole) for key in row}
    assert keys == {"step", "loss", "learning_rate", "valid_loss"}


@pytest.mark.slow
def test_the_chunked_schedule_makes_the_saw_tooth_of_figure_1(
    splits: tuple[Split, Split], tmp_path: Path
):
    """The loss jumps where a new chunk begins: it was fitted to the chunk before."""
    folder = tmp_path / "run"
    run_training(splits, folder, schedule="chunked", epochs=30)
    losses = np.array([row["loss"] for row in run.read_metrics(folder) if "loss" in row])
    per_chunk = losses.reshape(-1, 30 * 6)  # 384 // 64 steps a pass, 30 passes a chunk
    assert len(per_chunk) == 3
    for before, after in itertools.pairwise(per_chunk):
        assert after[:6].mean() > 1.5 * before[-6:].mean()
        assert after[-6:].mean() < after[:6].mean()


@pytest.mark.slow
def test_progress_adds_up_to_the_steps_of_the_run(splits: tuple[Split, Split], tmp_path: Path):
    seen: list[int] = []
    run_training(splits, tmp_path / "run", stop_after=7, report=lambda n, _: seen.append(n))
    run_training(splits, tmp_path / "run", stop_after=9, report=lambda n, _: seen.append(n))
    assert sum(seen) == 7 + 7 + 2  # the resumed run first tells what was done before


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_steps():
    losses = [np.float32(1), np.float32("nan"), np.float32("inf"), np.float32(2)]
    with pytest.raises(InputError, match=r"steps 98 to 99; .* a lower --rate"):
        loss_rows(100, losses, lambda step: 0.1 * step)


@pytest.mark.slow
def test_a_checkpoint_of_another_network_is_refused(whole: Path):
    other = networks.build("SpectraNetClassifier", GRID, channels=[8, 8, 8, 9])
    optimizer, _ = optimizers.build("adam", "cosine", 5e-3, 10)
    place = placement(BATCH, jax.devices()[:1])
    with pytest.raises(InputError, match="belongs to another network"):
        initial_state(other, TASK, optimizer, jax.random.key(0), whole, place)


def test_damaged_metrics_and_a_full_disk_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / run.METRICS).write_text('{"loss": 1.0}\n')
    with pytest.raises(InputError, match="without its step"):
        run.read_metrics(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(InputError, match="No space left on device; make room"):
        run.append_metrics(tmp_path, [])
    monkeypatch.setattr(ocp.CheckpointManager, "save", full)
    with pytest.raises(InputError, match="checkpoint of step 3 cannot be written"):
        checkpoint.save(tmp_path, checkpoint.LAST, 3, {"x": np.zeros(2)})


def test_a_run_folder_keeps_its_settings(tmp_path: Path):
    config = {"seed": 1, "network": {"name": "x"}, "versions": {"jax": "1"}}
    run.write_config(tmp_path / "run", config)
    run.write_config(tmp_path / "run", config | {"versions": {"jax": "2"}})
    assert run.read_config(tmp_path / "run") == config
    with pytest.raises(InputError, match=r"other settings \(seed, network.name\)"):
        run.write_config(tmp_path / "run", config | {"network": {"name": "y"}, "seed": 2})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(InputError, match="something else than a run"):
        run.write_config(tmp_path / "other", config)
    with pytest.raises(InputError, match="is no run folder"):
        run.read_config(tmp_path / "other")


observe = partial(augmenting.observe, grid=GRID)


@pytest.mark.slow
def test_light_is_observed_anew_in_every_step_and_a_killed_run_still_resumes_bit_for_bit(
    splits: tuple[Split, Split], tmp_path: Path
):
    """The observation is a function of the step, as all else that is random."""
    for name, settings in (("whole", {}), ("killed", {"stop_after": 4}), ("plain", {})):
        augment = {} if name == "plain" else {"augment": observe}
        run_training(splits, tmp_path / name, epochs=1, **augment, **settings)
    run_training(splits, tmp_path / "killed", epochs=1, augment=observe)
    whole, killed, plain = (
        [row["loss"] for row in run.read_metrics(tmp_path / name) if "loss" in row]
        for name in ("whole", "killed", "plain")
    )
    assert whole == killed
    # The first step's weights are the same; what they are shown is not.
    assert whole[0] != plain[0]


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
