"""Measure refined redshifts on mock spectra that are drawn at native pixels.

They are binned by the rule that survey spectra are binned by, given to the network, and refined:
by S/N per 690 km/s and by redshift. Where templates went into basis vectors and mock spectra alike,
these figures flatter.
"""

from dataclasses import dataclass
from typing import Any

from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import telling
from spectranet_jax.spectra.errors import InputError


@dataclass(frozen=True)
class Config(Command):
    """Settings of the measurement."""

    spectra: int = 2000
    """galaxies, and quasars, that are drawn"""
    model: str = "linenet"
    """a shipped model, or a run folder, that tells redshifts with p(z)"""
    seed: int = 1000
    """of every draw; the shipped models are trained with seed 0"""


def work(config: Config) -> None:
    """Measure as configured, and print tables."""
    from spectranet_jax.inference.finding import find

    if config.spectra < 1:
        raise InputError(f"--spectra {config.spectra} is too small; give 1 or more")
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")
    find(config.model)
    with telling("refined_mock: starting"):
        import numpy as np

        from experiments import refined_scores
        from spectranet_jax.inference import load
        from spectranet_jax.tables import print_table

        model = load(config.model)
    with telling(f"refined_mock: {config.spectra:,} galaxies and as many quasars"):
        blocks = measured(config, model)
    index = {name: np.concatenate([known[name] for known, _ in blocks]) for name in blocks[0][0]}
    methods = {
        name: refined_scores.joined([methods[name] for _, methods in blocks])
        for name in blocks[0][1]
    }
    print(refined_scores.EXCLUDED)
    for group, rows in refined_scores.ranges(index).items():
        print_table(refined_scores.group_table(group, rows, index["z"], methods))
    print_table(refined_scores.coverage_table(index, methods))


def measured(config: Config, model: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What is known of mock spectra and their redshifts by each method, a block at a time."""
    import numpy as np

    from data_prep.mock.survey import blocks
    from experiments.refined import by_methods
    from spectranet_jax.inference.basis import shipped
    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.spectra.flags import median_sn
    from spectranet_jax.spectra.grid import Binning
    from spectranet_jax.spectra.native import NATIVE_GRID
    from spectranet_jax.spectra.phase import phase

    loglam = np.log10(NATIVE_GRID.centers)
    binning, bases = Binning.of(loglam, model.grid), {"refined": shipped()}
    parts = []
    counts = {"GALAXY": config.spectra, "QSO": config.spectra}
    for block in blocks(counts, config.seed, NATIVE_GRID):
        flux, ivar = (values.astype(np.float32) for values in binning(block.flux, block.ivar))
        known = {
            "label": np.array(CLASSES)[block.label],
            "z": block.z,
            "sn": median_sn(flux, ivar, model.grid),
        }
        native = block.flux, block.ivar
        offset = phase(loglam, block.ivar, model.grid)
        parts.append((known, by_methods(model, (flux, ivar), native, offset, bases)))
    return parts


if __name__ == "__main__":
    command(Config, work, __doc__)
