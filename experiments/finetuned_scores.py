"""Scores of held-out spectra before and after fine-tuning."""

import numpy as np
from astropy.table import Table as Catalog
from numpy.typing import NDArray
from rich.table import Table

from experiments.headline_scores import ALL, Measured, groups, measured
from experiments.labeled_index import Labeled
from spectranet_jax.evaluation.redshift_scores import dv, nmad
from spectranet_jax.spectra.labels import CLASSES, GALAXY, QSO, STAR

COLUMNS = ("CLASS", "P_STAR", "P_GALAXY", "P_QSO", "P_QSO_BAL", "Z", "Z_NET", "ZWARN")
"""Columns of a catalog that are compared."""


def tables(labels: int, labeled: Labeled, before: Catalog, after: Catalog) -> list[Table]:
    """Return two tables: correct spectra by set; probabilities and network redshifts by class.

    Args:
        labels: number of spectra that were trained on.
        labeled: n held-out spectra.
        before, after: catalogs of them, (n,), of the model and of the fine-tuned ones.
    """
    old, new = measured(labeled, before), measured(labeled, after)
    return [_by_set(labels, old, new), _by_kind(labels, labeled, before, after, old)]


def _by_set(labels: int, old: Measured, new: Measured) -> Table:
    table = Table(
        title=f"Held-out spectra, fine-tuned on {labels}",
        caption="right: class (of three), and z within 3000 km/s; wrong: among those with ZWARN 0",
    )
    table.add_column("set")
    for heading in ("spectra", "right", "lost", "won", "ZWARN 0", "wrong"):
        table.add_column(heading, justify="right")
    for name, chosen in groups(old.set).items():
        lost, won = old.right & ~new.right, new.right & ~old.right
        counts = [int((chosen & rows).sum()) for rows in (np.ones_like(lost), new.right, lost, won)]
        trusted = [int((chosen & of.trusted).sum()) for of in (old, new)]
        wrong = [int((chosen & of.trusted & ~of.right).sum()) for of in (old, new)]
        cells = [f"{first} to {second}" for first, second in (trusted, wrong)]
        table.add_row(name, *map(str, counts), *cells)
    return table


def _by_kind(
    labels: int, labeled: Labeled, before: Catalog, after: Catalog, old: Measured
) -> Table:
    table = Table(
        title=f"Class and network redshift before and after fine-tuning on {labels}",
        caption="-ln p: mean for the true class, of three (nats); dv: velocity error of Z_NET",
    )
    table.add_column("class")
    for heading in ("-ln p", "median dv (km/s)", "NMAD(dv) (km/s)"):
        table.add_column(heading, justify="right")
    kinds = {CLASSES[kind]: old.kind == kind for kind in (STAR, GALAXY, QSO)}
    for name, chosen in (kinds | {ALL: np.ones(len(old.kind), np.bool_)}).items():
        if not chosen.any():
            continue
        cost = [-_log_p(rows, old.kind)[chosen].mean() for rows in (before, after)]
        with_z = chosen & (old.kind != STAR) & np.isfinite(labeled.z)
        cells = [" to ".join(f"{value:.4f}" for value in cost), "-", "-"]
        if with_z.any():
            errors = [_dv(rows, labeled.z)[with_z] for rows in (before, after)]
            cells[1] = " to ".join(f"{np.median(values):.0f}" for values in errors)
            cells[2] = " to ".join(f"{nmad(values):.0f}" for values in errors)
        table.add_row(name, *cells)
    return table


def _log_p(rows: Catalog, kind: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the log-probability of each spectrum's true class, of three, (n,)."""
    p = np.stack([np.ma.filled(rows[f"P_{name}"], 0.0) for name in CLASSES], axis=-1)
    p[:, QSO] += p[:, -1]
    return np.log(np.maximum(p[np.arange(len(p)), kind], 1e-6).astype(np.float64))


def _dv(rows: Catalog, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the error of the network's redshift in km/s, (n,), huge where there is none."""
    return dv(np.ma.filled(np.ma.asarray(rows["Z_NET"], np.float64), 99.0), z)
