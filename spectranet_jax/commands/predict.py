"""Classify spectra of SDSS, BOSS and DESI files and write a catalog, one row per spectrum.

    spectranet predict spec-*.fits --out catalog.fits

Uses the weights that come with the package, offline, unless --model names others. Run the
same command again to resume an interrupted run; the catalog is the same.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from spectranet_jax.command_line import one_or_more
from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import telling
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
    """run folder, name of a shipped model, or QuasarNET weights of Keras (HDF5); may be given
    several times, a classifier and redshift models; by default the shipped LineNet"""
    out: Path = Path("catalog.fits")
    """catalog to write: .fits, .ecsv or .parquet"""
    format: Literal["catalog", "redrock", "qn"] = "catalog"
    """layout of the file: our catalog, that of DESI's redrock files (REDSHIFTS and FIBERMAP), or
    that of its qso_qn files (QN_RR)"""
    overwrite: bool = False
    """replace the catalog if it exists"""
    workers: int = field(default_factory=cores)
    """processes that read files, where there are many; the catalog does not depend on it"""
    part: str = ""
    """i/n: predict the i-th of n parts of the catalog alone, as a job of a cluster's array does;
spectranet merge joins them"""
    refine: bool = True
    """refine redshifts of galaxies, and of quasars below 1.57, at the survey's own pixels"""
    templates: Path | None = None
    """folder of redrock's templates (rrtemplate-*.fits) to refine with, instead of the vectors that
    come with the package; by default where RR_TEMPLATE_DIR points, if it is set"""
    strict: bool = False
    """end with exit status 1 where files could not be read, after the catalog is written; else 0"""
    plots: Path | None = None
    """folder for a picture of every spectrum: its lines, p(z), classes, evidence a line"""
    class_prior: str | None = None
    """how frequent STAR, GALAXY, QSO and QSO_BAL are among the spectra: "survey" (a BOSS quasar
    plate), "equal", or four numbers in proportion, as 0.3,0.1,0.5,0.1; by default as in LineNet's
    training"""
    bal_threshold: float | None = None
    """P_BAL from which a quasar is called QSO_BAL; by default the model's own, 0.75 as shipped
    (LineNet)"""
    threshold: float | None = None
    """confidence of one line from which a QuasarNET calls a quasar; by default 0.5 (QuasarNET)"""


def work(config: Config) -> None:
    """Predict as configured, and print what was found."""
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
    with telling("predict: starting"):
        from spectranet_jax.catalog.streaming import predict_to
        from spectranet_jax.catalog.tally import ROWS, flag_row, show
        from spectranet_jax.inference import load
        from spectranet_jax.inference.reconfigure import reconfigured

        flags = {
            "--threshold": config.threshold,
            "--class-prior": config.class_prior,
            "--bal-threshold": config.bal_threshold,
        }
        models = reconfigured([load(name) for name in named], flags)
        refined = refinement(config, any(model.task.posterior for model in models))
    if config.format != "catalog":
        layouts.NEEDS[config.format]([name for model in models for name in model.task.columns])
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


def refinement(config: Config, with_posterior: bool) -> "Refinement":
    """What refines the redshifts: nothing, redrock's templates, or what comes with the package.

    Args:
        config: the settings.
        with_posterior: whether a model gives p(z), which tells where to look.

    Raises:
        InputError: if the folder of templates lacks one, or is named though nothing is refined.
    """
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
        return of_redrock(Path(folder))
    except InputError as error:
        raise InputError(f"RR_TEMPLATE_DIR: {error}") from error


def make_folder(folder: Path) -> None:
    """Make the folder for pictures before any work is done for them.

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
    """`spectranet predict` with these words."""
    command(Config, work, __doc__ or "", arguments, "spectranet predict")
