"""How good classes, redshifts and ZWARN of labeled spectra are, by set, and the tables of it."""

from dataclasses import dataclass

import numpy as np
from astropy.table import Table as Catalog
from numpy.typing import NDArray
from rich.table import Table

from experiments.labeled_catalog import kinds, right
from experiments.labeled_index import Labeled
from spectranet_jax.evaluation import redshift_scores
from spectranet_jax.evaluation.fraction import fraction_if_any
from spectranet_jax.evaluation.score_tables import counted, interval, with_interval
from spectranet_jax.spectra.labels import GALAXY, QSO, UNKNOWN

HEADLINE = (
    "boss-dr12-7102",
    "boss-dr12-galaxies",
    "boss-dr16-quasars",
    "broad-line-quasars",
    "sdss-mixed",
)
"""Sets that the figures of README and docs/linenet.md are of. The others were added later, each for
a purpose of its own, and `repeats` holds spectra of objects that are in other sets too."""

OF_HEADLINE, ALL = "sets of the headline", "all"

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """What is known of n spectra, and what a catalog says of them.

    Attributes:
        set: (n,) the set that each is of.
        kind: (n,) true STAR, GALAXY or QSO; UNKNOWN where there is no object.
        z: (n,) true redshift, NaN where there is none.
        called: (n,) as `kind`, UNKNOWN without an answer.
        z_called: (n,) redshift of the catalog, NaN without.
        trusted: (n,) whether ZWARN is 0.
        right: (n,) whether class and redshift are right: see `labeled_catalog.right`.
    """

    set: NDArray[np.str_]
    kind: NDArray[np.int8]
    z: NDArray[np.float64]
    called: NDArray[np.int8]
    z_called: NDArray[np.float64]
    trusted: Bools
    right: Bools


def measured(labeled: Labeled, rows: Catalog) -> Measured:
    """The rows of a catalog, (n,), beside the labels of the same spectra."""
    kind = kinds(labeled.label)
    return Measured(
        labeled.set,
        kind,
        labeled.z,
        kinds(rows["CLASS"]),
        np.ma.filled(np.ma.asarray(rows["Z"], np.float64), np.nan),
        np.asarray(rows["ZWARN"] == 0),
        right(rows, kind, labeled.z),
    )


def groups(sets: NDArray[np.str_]) -> dict[str, Bools]:
    """Which of n spectra are of each set, of those of the headline where there are others, all."""
    named = {str(name): sets == name for name in np.unique(sets)}
    of_headline = np.isin(sets, HEADLINE)
    if of_headline.any() and not of_headline.all():
        named[OF_HEADLINE] = of_headline
    return named | {ALL: np.ones(len(sets), np.bool_)}


def tables(of: Measured) -> list[Table]:
    """Classes and ZWARN; quasars; galaxies."""
    by_set = groups(of.set)
    by_range = {
        f"{ALL}, {name}": (of.z >= low) & (of.z < high)
        for name, (low, high) in redshift_scores.RANGES.items()
    }
    return [
        class_table(of, by_set),
        kind_table("Quasars", QSO, of, by_set | by_range),
        kind_table("Galaxies", GALAXY, of, by_set),
    ]


def class_table(of: Measured, rows: dict[str, Bools]) -> Table:
    """Spectra right in three classes, those with ZWARN 0, and those of them that are wrong."""
    table = _table(
        "Classes, and ZWARN 0 (95% intervals)",
        ("right in three classes", "ZWARN 0", "wrong"),
        "three classes: QSO and QSO_BAL as one; wrong: with ZWARN 0, and another class, a redshift"
        " over 3000 km/s off, or no object",
    )
    known, same = of.kind != UNKNOWN, of.called == of.kind
    for name, chosen in rows.items():
        trusted = chosen & of.trusted
        counts = int(trusted.sum()), int((trusted & ~of.right).sum())
        table.add_row(name, counted(fraction_if_any(same[chosen & known])), *map(str, counts))
    return table


def kind_table(title: str, kind: int, of: Measured, rows: dict[str, Bools]) -> Table:
    """Spectra of a kind that are called so, and the redshifts of all of them."""
    table = _table(
        f"{title} (95% intervals)",
        ("found", "NMAD(dv) (km/s)", "within 1000 km/s", "within 3000 km/s"),
        "found: the class alone; redshifts are those of all that were to be found",
    )
    for name, chosen in rows.items():
        of_kind = chosen & (of.kind == kind)
        if not of_kind.any():
            continue
        recovered = fraction_if_any((of.called == kind)[of_kind])
        table.add_row(
            name, counted(recovered), *_redshift_cells(of.z_called[of_kind], of.z[of_kind])
        )
    return table


def _redshift_cells(z: NDArray[np.float64], z_true: NDArray[np.float64]) -> list[str]:
    if not np.isfinite(z_true).any():
        return ["-"] * 3
    scores = redshift_scores.scores(z, z_true)
    within = (interval(scores.within[limit]) for limit in ("1000", "3000"))
    ends = scores.nmad_dv_interval  # None of too few, whose scatter says nothing either
    return [with_interval(scores.nmad_dv if ends else None, ends), *within]


def _table(title: str, headings: tuple[str, ...], caption: str) -> Table:
    table = Table(title=title, caption=caption)
    table.add_column("set")
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
