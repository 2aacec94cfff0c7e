"""Optimizers and learning-rate schedules, as optax chains."""

from collections.abc import Callable
from typing import NamedTuple

import optax

from spectranet_jax.spectra.errors import InputError

WARM_UP = 0.05
"""Fraction of all steps over which the rate rises from 0 to its peak."""


class Optimizer(NamedTuple):
    """An optax chain, and the learning rate that it follows.

    Attributes:
        chain: gradients to updates of the parameters.
        rate: step -> learning rate, for the log.
    """

    chain: optax.GradientTransformation
    rate: optax.Schedule


def cosine(peak: float, steps: int) -> optax.Schedule:
    """Return a linear warm-up over 5% of the steps, then half a cosine down to 0."""
    return optax.warmup_cosine_decay_schedule(
        init_value=0.0, peak_value=peak, warmup_steps=int(WARM_UP * steps), decay_steps=steps
    )


def constant(peak: float, steps: int) -> optax.Schedule:
    """Return a linear warm-up over 5% of the steps, then the peak rate."""
    warm_up = int(WARM_UP * steps)
    return optax.join_schedules(
        [optax.linear_schedule(0.0, peak, max(warm_up, 1)), optax.constant_schedule(peak)],
        [warm_up],
    )


def adam(rate: optax.Schedule) -> optax.GradientTransformation:
    """Return Adam, the report's optimizer for classification."""
    return optax.adam(rate)


def sgd(rate: optax.Schedule) -> optax.GradientTransformation:
    """SGD with momentum 0.9, the report's for redshift; the gradient norm is clipped at 1."""
    return optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(rate, momentum=0.9))


SCHEDULES: dict[str, Callable[[float, int], optax.Schedule]] = {
    "cosine": cosine,
    "constant": constant,
}
OPTIMIZERS: dict[str, Callable[[optax.Schedule], optax.GradientTransformation]] = {
    "adam": adam,
    "sgd": sgd,
}


def build(optimizer: str, schedule: str, peak: float, steps: int) -> Optimizer:
    """Build the optimizer of that name, with a schedule of its learning rate.

    Args:
        optimizer: a name in `OPTIMIZERS`.
        schedule: a name in `SCHEDULES`.
        peak: highest learning rate.
        steps: of the whole run.

    Raises:
        InputError: if there is no such optimizer or schedule.
    """
    for name, table in ((optimizer, OPTIMIZERS), (schedule, SCHEDULES)):
        if name not in table:
            raise InputError(f"{name!r} is not available; choose one of {', '.join(table)}")
    rate = SCHEDULES[schedule](peak, steps)
    return Optimizer(OPTIMIZERS[optimizer](rate), rate)
