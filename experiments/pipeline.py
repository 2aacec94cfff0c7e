"""From a training command's settings to a trained and evaluated run folder."""

import dataclasses
import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import jax

import spectranet_jax
from experiments.evaluate import evaluate_run
from experiments.fine_tuning import Start, start_from
from experiments.settings import Training, of_the_run, run_folder
from experiments.training_data import left_out, observation, warn_of_damage
from spectranet_jax import networks
from spectranet_jax.datasets.split import Split, open_split
from spectranet_jax.inference import load
from spectranet_jax.progress import progress
from spectranet_jax.tasks import Task
from spectranet_jax.training import checkpoint, optimizers, run
from spectranet_jax.training.distributed import in_first_process, leads, together
from spectranet_jax.training.loop import PROFILE, train
from spectranet_jax.training.order import ORDERS
from spectranet_jax.training.recipe import Recipe, Session
from spectranet_jax.training.scoring import make_evaluate
from spectranet_jax.training.sharding import placement

PACKAGES = ("jax", "flax", "optax", "orbax-checkpoint", "grain", "numpy")


@together()
def train_and_evaluate(
    name: str, config: Training, training: Split, network: dict[str, Any], task: Task
) -> None:
    """Train or resume in the run folder, then evaluate the best checkpoint on the test split.

    Args:
        name: of the run, and of its folder in runs/ unless the settings name another.
        config: settings of the run.
        training: spectra to train on; those to validate with and to test on are beside them.
        network: its name and fields, as `networks.build` takes them.
        task: the task of the network. With --init, network and task are those of the model.
    """
    folder = run_folder(config, name)
    skip = config.skip_damaged
    validation = warn_of_damage(
        open_split(training.folder, "valid", task.select, skip_damaged=skip)
    )
    start = start_from(config.init, training, validation) if config.init else None
    if start is not None:
        network, task = start.network, start.task
    with resumable(folder):
        train_run(name, config, training, validation, network, task, start)
        if start.calibrated if start is not None else task.calibrated:
            calibrate(folder, validation, start.calibration if start is not None else {})
        evaluate_run(folder, None, "test", folder, skip_damaged=skip)


def train_run(
    name: str,
    config: Training,
    training: Split,
    validation: Split,
    network: dict[str, Any],
    task: Task,
    start: Start | None = None,
) -> None:
    """Train or resume in the run folder: see `train_and_evaluate`.

    Args:
        validation: spectra by which the best checkpoint is chosen.
        start: the model to fine-tune.
    """
    folder = run_folder(config, name)
    batch = batch_of(config, training)
    recipe = recipe_of(config, training, network, task, start)
    placement(batch)  # before anything is written: the batch size must suit the devices
    content = run_config(name, config, training, network, task)
    if start is not None:
        content["init"] = start.record
    content["data"] |= left_out(training, validation)
    in_first_process(lambda: run.write_config(folder, content))
    announce(name, folder, training, validation, recipe.order.steps)
    session = Session(folder, batch, config.seed, profile=config.profile)
    train_here(recipe, session, training, validation)


def batch_of(config: Training, training: Split) -> int:
    """Return the spectra per step: --batch, but no more in fine-tuning than there are."""
    if config.init is None:
        return config.batch
    devices = jax.device_count()
    return min(config.batch, max(devices, len(training) // devices * devices))


def recipe_of(
    config: Training,
    training: Split,
    network: dict[str, Any],
    task: Task,
    start: Start | None = None,
) -> Recipe:
    """Return the recipe that the settings describe."""
    order_settings = {"chunked": {"chunk": config.chunk}}.get(config.schedule, {})
    order = ORDERS[config.schedule](
        training.block_sizes,
        batch=batch_of(config, training),
        epochs=config.epochs,
        seed=config.seed,
        **order_settings,
    )
    return Recipe(
        networks.build(grid=training.grid, **network),
        task,
        optimizers.build(config.optimizer, config.decay, config.rate, order.steps),
        order,
        observation(training),
        start.variables if start is not None else None,
    )


def run_config(
    name: str, config: Training, training: Split, network: dict[str, Any], task: Task
) -> run.Row:
    """Return the contents of config.json: enough to build network and task, and their sources."""
    return {
        "experiment": name,
        "grid": dataclasses.asdict(training.grid),
        "network": network,
        "task": task.config,
        "settings": of_the_run(config),
        "seed": config.seed,
        "data": {
            "folder": str(training.folder),
            "fingerprint": training.manifest.fingerprint,
            "creator": training.manifest.creator,
        },
        "versions": versions(),
    }


def announce(name: str, folder: Path, training: Split, validation: Split, steps: int) -> None:
    """Print the amount of training, and where a run resumes."""
    print(
        f"{name}: {len(training):,} spectra to train on, {len(validation):,} to validate with,"
        f" {steps} steps on {jax.device_count()} {jax.default_backend()} device(s)",
        flush=True,
    )
    if done := checkpoint.latest_step(folder, checkpoint.LAST):
        action = "resuming after" if done < steps else "training is complete, evaluating again:"
        print(f"{name}: {action} step {done} of {steps}", flush=True)


def train_here(recipe: Recipe, session: Session, training: Split, validation: Split) -> None:
    """Train with progress on the terminal."""
    shown = progress("training", total=recipe.order.steps) if leads() else nullcontext(silent)
    with shown as report:
        train(recipe, session, training, validation, report)
    if session.profile:
        print(f"profile: {session.folder / PROFILE}")


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Make an interruption of the block, by Ctrl-C or SIGTERM, name the way to resume."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise type(interrupt)(
            f"{str(interrupt) or 'interrupted'}; run the same command again to resume at the last"
            f" checkpoint in {folder}"
        ) from None


def calibrate(folder: Path, validation: Split, before: Mapping[str, Any]) -> None:
    """Fit a run's calibration on its validation split, and save it in the run folder.

    Args:
        folder: the run.
        validation: the split.
        before: fields of the model that the run started from, for those that cannot be fitted.
    """
    in_first_process(
        lambda: run.write_calibration(folder, {})
    )  # the model of a run that was resumed
    model = load(folder)
    evaluation = make_evaluate(model.network, model.task, validation)(model.variables)
    fields = {**before, **model.task.calibrate(evaluation.columns, validation.columns)}
    in_first_process(lambda: run.write_calibration(folder, fields))
    print("calibrated on the validation split: " + json.dumps(fields), flush=True)


def silent(_amount: int, _remark: str = "") -> None:
    """Show no progress, in all processes but the first."""


def versions() -> dict[str, str]:
    """Return the versions of this package, Python, and the packages that compute."""
    return {
        "spectranet-jax": spectranet_jax.__version__,
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in PACKAGES},
    }
