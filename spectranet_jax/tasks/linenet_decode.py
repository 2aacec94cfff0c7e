"""The output of LineNet as columns of a catalog."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from spectranet_jax.evaluation import posterior
from spectranet_jax.evaluation.recalibration import at_temperature, sharpened
from spectranet_jax.networks.line_evidence import Output
from spectranet_jax.spectra.labels import CLASSES, GALAXY, QSO, QSO_BAL, STAR
from spectranet_jax.spectra.lines import evidence_column

BETWEEN = 1.2
"""Temperature of how probable one redshift is against another, in networks trained now. They are
trained with few fibers without light, so that noise is rarely what they were shown: at a
temperature of 1, of 15,360 mock spectra without light 18 had P_3000 above 0.9, and 3 at this one.
"""


def decode(
    output: Output,
    edges: NDArray[np.float64],
    lines: Sequence[str],
    reweighting: NDArray[np.float64],
    bal_threshold: float,
    temperature: float,
    class_temperature: float,
    between: tuple[float, int] | None = None,
) -> dict[str, NDArray[Any]]:
    """Decode the network's output to catalog columns; a star has no redshift.

    Called is the greatest of star, galaxy and quasar, and of quasars those are QSO_BAL whose P_BAL
    is at the threshold or above. Beside the catalog's columns stands P_OF_Z, (n, zsteps) float32:
    p(z) in steps of log10(1 + z).

    Args:
        output: of n spectra.
        edges: of the steps of p(z), (zsteps + 1,).
        lines: names of the lines of its evidence.
        reweighting: of the probabilities of the four classes.
        bal_threshold: P_BAL from which a quasar is called QSO_BAL.
        temperature: what the logits of p(z) are divided by.
        class_temperature: what log-probabilities of the classes are divided by.
        between: see `posterior_at`.
    """
    p = class_probabilities(output, class_temperature, reweighting)
    quasar = p[:, QSO] + p[:, QSO_BAL]
    p_bal = p[:, QSO_BAL] / np.maximum(quasar, 1e-30)
    kind = np.stack([p[:, STAR], p[:, GALAXY], quasar], axis=-1).argmax(axis=-1)
    label = np.where((kind == QSO) & (p_bal >= bal_threshold), QSO_BAL, kind)
    p_of_z = posterior_at(np.asarray(output.z_logits), temperature, between)
    read = posterior.decode(p_of_z, edges)

    def no_star(values: NDArray[np.floating]) -> Any:
        return np.ma.masked_array(values, mask=(label == STAR) | ~np.isfinite(values))

    return {
        "CLASS": np.array(CLASSES)[label],
        **{f"P_{name}": p[:, i].astype(np.float32) for i, name in enumerate(CLASSES)},
        "Z": no_star(read.z),
        "Z_ERR": no_star(read.z_err),
        "P_3000": no_star(posterior.mass_within(p_of_z, edges, read.z)),
        "Z_NET": np.ma.masked_invalid(read.z),
        "P_BAL": np.ma.masked_array(p_bal, mask=kind != QSO),
        "Z2": no_star(read.z_second),
        "P_3000_Z2": no_star(read.mass_second),
        **{
            evidence_column(line): no_star(np.asarray(output.evidence[:, i], np.float64))
            for i, line in enumerate(lines)
        },
        "P_OF_Z": p_of_z.astype(np.float32),
    }


def posterior_at(
    logits: NDArray[np.floating], temperature: float, between: tuple[float, int] | None
) -> NDArray[np.float64]:
    """Return p(z) at a temperature, (n, zsteps).

    Args:
        logits: (n, zsteps), or log p(z).
        temperature: what they are divided by.
        between: the temperature of how probable one window is against another, and the steps to
            each side of a redshift that make up a window; None: one temperature for all of p(z).
    """
    if between is None:
        return np.exp(at_temperature(np.asarray(logits, np.float64), temperature))
    return sharpened(logits, temperature, *between)


def class_probabilities(
    output: Output, temperature: float, reweighting: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return probabilities of the four classes, (n, 4), tempered and reweighted."""
    log_p = np.asarray(class_log_prob(output), np.float64)
    with np.errstate(divide="ignore"):  # a class with prior 0
        log_p = log_p / temperature + np.log(reweighting)[None]
    return np.exp(at_temperature(log_p, 1.0))


def class_log_prob(output: Output) -> jax.Array:
    """Return log-probabilities of the four classes, (batch, 4), with quasars split by p(BAL)."""
    star, galaxy, quasar = jnp.split(jax.nn.log_softmax(output.class_logits), 3, axis=-1)
    bal = output.bal_logit[:, None]
    classes = [star, galaxy, quasar + jax.nn.log_sigmoid(-bal), quasar + jax.nn.log_sigmoid(bal)]
    return jnp.concatenate(classes, axis=-1)
