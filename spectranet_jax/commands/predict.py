"""Predict class and redshift of SDSS, BOSS and DESI spectra, and write a catalog.

    spectranet predict spec-*.fits --out catalog.fits

The catalog has one row per spectrum. Uses the weights in the package, offline, unless you pass
--model. Run the same command again to resume an interrupted run; the catalog is the same.

The shipped network covers 3600 to 9984 Angstrom in bins of 690 km/s, and redshifts from -0.006 to
6.67; a quasar beyond gets a wrong redshift, nearly always with a ZWARN. Stars get no velocity.
Where possible, redshifts are refined at the native pixels of the survey.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from spectranet_jax.command_line import one_or_more
from spectranet_jax.commands.command import Command, Format, command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.readers.workers import cores

if TYPE_CHECKING:
    from spectranet_jax.inference.refinement import Refinement


@dataclass(frozen=True)
class Config(Command):
    """Settings of a prediction."""

    paths: Annotated[tuple[str, ...], tyro.conf.Positional, one_or_more("FILE")]
    """SDSS and BOSS spec, spPlate and spSpec files, DESI coadd and spectra files, LAMOST
    low-resolution files (.fits or .fit, gzipped or not), HDF5 files of MultimodalUniverse,
    folders of them, glob patterns, lists (@LIST, *.txt), or a dataset folder"""
    model: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """run folder, name of a shipped model, or Keras weights of QuasarNET (HDF5); may be given
    several times, to combine a classifier with redshift models; by default the shipped LineNet"""
    out: Path = Path("catalog.fits")
    """catalog to write: .fits, .ecsv or .parquet"""
    format: Format = "catalog"
    """layout of the file: our catalog, DESI's redrock files (HDUs REDSHIFTS and FIBERMAP), or
    DESI's qso_qn files (HDU QN_RR)"""
    overwrite: bool = False
    """replace the catalog if it exists"""
    workers: int = field(default_factory=cores)
    """processes that read files, if there are many files; does not change the catalog"""
    part: str = ""
    """i/n: predict only the i-th of n parts of the catalog, for a job array of a cluster;
    spectranet merge joins the parts"""
    refine: bool = True
    """refine redshifts of galaxies, and of quasars below z = 1.57, at native pixels"""
    templates: Path | None = None
    """folder of redrock's templates (rrtemplate-*.fits) to refine with, instead of the basis
    vectors in the package; by default the folder in RR_TEMPLATE_DIR, if it is set"""
    strict: bool = False
    """exit with status 1 instead of 0 if a file could not be read; the catalog is still written"""
    plots: Path | None = None
    """folder for a plot of every spectrum, with its lines, p(z), class probabilities, and the
    evidence of each line"""
    class_prior: str | None = None
    """class fractions expected in your sample: "survey" (a BOSS quasar plate), "equal", or four
    relative numbers for STAR, GALAXY, QSO and QSO_BAL, such as 0.3,0.1,0.5,0.1; by default those
    of LineNet's training"""
    bal_threshold: float | None = None
    """P_BAL from which a quasar is classified as QSO_BAL; by default that of the model, 0.75 in
    the shipped LineNet (LineNet only)"""
    threshold: float | None = None
    """confidence of one line above which a spectrum is classified as a quasar; by default 0.5
    (QuasarNET only)"""


def work(config: Config) -> None:
    """Predict as configured, and print a summary."""
    from spectranet_jax.catalog import catalog_file, joining, layouts, parts
    from spectranet_jax.catalog.pieces import pieces
    from spectranet_jax.inference.finding import DEFAULT, find
    from spectranet_jax.spectra import InputError
    from spectranet_jax.spectra.flags import Flag

    part = parts.parse(config.part) if config.part else None
    if config.format != "catalog":
        layouts.check(config.format, config.out)
        if part:
            raise InputError("--part writes catalogs; pass --format to spectranet merge instead")
    out = part.path(config.out) if part else config.out
    catalog_file.check_path(out)
    if config.plots is not None:
        make_folder(config.plots)
    if config.workers < 1:
        raise InputError("--workers must be 1 or more")
    inputs = pieces(config.paths)
    catalog_file.check_replace(out, config.overwrite, (piece.file for piece in inputs))
    named = config.model or (DEFAULT,)
    for name in named:
        find(name)
    with notice_if_slow("predict: starting"):
        from spectranet_jax.catalog.streaming import predict_to
        from spectranet_jax.catalog.tally import ROWS, flag_row, show
        from spectranet_jax.inference import load
        from spectranet_jax.inference.reconfigure import reconfigured

        models = reconfigured([load(name) for name in named], task_options(config))
        refined = refinement(config, any(model.task.posterior for model in models))
    if config.format != "catalog":
        layouts.LAYOUTS[config.format].check([n for model in models for n in model.task.columns])
    header = None
    if part:
        inputs, header = list(part.pieces_of(inputs)), part.header(inputs)
    finish = joining.join if config.format == "catalog" else layouts.joined(config.format)
    counts = predict_to(out, models, inputs, config.workers, header, finish, refined)
    show(counts)
    print(f"catalog: {out}, {counts[ROWS]} rows")
    if config.plots is not None:
        from spectranet_jax.catalog.plots import plot

        drawn = plot(models, inputs, config.plots, refined)
        print(f"plots: {drawn} in {config.plots}")
    if config.strict and counts[flag_row(Flag.UNREADABLE)]:
        sys.exit(1)


def task_options(config: Config) -> dict[str, Any]:
    """Return the values of the flags that tasks declare (`Task.options`), by flag."""
    from spectranet_jax.tasks import TASKS

    declared = {option.flag for task in TASKS.values() for option in task.options.values()}
    values = {f"--{name.replace('_', '-')}": value for name, value in vars(config).items()}
    return {flag: value for flag, value in values.items() if flag in declared}


def refinement(config: Config, with_posterior: bool) -> "Refinement":
    """Return the refinement of redshifts: none, redrock's templates, or the package's own.

    Args:
        config: the settings.
        with_posterior: whether a model gives p(z), which refinement requires.

    Raises:
        InputError: if the folder of templates lacks one, or is named though nothing is refined.
    """
    from spectranet_jax.inference.redrock import is_for_mocks
    from spectranet_jax.inference.refinement import NONE, of_redrock, shipped
    from spectranet_jax.spectra import InputError

    if not config.refine and config.templates is not None:
        raise InputError("--templates refines redshifts; leave it out, or --no-refine")
    if config.templates is not None:
        return of_redrock(config.templates)
    if not config.refine or not with_posterior:
        return NONE
    folder = os.environ.get("RR_TEMPLATE_DIR")
    if not folder:
        return shipped()
    try:
        if is_for_mocks(Path(folder)):
            print(
                f"RR_TEMPLATE_DIR {folder} has templates for mock surveys only; redshifts are"
                " refined with the basis vectors in the package",
                file=sys.stderr,
            )
            return shipped()
        return of_redrock(Path(folder))
    except InputError as error:
        raise InputError(f"RR_TEMPLATE_DIR: {error}") from error


def make_folder(folder: Path) -> None:
    """Make the folder for figures before any work is done for them.

    Raises:
        InputError: if it cannot be made or written to.
    """
    from spectranet_jax.spectra import InputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--plots {folder} cannot be made ({error.strerror or error}); name another folder"
        ) from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"--plots {folder} cannot be written to; name another folder")


def run(arguments: Sequence[str]) -> None:
    """Run `spectranet predict` with these arguments."""
    command(Config, work, __doc__ or "", arguments, "spectranet predict")
