"""Measure a shipped model on sets of labeled real spectra, and print the table in the README.

    python -m data_prep.download --sets --out real

    python -m experiments.headline real

The folder contains index.csv (columns file, label, z) and the spectra, in one subfolder per set.
Redshifts are those of spectranet predict, refined at native pixels. Fractions have 95% binomial
intervals. dv is c (z - z_true) / (1 + z_true).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from spectranet_jax.commands.command import Command, command

if TYPE_CHECKING:
    from astropy.table import Table


@dataclass(frozen=True)
class Config(Command):
    """Settings of the measurement."""

    data: Annotated[Path, tyro.conf.Positional]
    """folder with index.csv and the spectra, as made by data_prep.download --sets"""
    model: str = "linenet"
    """shipped model, or run folder, of a LineNet"""


def work(config: Config) -> None:
    """Measure as configured, and print tables."""
    from experiments import labeled_index
    from spectranet_jax.inference.finding import find
    from spectranet_jax.progress import notice_if_slow
    from spectranet_jax.spectra.errors import InputError
    from spectranet_jax.tables import print_table

    find(config.model)
    listed = labeled_index.read_index(config.data)
    labeled = labeled_index.those_there(config.data, listed)
    with notice_if_slow("headline: starting"):
        from experiments import headline_scores
        from experiments.labeled_catalog import predicted
        from spectranet_jax.inference import load

        model = load(config.model)
    if model.task.posterior is None:
        raise InputError(f"{config.model} gives no p(z); name a LineNet")
    rows = predicted(model, config.data, labeled)
    for table in headline_scores.tables(headline_scores.measured(labeled, rows)):
        print_table(table)
    print(f"{len(labeled.file)} of the {len(listed.file)} spectra of {config.data}")
    print_provenance(rows)


def print_provenance(rows: "Table") -> None:
    """Print what answered: version, model, and what redshifts were refined with."""
    from spectranet_jax.tables import fill

    meta = rows.meta
    print(f"{meta['VERSION']}, model {meta['MODEL1']}")
    print(f"weights sha256 {meta['SHA256_1']}")
    print(fill(f"basis vectors of the refinement: {meta['REFINED']}"))


if __name__ == "__main__":
    command(Config, work, __doc__)
