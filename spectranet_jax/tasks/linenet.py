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
from numpy.typing import NDArray

from spectranet_jax.evaluation import classification, posterior
from spectranet_jax.networks.linenet import LINES, Z_STEP, Z_STEPS, Output
from spectranet_jax.spectra.labels import CLASSES, CONFIDENT, QSO, QSO_BAL, STAR, UNKNOWN
from spectranet_jax.spectra.normalize import Array, moments, normalize
from spectranet_jax.tasks.task import Columns, Task

SMOOTHING = 1.2
"""Sigma of the redshift's target in steps of p(z): 0.6 bins of wavelength, 414 km/s."""

EDGES = Z_STEP * np.arange(Z_STEPS + 1)
"""Of the bins of p(z), in log10(1 + z), float64."""

PRIORS = {
    "equal": (0.25, 0.25, 0.25, 0.25),
    "survey": (0.31, 0.06, 0.57, 0.06),
}
"""Class priors by name; "survey" is a BOSS quasar plate (7102: 44, 9, 79 and 8 of 140)."""


def inputs(flux: Array, ivar: Array) -> tuple[Array, Array]:
    """Normalized flux, and 1/sigma in its unit, (batch, bins) each; 0 without measurement."""
    xp = flux.__array_namespace__()
    normalized = normalize(flux, ivar)
    _, rms = moments(flux, ivar)
    weight = xp.sqrt(xp.maximum(ivar, xp.zeros_like(ivar))) * rms
    # An asinh keeps what a glitch can do within bounds, and lines as they are.
    return 3 * xp.asinh(normalized / 3), weight


def target(truth: Columns) -> dict[str, NDArray[Any]]:
    """What the loss reads, one value a spectrum.

    label: int32. log_z: float32, log10(1 + z) in steps of p(z). has_z: float32, 1 where the
    redshift counts: a galaxy's or a quasar's, secure, and within the range of p(z).
    """
    z = np.nan_to_num(np.asarray(truth["z"], np.float64), nan=-1.0)
    place = np.log10(1 + np.maximum(z, -0.5)) / Z_STEP
    inside = (place >= 0) & (place < Z_STEPS)
    secure = truth["z_conf"] == CONFIDENT
    has_z = inside & secure & (truth["label"] != STAR)
    return {
        "label": truth["label"].astype(np.int32),
        "log_z": np.where(has_z, place, 0).astype(np.float32),
        "has_z": has_z.astype(np.float32),
    }


def class_log_prob(output: Output) -> jax.Array:
    """Log-probabilities of the four classes, (batch, 4): a quasar is a BAL or it is not."""
    star, galaxy, quasar = jnp.split(jax.nn.log_softmax(output.class_logits), 3, axis=-1)
    bal = output.bal_logit[:, None]
    classes = [star, galaxy, quasar + jax.nn.log_sigmoid(-bal), quasar + jax.nn.log_sigmoid(bal)]
    return jnp.concatenate(classes, axis=-1)


def loss(output: Output, batch: dict[str, jax.Array]) -> jax.Array:
    """-log p of the class, and where it counts the cross-entropy of the redshift, (batch,)."""
    log_p = class_log_prob(output)
    of_class = -jnp.take_along_axis(log_p, batch["label"][:, None], axis=-1)[:, 0]
    centers = jnp.arange(Z_STEPS)[None] + 0.5
    bell = jnp.exp(-0.5 * ((centers - batch["log_z"][:, None]) / SMOOTHING) ** 2)
    bell /= bell.sum(axis=-1, keepdims=True)
    of_z = -(bell * jax.nn.log_softmax(output.z_logits)).sum(axis=-1)
    return of_class + batch["has_z"] * of_z


def decode(
    output: Output,
    lines: Sequence[str],
    prior: Sequence[float],
    bal_threshold: float,
    temperature: float = 1.0,
) -> dict[str, NDArray[Any]]:
    """Catalog columns of what the network says; a star has no redshift.

    Args:
        output: of n spectra.
        lines: names of the lines of its evidence.
        prior: of the four classes, relative to the ones that the network was trained with.
        bal_threshold: P_BAL from which a quasar is called QSO_BAL.
        temperature: what z_logits are divided by.
    """
    p = np.exp(np.asarray(jax.device_get(class_log_prob(output)), np.float64)) * np.asarray(prior)
    p /= p.sum(axis=-1, keepdims=True)
    quasar = p[:, QSO] + p[:, QSO_BAL]
    p_bal = p[:, QSO_BAL] / np.maximum(quasar, 1e-30)
    kind = np.stack([p[:, 0], p[:, 1], quasar], axis=-1).argmax(axis=-1)
    label = np.where((kind == QSO) & (p_bal >= bal_threshold), QSO_BAL, kind)
    of_z = posterior.decode(p_of_z(output, temperature), EDGES)
    star = label == STAR

    def no_star(values: NDArray[np.floating]) -> Any:
        return np.ma.masked_array(values, mask=star | ~np.isfinite(values))

    return {
        "CLASS": np.array(CLASSES)[label],
        **{f"P_{name}": p[:, i].astype(np.float32) for i, name in enumerate(CLASSES)},
        "Z": no_star(of_z.z),
        "Z_ERR": no_star(of_z.z_err),
        "P_3000": no_star(of_z.mass),
        "P_BAL": np.ma.masked_array(p_bal, mask=kind != QSO),
        "Z2": no_star(of_z.z_second),
        "P_3000_Z2": no_star(of_z.mass_second),
        **{
            column(line): no_star(np.asarray(output.evidence[:, i], np.float64))
            for i, line in enumerate(lines)
        },
    }


def p_of_z(output: Output, temperature: float = 1.0) -> NDArray[np.float64]:
    """p(z) in the bins of `EDGES`, (n, Z_STEPS)."""
    logits = np.asarray(output.z_logits, np.float64) / temperature
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def column(line: str) -> str:
    """The column of a line's evidence: EV_ and the name, in letters and digits alone."""
    return "EV_" + "".join(c for c in line if c.isalnum())


def scores(columns: Columns, truth: Columns) -> dict[str, Any]:
    """Those of the class, and of redshift and posterior for quasars and galaxies."""
    p = np.stack([columns[f"P_{name}"] for name in CLASSES], axis=-1)
    return classification.scores(truth["label"], np.log(np.maximum(p, 1e-30)))


def task(
    lines: Sequence[str] = LINES,
    prior: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    bal_threshold: float = 0.5,
    temperature: float = 1.0,
) -> Task:
    """Class, redshift and broad absorption at once.

    Args:
        lines: of the network's evidence.
        prior: of the four classes, relative to the ones that the network was trained with.
        bal_threshold: P_BAL from which a quasar is called QSO_BAL.
        temperature: what the logits of p(z) are divided by, so that it is calibrated.
    """
    return Task(
        config={
            "name": "linenet",
            "lines": list(lines),
            "prior": list(prior),
            "bal_threshold": bal_threshold,
            "temperature": temperature,
        },
        select=lambda truth: truth["label"] != UNKNOWN,
        target=target,
        inputs=inputs,
        loss=loss,
        decode=partial(
            decode,
            lines=lines,
            prior=prior,
            bal_threshold=bal_threshold,
            temperature=temperature,
        ),
        scores=scores,
        applies_to=tuple(range(len(CLASSES))),
        columns={
            "Z2": ("f8", "second-best redshift"),
            "P_3000_Z2": ("f4", "probability within 3000 km/s of Z2"),
            **{column(line): ("f4", f"evidence of {line} for Z, natural log") for line in lines},
        },
    )
