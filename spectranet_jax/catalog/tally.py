"""Counts of catalog rows by class, redshift, trust and flag, chunk by chunk, and their table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.table import Table

    from spectranet_jax.spectra.flags import Flag

ROWS, CLASSIFIED, NO_CLASS, REDSHIFTS = "rows", "classified", "no class", "with redshift"
TRUSTED = "to be trusted (ZWARN 0)"


def tally(table: "Table", counted: Mapping[str, str]) -> dict[str, int]:
    """Count rows: all, with a class, of each class and none, with a redshift, trusted, by flag.

    Args:
        table: a catalog.
        counted: columns of 0 and 1 (`Task.counted`) -> the name under which their ones are counted.
    """
    import numpy as np

    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.spectra.flags import Flag

    counts = {ROWS: len(table), CLASSIFIED: int(np.ma.count(table["CLASS"]))}
    counts |= of_classes(table, CLASSES)
    for column, name in counted.items():
        counts[name] = int(np.ma.filled(table[column] == 1, False).sum())
    counts[REDSHIFTS] = int(np.ma.count(table["Z"]))
    counts[TRUSTED] = int((table["ZWARN"] == 0).sum())
    for flag in Flag:
        counts[flag_row(flag)] = int(((table["FLAGS"] & flag.value) != 0).sum())
    return counts


def of_classes(table: "Table", classes: Sequence[str]) -> dict[str, int]:
    """Return class name -> rows, and rows without a class under "no class"."""
    import numpy as np

    mask = np.ma.getmaskarray(table["CLASS"])
    names = np.asarray(np.ma.getdata(table["CLASS"]))[~mask]
    return {name: int((names == name).sum()) for name in classes} | {NO_CLASS: int(mask.sum())}


def flag_row(flag: "Flag") -> str:
    """Return the name under which rows with a flag are counted."""
    return f"flag {flag.value} {flag.name}"


def show(counts: Mapping[str, int]) -> None:
    """Print spectra by class, with a redshift, and with each flag, in the order of the counts."""
    import rich.table

    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.spectra.flags import Flag
    from spectranet_jax.tables import print_table

    hidden = {ROWS, CLASSIFIED} | {name for name in map(flag_row, Flag) if not counts[name]}
    if not counts[CLASSIFIED]:
        hidden |= {*CLASSES, NO_CLASS}
    summary = rich.table.Table(title="Predicted classes")
    summary.add_column("class")
    summary.add_column("spectra", justify="right")
    for name, count in counts.items():
        if name not in hidden:
            summary.add_row(name, f"{count:,}", end_section=name == TRUSTED)
    print_table(summary)
    if not counts[CLASSIFIED] and counts[REDSHIFTS]:
        print("no model classifies: stars have a redshift here too; add --model classifier")
