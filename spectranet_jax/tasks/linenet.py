"""Which class, which redshift, is there broad absorption: all of it at once, with its uncertainty.

The network says p(class), p(BAL | quasar) and p(z | no star); the loss is the sum of their
cross-entropies. Priors belong to the user: probabilities are those of the class prior that is asked
for, and a quasar is called a BAL from a threshold.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.evaluation import (
    classification,
    posterior_scores,
    quasars,
    redshift,
)
from spectranet_jax.evaluation.calibration import share
from spectranet_jax.evaluation.recalibration import bin_labels, fit_temperature
from spectranet_jax.networks.line_evidence import LINES, Output
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import CLASSES, CONFIDENT, GALAXY, STAR, UNKNOWN
from spectranet_jax.spectra.normalize import moments, normalize
from spectranet_jax.spectra.zsteps import ZSteps
from spectranet_jax.tasks.linenet_decode import class_log_prob, column, decode
from spectranet_jax.tasks.task import Columns, Task

SMOOTHING = 2.5e-4
"""Sigma of the redshift's target in log10(1 + z), 172 km/s: enough to tell where between two steps
a redshift lies. What is wider widens p(z) itself, beyond what bright spectra deserve."""

BAL_THRESHOLD = 0.75
"""P_BAL from which a quasar is called QSO_BAL, unless the user says another: at it some 2% of mock
quasars without broad absorption are called so."""

PRIORS = {
    "equal": (0.25, 0.25, 0.25, 0.25),
    "survey": (0.31, 0.06, 0.57, 0.06),
}
"""Class priors by name; "survey" is a BOSS quasar plate (7102: 44, 9, 79 and 8 of 140)."""


def inputs(
    flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
) -> tuple[Float[Any, "batch bins"], Float[Any, "batch bins"]]:
    """Normalized flux, and 1/sigma in its unit, (batch, bins) each; 0 without measurement."""
    xp = flux.__array_namespace__()
    normalized = normalize(flux, ivar)
    _, rms = moments(flux, ivar)
    weight = xp.sqrt(xp.maximum(ivar, xp.zeros_like(ivar))) * rms
    # An asinh keeps what a glitch can do within bounds, and lines as they are.
    return 3 * xp.asinh(normalized / 3), weight


def target(truth: Columns, steps: ZSteps) -> dict[str, NDArray[Any]]:
    """What the loss reads, one value a spectrum.

    label: int32. log_z: float32, log10(1 + z) in steps of p(z). has_z: float32, 1 where the
    redshift counts: a galaxy's or a quasar's, secure, and within the range of p(z).
    """
    z = np.nan_to_num(np.asarray(truth["z"], np.float64), nan=-1.0)
    place = np.log10(1 + np.maximum(z, -0.5)) / steps.width
    inside = (place >= 0) & (place < steps.size)
    secure = truth["z_conf"] == CONFIDENT
    has_z = inside & secure & (truth["label"] != STAR)
    return {
        "label": truth["label"].astype(np.int32),
        "log_z": np.where(has_z, place, 0).astype(np.float32),
        "has_z": has_z.astype(np.float32),
    }


def loss(output: Output, batch: dict[str, Any], steps: ZSteps) -> Float[Array, " batch"]:
    """-log p of the class, and where it counts the cross-entropy of the redshift, (batch,).

    Of an ensemble in training, (members, batch, ...), the mean over its members.
    """
    if output.bal_logit.ndim == 2:
        return jax.vmap(partial(loss, steps=steps), (0, None))(output, batch).mean(axis=0)
    log_p = class_log_prob(output)
    of_class = -jnp.take_along_axis(log_p, batch["label"][:, None], axis=-1)[:, 0]
    centers = jnp.arange(steps.size)[None] + 0.5
    sigma = SMOOTHING / steps.width
    bell = jnp.exp(-0.5 * ((centers - batch["log_z"][:, None]) / sigma) ** 2)
    bell /= bell.sum(axis=-1, keepdims=True)
    of_z = -(bell * jax.nn.log_softmax(output.z_logits)).sum(axis=-1)
    return of_class + batch["has_z"] * of_z


def scores(columns: Columns, truth: Columns, steps: ZSteps) -> dict[str, Any]:
    """Those of the class, as `classify` has them, and of what else is answered.

    quasars: `evaluation.quasars`. galaxies: `evaluation.redshift` of galaxies with a secure
    redshift, whatever they are called. posterior: `evaluation.posterior_scores` of p(z), of both;
    z_err_holds: how often Z is right within one and two Z_ERR where it is within 3000 km/s.
    None where there are none.
    """
    log_p = np.log(np.maximum([columns[f"P_{name}"] for name in CLASSES], 1e-30)).T
    kind, z = np.asarray(columns["CLASS"]), np.ma.getdata(columns["Z"])
    called = np.array([CLASSES.index(name) for name in kind.tolist()])
    known = redshift_known(truth, steps)
    galaxy = known & (truth["label"] == GALAXY)
    return classification.scores(truth["label"], log_p, predicted=called) | {
        "quasars": quasars.scores(
            truth["label"],
            truth["z"],
            truth["bal"],
            is_qso=np.isin(kind, ("QSO", "QSO_BAL")),
            z=z,
            is_bal=kind == "QSO_BAL",
            p_bal=np.ma.getdata(columns["P_BAL"]),
        ),
        "galaxies": redshift.scores(z[galaxy], truth["z"][galaxy]) if galaxy.any() else None,
        "posterior": posterior_scores.scores(
            columns["P_OF_Z"][known], steps.edges, truth["z"][known]
        )
        if known.any()
        else None,
        "z_err_holds": _held(columns, truth, known),
    }


def _held(columns: Columns, truth: Columns, known: NDArray[np.bool_]) -> dict[str, Any] | None:
    """Shares of redshifts within one and two Z_ERR of the truth; None where there are none."""
    z, z_err = (np.ma.getdata(columns[name])[known] for name in ("Z", "Z_ERR"))
    near = np.abs(redshift.dv(z, truth["z"][known])) < redshift.CATASTROPHIC
    if not near.any():
        return None
    pull = np.abs(z - truth["z"][known])[near] / z_err[near]
    return {str(k): share(pull <= k) for k in (1, 2)}


def calibrate(columns: Columns, truth: Columns, steps: ZSteps) -> dict[str, Any]:
    """Temperatures at which held-out spectra are likeliest: fields of the task.

    Args:
        columns: what the network says of them at temperatures of 1.
        truth: what is known of them.
        steps: of p(z).
    """
    log_p = np.log(np.maximum([columns[f"P_{name}"] for name in CLASSES], 1e-30)).T
    fields = {"class_temperature": fit_temperature(log_p, truth["label"])}
    known = redshift_known(truth, steps)
    if known.any():
        log_z = np.log(np.maximum(columns["P_OF_Z"][known], 1e-30))
        fields["temperature"] = fit_temperature(log_z, bin_labels(truth["z"][known], steps.edges))
    return fields


def redshift_known(truth: Columns, steps: ZSteps) -> NDArray[np.bool_]:
    """Spectra whose redshift counts, bool (n,): see `target`."""
    return target(truth, steps)["has_z"] > 0


def task(
    grid: LogGrid,
    lines: Sequence[str] = LINES,
    trained_prior: Sequence[float] = PRIORS["equal"],
    prior: Sequence[float] | None = None,
    bal_threshold: float = BAL_THRESHOLD,
    temperature: float = 1.0,
    class_temperature: float = 1.0,
) -> Task:
    """Class, redshift and broad absorption at once.

    Args:
        grid: the bins of the spectra.
        lines: of the network's evidence.
        trained_prior: share of each of the four classes in training.
        prior: share of each in what is predicted, up to a factor; None for the one of training.
        bal_threshold: P_BAL from which a quasar is called QSO_BAL.
        temperature: what the logits of p(z) are divided by, so that it is calibrated.
        class_temperature: likewise for the log-probabilities of the classes.

    Raises:
        InputError: if the prior allows none of the classes that were in training.
    """
    trained = np.asarray(trained_prior, np.float64)
    wanted = trained if prior is None else np.asarray(prior, np.float64)
    # A class that was not in training is not made up by any prior.
    reweighting = np.where(trained > 0, wanted / np.where(trained > 0, trained, 1), 0)
    if not reweighting.sum() > 0:
        raise InputError(
            f"the class prior {list(wanted)} allows only classes that the network was not trained"
            " on; give another one"
        )
    steps = ZSteps.of(grid)
    return Task(
        grid=grid,
        config={
            "name": "linenet",
            "lines": list(lines),
            "trained_prior": list(trained_prior),
            "prior": None if prior is None else list(prior),
            "bal_threshold": bal_threshold,
            "temperature": temperature,
            "class_temperature": class_temperature,
        },
        select=lambda truth: truth["label"] != UNKNOWN,
        target=partial(target, steps=steps),
        inputs=inputs,
        loss=partial(loss, steps=steps),
        decode=partial(
            decode,
            edges=steps.edges,
            lines=lines,
            reweighting=reweighting,
            bal_threshold=bal_threshold,
            temperature=temperature,
            class_temperature=class_temperature,
        ),
        scores=partial(scores, steps=steps),
        calibrate=partial(calibrate, steps=steps),
        applies_to=tuple(range(len(CLASSES))),
        columns={
            "Z2": ("f8", "second-best redshift"),
            "P_3000_Z2": ("f4", "probability within 3000 km/s of Z2"),
            **{column(line): ("f4", f"evidence of {line} for Z, natural log") for line in lines},
        },
    )
