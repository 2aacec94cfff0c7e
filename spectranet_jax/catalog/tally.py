"""Catalog rows counted by what they are: a chunk at a time, added up, and shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.table import Table

    from spectranet_jax.spectra.flags import Flag

ROWS, CLASSIFIED, NO_CLASS = "rows", "classified", "no class"
QUASARS, REDSHIFTS = "called quasar", "with redshift"


def tally(table: "Table") -> dict[str, int]:
    """Rows in all, with a class, of each class and of none, with a redshift, with each flag.

    Those called quasar only where the catalog has the column IS_QSO.
    """
    import numpy as np

    from spectranet_jax.inference import catalog
    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.spectra.flags import Flag

    counts = {ROWS: len(table), CLASSIFIED: int(np.ma.count(table["CLASS"]))}
    counts |= catalog.counts(table, CLASSES)
    if "IS_QSO" in table.colnames:
        counts[QUASARS] = int(np.ma.filled(table["IS_QSO"] == 1, False).sum())
    counts[REDSHIFTS] = int(np.ma.count(table["Z"]))
    for flag in Flag:
        counts[flag_row(flag)] = int(((table["FLAGS"] & flag.value) != 0).sum())
    return counts


def flag_row(flag: "Flag") -> str:
    """Under which name a flag's rows are counted."""
    return f"flag {flag.value} {flag.name}"


def show(counts: Mapping[str, int]) -> None:
    """Print spectra by class, those called quasar, with a redshift, and with each flag."""
    import rich.table

    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.spectra.flags import Flag
    from spectranet_jax.tables import print_table

    summary = rich.table.Table(title="What they are")
    summary.add_column("class")
    summary.add_column("spectra", justify="right")
    classes = (*CLASSES, NO_CLASS) if counts[CLASSIFIED] else ()
    for name in (*classes, QUASARS, REDSHIFTS):
        if name in counts:
            summary.add_row(name, f"{counts[name]:,}", end_section=name == REDSHIFTS)
    for name in map(flag_row, Flag):
        if counts[name]:
            summary.add_row(name, f"{counts[name]:,}")
    print_table(summary)
    if not counts[CLASSIFIED] and counts[REDSHIFTS]:
        print("no model tells classes: a star has a redshift here too; add --model classifier")
