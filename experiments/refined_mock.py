"""Measure refined redshifts on mock spectra that are drawn at native pixels.

The spectra are rebinned in the same way as survey spectra, given to the network, and refined. The
tables are by S/N per 690 km/s and by redshift. They are optimistic: the basis vectors were made
from similar mock spectra and, if RR_TEMPLATE_DIR names templates, from the same templates.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError

if TYPE_CHECKING:
    from experiments.refined_scores import Method
    from spectranet_jax.datasets.records import Block


@dataclass(frozen=True)
class Config(Command):
    """Settings of the measurement."""

    spectra: int = 2000
    """number of galaxies, and number of quasars, to draw"""
    model: str = "linenet"
    """shipped model, or run folder, of a LineNet"""
    instrument: str = "boss"
    """instrument that observes the spectra: boss, sdss or desi"""
    seed: int = 1000
    """seed of every draw; the shipped models were trained with seed 0"""
    redrock: Path | None = None
    """folder of redrock's templates: also fit the spectra with redrock itself, which must be
    installed (spectranet-jax[compare]) and takes seconds per spectrum"""


def work(config: Config) -> None:
    """Measure as configured, and print tables."""
    from spectranet_jax.inference.finding import find
    from spectranet_jax.spectra.instruments import fractions

    if config.spectra < 1:
        raise InputError(f"--spectra {config.spectra} is too small; give 1 or more")
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")
    fractions((config.instrument,))  # raises InputError for an unknown name
    if config.redrock is not None:
        from experiments.redrock_itself import check_redrock

        check_redrock(config.redrock)
    find(config.model)
    with notice_if_slow("refined_mock: starting"):
        from data_prep.mock.ingredients import at_hand
        from data_prep.mock.survey import blocks
        from experiments import refined_blocks, refined_scores
        from spectranet_jax.inference import load
        from spectranet_jax.inference.basis import shipped
        from spectranet_jax.tables import print_table

        model = load(config.model)
    with notice_if_slow(f"refined_mock: {config.spectra:,} galaxies and as many quasars"):
        counts = {"GALAXY": config.spectra, "QSO": config.spectra}
        ingredients = replace(at_hand(), observed_by=(config.instrument,))
        drawn = blocks(counts, config.seed, model.grid, ingredients=ingredients, native=True)
        bases = {"refined": shipped()}
        index, methods = refined_blocks.measured(drawn, model, bases, peers(config.redrock))
    print(refined_scores.EXCLUDED)
    for table in refined_blocks.tables(index, methods):
        print_table(table)


def peers(templates: Path | None) -> "dict[str, Callable[[Block], Method]]":
    """Redrock if its templates are given: name -> function that measures a block's redshifts."""
    if templates is None:
        return {}
    import numpy as np

    from experiments.redrock_itself import fitted
    from experiments.refined_scores import Method

    def redrock(block: "Block") -> Method:
        z, z_err = fitted(block.native["flux"], block.native["ivar"], templates)
        return Method(z, z_err, np.full(len(z), np.nan))

    return {"redrock": redrock}


if __name__ == "__main__":
    command(Config, work, __doc__)
