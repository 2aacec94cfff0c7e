"""Training, from the first step or from where it was killed, in the order that things happen."""

from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.tasks import Task
from spectranet_jax.training import checkpoint, run
from spectranet_jax.training.augment import Augment, as_stored
from spectranet_jax.training.evaluate import make_evaluate
from spectranet_jax.training.order import Order
from spectranet_jax.training.sharding import Placement, placement
from spectranet_jax.training.steps import Network, State, init_state, make_train_step
from spectranet_jax.training.stream import Split, training_batches

LOG_EVERY = 20
"""Steps between fetches of the loss from the device."""

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
    report: Report = lambda _steps, _remark: None,
    devices: Sequence[jax.Device] | None = None,
) -> None:
    """Train until the order ends; checkpoints and metrics go to the run folder.

    A run that was killed goes on from its last checkpoint, bit for bit as if it never had been, on
    the same kind of machine: batches and randomness are functions of the step.

    Args:
        network: a Flax module.
        task: which loss it is trained with.
        optimizer: an optax chain.
        rate: the chain's learning rate against the step, for the log.
        order: which spectra make up the batch of each step.
        training: spectra to train on.
        validation: spectra by which the best checkpoint is chosen after every epoch.
        folder: the run folder, with its config.json.
        batch: spectra a step.
        seed: of the initial parameters and of dropout.
        checkpoint_every: steps between checkpoints to resume from.
        stop_after: stop after this step, as if killed (a job with a time limit).
        augment: what is done to each batch before the network sees it.
        report: progress.
        devices: to train on; all by default.

    Raises:
        InputError: if the loss is not finite, or the run folder is of another network.
    """
    place = placement(batch, devices)
    key = jax.random.key(seed)
    state = initial_state(network, task, optimizer, key, folder, place)
    train_step = jax.jit(
        make_train_step(network, task, optimizer, augment),
        in_shardings=(place.replicated, place.split, place.replicated),
        out_shardings=(place.replicated, place.replicated),
        donate_argnums=0,
    )
    evaluate = make_evaluate(network, task, validation, devices)

    first = int(state.step)
    stop = order.steps if stop_after is None else min(stop_after, order.steps)
    kept = run.keep_metrics(folder, first)
    best = min((row["valid_loss"] for row in kept if "valid_loss" in row), default=float("inf"))
    report(first, "")

    losses: list[jax.Array] = []
    targets = task.target(training.columns)
    batches = training_batches(training, targets, order, first, stop)
    for step, one in enumerate(batches, start=first + 1):
        state, loss = train_step(state, one, key)
        losses.append(loss)
        ends_epoch = step % order.steps_per_epoch == 0
        saves = ends_epoch or step % checkpoint_every == 0 or step == stop
        if saves or step % LOG_EVERY == 0:
            rows = loss_rows(step, losses, rate)
            run.append_metrics(folder, rows)
            report(len(rows), f"loss {rows[-1]['loss']:.4f}")
            losses = []
        if ends_epoch:
            valid_loss = evaluate(state.variables).scores["loss"]
            run.append_metrics(folder, [{"step": step, "valid_loss": valid_loss}])
            report(0, f"validation loss {valid_loss:.4f}")
            if valid_loss < best:
                best = valid_loss
                checkpoint.save(folder, checkpoint.BEST, step, state.variables)
        if saves:
            checkpoint.save(folder, checkpoint.LAST, step, state)


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

    if checkpoint.latest_step(folder, checkpoint.LAST) is None:
        return jax.jit(fresh, out_shardings=place.replicated)(key)
    like = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place.replicated),
        jax.eval_shape(fresh, key),
    )
    return checkpoint.restore(folder, checkpoint.LAST, like)


def loss_rows(step: int, losses: Sequence[jax.Array], rate: optax.Schedule) -> list[run.Row]:
    """One metrics row for each of the steps that end with `step`.

    Raises:
        InputError: if one of the losses is not finite.
    """
    values = np.asarray(jax.device_get(losses), np.float64)
    steps = np.arange(step - len(losses) + 1, step + 1)
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
