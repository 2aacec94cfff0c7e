"""Training, from the first step or from where it was killed, in the order that things happen."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from spectranet_jax.datasets.split import Split, check_grid
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.tasks import Task
from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.advance import LOG_EVERY, fits, resident, streamed, stretches
from spectranet_jax.training.augment import Augment, as_stored
from spectranet_jax.training.distributed import agreed, leads
from spectranet_jax.training.evaluate import make_validate
from spectranet_jax.training.order import Order
from spectranet_jax.training.sharding import Placement, placement
from spectranet_jax.training.steps import Network, State, init_state, make_train_step

PROFILE = "profile"
"""Folder in the run folder for a trace, which Perfetto and TensorBoard show."""

Report = Callable[[int, str], None]
"""Is told how many steps were done since the last time, and how it goes."""


def train(
    network: Network,
    task: Task,
    optimizer: optax.GradientTransformation,
    rate: optax.Schedule,
    order: Order,
    training: Split,
    validation: Split,
    folder: Path,
    *,
    batch: int,
    seed: int,
    checkpoint_every: int = 200,
    stop_after: int | None = None,
    augment: Augment = as_stored,
    profile: bool = False,
    report: Report = lambda _steps, _remark: None,
    devices: Sequence[jax.Device] | None = None,
    on_device: bool | None = None,
) -> None:
    """Train until the order ends; checkpoints and metrics go to the run folder.

    A run that was killed goes on from its last checkpoint, bit for bit as if it never had been, on
    the same kind of machine: batches and randomness are functions of the step. Where there are
    several processes each has its share of every batch, and the one that leads writes.

    Args:
        network: a Flax module.
        task: which loss it is trained with.
        optimizer: an optax chain.
        rate: the chain's learning rate against the step, for the log.
        order: which spectra make up the batch of each step.
        training: spectra to train on.
        validation: spectra by which the best checkpoint is chosen after every epoch.
        folder: the run folder, with its config.json.
        batch: spectra a step, on all devices together.
        seed: of the initial parameters and of dropout.
        checkpoint_every: steps between checkpoints to resume from, counted in each epoch, at the
            end of which there is one too.
        stop_after: stop after this step, as if killed (a job with a time limit).
        augment: what is done to each batch before the network sees it.
        profile: write a trace of the second stretch of steps, when all is compiled.
        report: progress.
        devices: to train on; those of all processes by default.
        on_device: whether the spectra lie on the devices, or are streamed; by default they lie on
            accelerators where they fit.

    Raises:
        InputError: if the loss is not finite, the spectra are on another grid than the task, or
            the run folder is of another network.
    """
    check_grid(training, task.grid)
    place = placement(batch, devices)
    key = jax.jit(lambda: jax.random.key(seed), out_shardings=place.replicated)()
    state = initial_state(network, task, optimizer, key, folder, place)
    first = int(state.step)
    stop = order.steps if stop_after is None else min(stop_after, order.steps)

    train_step = make_train_step(network, task, optimizer, augment)
    targets = task.target(training.columns)
    if on_device is None:
        on_device = fits((training, validation), targets, place)
    log_every = checkpoint_every if on_device else LOG_EVERY
    parts = list(stretches(order, first, stop, checkpoint_every, log_every))
    if profile and len(parts) < 2:
        raise InputError(
            f"--profile needs more than the {stop - first} steps that are left to train;"
            " train longer, or start another run (--out)"
        )
    start = resident if on_device else streamed
    advance = start(train_step, key, training, targets, order, place, first)
    validate = make_validate(network, task, validation, devices, keep=on_device)

    best = float("inf")
    if leads():
        kept = run.keep_metrics(folder, first)
        best = min((row["valid_loss"] for row in kept if "valid_loss" in row), default=best)
    report(first, "")
    for number, (begin, end) in enumerate(parts):
        with trace(folder / PROFILE, wanted=profile and number == 1 and leads()):
            state, losses = advance(state, begin, end)
            rows = loss_rows(end, losses, rate)
        report(len(rows), f"loss {rows[-1]['loss']:.4f}")
        if leads():
            run.append_metrics(folder, rows)
        if end % order.steps_per_epoch == 0:
            valid_loss = validate(state.variables)
            report(0, f"validation loss {valid_loss:.4f}")
            if leads():
                run.append_metrics(folder, [{"step": end, "valid_loss": valid_loss}])
                if valid_loss < best:
                    best = valid_loss
                    checkpoint.save(folder, checkpoint.BEST, end, state.variables)
        within = end % order.steps_per_epoch
        if leads() and (within % checkpoint_every == 0 or end == stop):
            checkpoint.save(folder, checkpoint.LAST, end, state)


def initial_state(
    network: Network,
    task: Task,
    optimizer: optax.GradientTransformation,
    key: jax.Array,
    folder: Path,
    place: Placement,
) -> State:
    """The state of the last checkpoint, or a fresh one, on the devices that it will live on."""

    def fresh(key: jax.Array) -> State:
        return init_state(network, task, optimizer, key)

    def latest() -> np.int64:
        step = checkpoint.latest_step(folder, checkpoint.LAST)
        return np.int64(-1 if step is None else step)

    if agreed(latest, np.int64(0)) < 0:
        return jax.jit(fresh, out_shardings=place.replicated)(key)
    like = jax.eval_shape(fresh, key)
    return place.everywhere(
        agreed(lambda: checkpoint.restore(folder, checkpoint.LAST, like), checkpoint.empty(like))
    )


def loss_rows(
    step: int, losses: jax.Array | Sequence[jax.Array], rate: optax.Schedule
) -> list[run.Row]:
    """One metrics row for each of the steps that end with `step`.

    Raises:
        InputError: if one of the losses is not finite.
    """
    values = np.asarray(jax.device_get(losses), np.float64)
    steps = np.arange(step - len(values) + 1, step + 1)
    rates = np.asarray(rate(jnp.asarray(steps - 1)))
    if not np.isfinite(values).all():
        bad = steps[~np.isfinite(values)]
        raise InputError(
            f"the loss is not finite at steps {bad[0]} to {bad[-1]};"
            " start another run (--out) with a lower --rate, or look for damaged spectra"
        )
    return [
        {"step": int(s), "loss": float(v), "learning_rate": float(r)}
        for s, v, r in zip(steps, values, rates, strict=True)
    ]


def trace(folder: Path, wanted: bool) -> contextlib.AbstractContextManager[None]:
    """Record what host and devices do while the block runs, if that is wanted."""
    if not wanted:
        return contextlib.nullcontext()
    return jax.profiler.trace(folder, create_perfetto_trace=True)
