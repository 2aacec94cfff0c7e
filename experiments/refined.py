"""Measure refined redshifts on labeled spectra: python -m experiments.refined FOLDER.

The folder contains index.csv (columns file, label, z) and optionally repeats.csv (object, file).
Spectra are grouped by its subfolders. The tables compare four redshifts: that of the network;
corrected for the phase of the pixels (above z = 1.57 with the corrected p(z)); refined with our
basis vectors; and refined with redrock's templates. dv is the median.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError

if TYPE_CHECKING:
    pass

LABELS = ("GALAXY", "QSO", "QSO_BAL")


@dataclass(frozen=True)
class Config(Command):
    """Settings of the measurement."""

    folder: Annotated[Path, tyro.conf.Positional]
    """folder with index.csv and the spectra that it names"""
    model: str = "linenet"
    """shipped model, or run folder, of a LineNet"""
    templates: Path | None = None
    """folder of redrock's templates to compare with; by default FOLDER/templates/redrock, if it
    exists"""
    fit: bool = False
    """instead, choose the constants of refinement for another model: on these spectra, on all but
    one subfolder in turn, and on mock spectra; print them"""


def work(config: Config) -> None:
    """Measure as configured, and print tables."""
    from spectranet_jax.inference.finding import find

    if not (config.folder / "index.csv").is_file():
        raise InputError(f"{config.folder} holds no index.csv; give the folder of labeled spectra")
    find(config.model)
    with notice_if_slow("refined: starting"):
        from experiments import refined_scores
        from experiments.refined_methods import by_methods
        from spectranet_jax.inference import load
        from spectranet_jax.inference.basis import shipped
        from spectranet_jax.inference.redrock import redrock
        from spectranet_jax.tables import print_table

        model = load(config.model)
    templates = config.templates or config.folder / "templates/redrock"
    bases = {"refined": shipped()}
    if config.templates is not None or templates.is_dir():
        bases["redrock"] = redrock(templates)
    with notice_if_slow("refined: reading and refining"):
        index = refined_scores.read_index(config.folder, LABELS)
        spectra = read(config.folder, index, model.grid)
        if not config.fit:
            methods = by_methods(model, *spectra, index["z"], bases)
    print(refined_scores.EXCLUDED)
    if config.fit:
        from experiments import refined_fit

        for table in refined_fit.tables(model, index, spectra):
            print_table(table)
        return
    for group, rows in refined_scores.groups(index).items():
        print_table(refined_scores.group_table(group, rows, index["z"], methods))
    print_table(refined_scores.coverage_table(index, methods))
    if (config.folder / "repeats.csv").is_file():
        pairs = refined_scores.read_pairs(config.folder / "repeats.csv", index["file"])
        print_table(refined_scores.repeats_table(pairs, index, methods))


def read(folder: Path, index: Mapping[str, Any], grid: Any) -> tuple[Any, Any, Any]:
    """Read the spectra in an index: in bins, at native pixels (flux and ivar), and their phase."""
    import numpy as np

    from spectranet_jax import readers
    from spectranet_jax.spectra.native import native_pixels
    from spectranet_jax.spectra.phase import phase

    spectra = [readers.read(folder / file)[0] for file in index["file"]]
    offset = np.array([phase(s.loglam, s.ivar, grid) for s in spectra])
    return readers.rebin_all(spectra, grid), native_pixels(spectra), offset


if __name__ == "__main__":
    command(Config, work, __doc__)
