"""Training, from the first step or from the last checkpoint, in the order that things happen."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from spectranet_jax import stopping
from spectranet_jax.datasets.split import Split
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.training import checkpoint
from spectranet_jax.training.advance import LOG_EVERY, fits, resident, streamed, stretches
from spectranet_jax.training.diagnosis import check_losses
from spectranet_jax.training.distributed import agreed, asked_to_stop, leads
from spectranet_jax.training.examples import Examples
from spectranet_jax.training.order import Order
from spectranet_jax.training.recipe import Recipe, Session
from spectranet_jax.training.record import Record, loss_rows
from spectranet_jax.training.scoring import make_validate
from spectranet_jax.training.sharding import Placement, placement
from spectranet_jax.training.steps import State

PROFILE = "profile"
"""Folder in the run folder for a trace, which Perfetto and TensorBoard show."""

Report = Callable[[int, str], None]
"""Progress callback: steps completed since the last call, and a short status text."""


def train(
    recipe: Recipe,
    session: Session,
    training: Split,
    validation: Split,
    report: Report = lambda _steps, _status: None,
) -> None:
    """Train until the order ends; checkpoints and metrics go to the run folder.

    An interrupted run resumes at its last checkpoint, and the result is bit-for-bit the same on the
    same kind of machine: batches and randomness are functions of the step. A signal ends it after
    the steps that are under way, whose state is saved (`spectranet_jax.stopping`). With more than
    one process each trains on its rows of every batch, and process 0 writes.

    Args:
        recipe: network, task and steps of the training.
        session: where, on what, and how far.
        training: spectra to train on.
        validation: spectra by which the best checkpoint is chosen after every epoch.
        report: progress.

    Raises:
        InputError: if a loss or a gradient is not finite, when the batch is saved; if the spectra
            are on another grid than the task, or the run folder is of another network.
        KeyboardInterrupt: if a signal asks for it, when the state is saved.
    """
    order = recipe.order
    known, held_out = (Examples.of(split, recipe.task) for split in (training, validation))
    place = placement(session.batch, session.devices)
    key = jax.jit(lambda: jax.random.key(session.seed), out_shardings=place.replicated)()
    state = initial_state(recipe, key, session.folder, place)
    first = int(state.step)
    on_device = session.on_device
    if on_device is None:
        on_device = fits((known, held_out), place)
    plan = planned(session, order, first, on_device)
    start = resident if on_device else streamed
    advance = start(recipe.train_step(), key, known, order, place)
    validate = make_validate(recipe.network, recipe.task, held_out, session.devices, on_device)
    record = Record(session.folder, first)

    report(first, "")
    if recipe.start is not None and first == 0:  # perhaps no later state is better
        record.validation(0, validate(state.variables), state.variables)
    with stopping.deferred() as wish:
        for number, (begin, end) in enumerate(plan):
            profiled = session.profile and number == 1 and leads()
            with trace(session.folder / PROFILE, wanted=profiled):
                state, losses = advance(state, begin, end)
                rows = loss_rows(end, losses, recipe.optimizer.rate)
            check_losses(session.folder, rows, known, order)
            report(len(rows), f"loss {rows[-1]['loss']:.4f}")
            record.training(rows)
            if order.within_epoch(end) == 0:
                valid_loss = validate(state.variables)
                report(0, f"validation loss {valid_loss:.4f}")
                record.validation(end, valid_loss, state.variables)
            due = order.within_epoch(end) % session.checkpoint_every == 0 or end == plan[-1][1]
            stop = asked_to_stop(wish)
            if due or stop:
                record.state(end, state)
            if stop:
                raise stop(f"stopped after step {end} of {order.steps}, which is saved")


def planned(session: Session, order: Order, first: int, on_device: bool) -> list[tuple[int, int]]:
    """Return the stretches of steps, as (begin, end), from step `first` to the session's last.

    Raises:
        InputError: if a profile is asked for and there is no second stretch.
    """
    stop = order.steps if session.stop_after is None else min(session.stop_after, order.steps)
    log_every = session.checkpoint_every if on_device else LOG_EVERY[jax.default_backend()]
    plan = list(stretches(order, first, stop, session.checkpoint_every, log_every))
    if session.profile and len(plan) < 2:
        raise InputError(
            f"--profile needs more than the {stop - first} steps that are left to train;"
            " train longer, or start another run (--out)"
        )
    return plan


def initial_state(recipe: Recipe, key: jax.Array, folder: Path, place: Placement) -> State:
    """Return the state of the last checkpoint, or a fresh one, on the devices it will live on.

    Args:
        recipe: network, task and steps of the training.
        key: of a fresh state.
        folder: the run folder.
        place: the devices.

    Raises:
        InputError: if the checkpoint is of another network.
    """

    def latest() -> np.int64:
        step = checkpoint.latest_step(folder, checkpoint.LAST)
        return np.int64(-1 if step is None else step)

    if agreed(latest, np.int64(0)) < 0:
        return jax.jit(recipe.fresh_state, out_shardings=place.replicated)(key)
    like = jax.eval_shape(recipe.fresh_state, key)
    return place.everywhere(
        agreed(lambda: checkpoint.restore(folder, checkpoint.LAST, like), checkpoint.empty(like))
    )


def trace(folder: Path, wanted: bool) -> contextlib.AbstractContextManager[None]:
    """Record a trace of host and devices while the block runs, if requested."""
    if not wanted:
        return contextlib.nullcontext()
    return jax.profiler.trace(folder, create_perfetto_trace=True)
