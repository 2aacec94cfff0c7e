"""Classify spectra of SDSS, BOSS and DESI files and write a catalog, one row a spectrum.

    python -m experiments.predict spec-*.fits --out catalog.fits

Uses the weights that come with the package, offline, unless --model names others.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from experiments.command import Command, command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astropy.table import Table

    from spectranet_jax.inference import Model


@dataclass(frozen=True)
class Config(Command):
    """Settings of a prediction."""

    paths: Annotated[tuple[str, ...], tyro.conf.Positional]
    """spec files, or DESI coadd and spectra files (.fits, .fits.gz), folders of them, glob
    patterns, or lists (@LIST, *.txt)"""
    model: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """run folder, name of a shipped model, or QuasarNET weights of Keras (HDF5); may be given
    several times, a classifier and redshift models; by default the shipped classifier"""
    out: Path = Path("catalog.fits")
    """catalog to write: .fits, .ecsv or .parquet"""
    overwrite: bool = False
    """replace the catalog if it exists"""
    threshold: float | None = None
    """confidence of one line from which a QuasarNET calls a quasar; by default the model's, 0.5"""


def work(config: Config) -> None:
    """Predict as configured, and print what was found."""
    print("predict: starting", flush=True)
    from data_prep.readers import paths
    from spectranet_jax.inference import catalog, load
    from spectranet_jax.inference.loading import DEFAULT
    from spectranet_jax.spectra import InputError

    catalog.check_path(config.out)
    if config.out.exists() and not config.overwrite:
        raise InputError(f"{config.out} exists; choose another --out, or say --overwrite")
    files = paths(config.paths)
    models = [load(name) for name in config.model or (DEFAULT,)]
    if config.threshold is not None:
        models = at_threshold(models, config.threshold)
    table = predict_files(models, files)
    catalog.write(table, config.out)
    show(table)
    print(f"catalog: {config.out}, {len(table)} rows")


def at_threshold(models: "Sequence[Model]", threshold: float) -> "list[Model]":
    """The models, those that call quasars by a threshold with this one.

    Raises:
        InputError: if none of them does.
    """
    import dataclasses

    from spectranet_jax import tasks
    from spectranet_jax.spectra import InputError

    if not any("threshold" in model.task.config for model in models):
        raise InputError("--threshold is for a QuasarNET, and no --model is one; leave it out")
    changed = []
    for model in models:
        if "threshold" in model.task.config:
            task = tasks.build(**model.task.config | {"threshold": threshold})
            config = model.config | {"task": task.config}
            model = dataclasses.replace(model, config=config, task=task)
        changed.append(model)
    return changed


def predict_files(models: "Sequence[Model]", files: "Sequence[str]") -> "Table":
    """A catalog of the spectra in files, in order; a file that cannot be read gives a flagged row.

    Args:
        models: whose answers are joined, as `inference.predict` joins them.
        files: names of files of the formats in `data_prep.readers`.

    Raises:
        InputError: if no file can be read, or none is given.
    """
    import sys

    import numpy as np

    from data_prep import readers
    from data_prep.progress import progress
    from data_prep.readers import rebin_all
    from spectranet_jax.inference import predict
    from spectranet_jax.spectra import BOSS_GRID, InputError
    from spectranet_jax.spectra.flags import Flag, pixel_flags

    if not files:
        raise InputError("there is nothing to read; name spec files, or a folder of them")
    names, identities, bits, pixels, errors = [], [], [], [], []
    with progress("reading", total=len(files)) as report:
        for file in files:
            try:
                spectra = readers.read(Path(file))
                rebinned = np.stack(rebin_all(spectra))
            except InputError as reason:
                errors.append(str(reason))
                names.append(file)
                identities.append("")
                bits.append(int(Flag.UNREADABLE))
                pixels.append(np.zeros((2, 1, BOSS_GRID.size), np.float32))
            else:
                names += [file] * len(spectra)
                identities += [spectrum.name for spectrum in spectra]
                bits += [pixel_flags(spectrum.flux, spectrum.ivar) for spectrum in spectra]
                pixels.append(rebinned)
            report(1)
    if len(errors) == len(files):
        all_of_them = f"none of the {len(files)} files can be read: " if len(files) > 1 else ""
        raise InputError(all_of_them + errors[0])
    for error in errors:
        print(f"warning: {error}", file=sys.stderr)
    flux, ivar = np.concatenate(pixels, axis=1)
    return predict(models, flux, ivar, names, identities, np.array(bits, np.int32))


def show(table: "Table") -> None:
    """Print spectra by class, those called quasar, with a redshift, and with each flag."""
    import numpy as np
    import rich.table
    from rich.console import Console

    from spectranet_jax.inference import catalog
    from spectranet_jax.spectra import CLASSES
    from spectranet_jax.spectra.flags import Flag

    summary = rich.table.Table(title="What they are")
    summary.add_column("class")
    summary.add_column("spectra", justify="right")
    if np.ma.count(table["CLASS"]):
        for name, count in catalog.counts(table, CLASSES).items():
            summary.add_row(name, f"{count:,}")
    if "IS_QSO" in table.colnames:
        summary.add_row("called quasar", f"{int(np.ma.sum(table['IS_QSO'] == 1)):,}")
    summary.add_row("with redshift", f"{np.ma.count(table['Z']):,}", end_section=True)
    for flag in Flag:
        flagged = int(((table["FLAGS"] & flag.value) != 0).sum())
        if flagged:
            summary.add_row(f"flag {flag.value} {flag.name}", f"{flagged:,}")
    Console().print(summary)
    if not np.ma.count(table["CLASS"]) and np.ma.count(table["Z"]):
        print("no model tells classes: a star has a redshift here too; add --model classifier")


if __name__ == "__main__":
    command(Config, work, __doc__)
