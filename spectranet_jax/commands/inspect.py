"""Look at the spectra of a catalog, and correct the model's classes and redshifts.

    spectranet inspect catalog.fits

Writes a page for a web browser. The page is complete and needs no network. The least certain
spectra come first. Use the keys to give class, redshift and quality. The browser stores your
answers; export them as CSV. spectranet merge-vi joins such files, and the commands of data_prep
read them as a catalog.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError

if TYPE_CHECKING:
    from astropy.table import Table
    from numpy.typing import NDArray

    from spectranet_jax.inspection.page import Content
    from spectranet_jax.spectra.spectrum import Spectrum

MOST = 20_000
"""Maximum of spectra, on 20 pages, since all are in memory at once."""

WARNINGS = 5
"""Warnings about files that are printed."""


@dataclass(frozen=True)
class Config(Command):
    """Settings of an inspection."""

    catalog: Annotated[Path, tyro.conf.Positional]
    """catalog of spectranet predict: .fits, .ecsv or .parquet"""
    spectra: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[SPECTRA ...]")
    ] = ()
    """where the spectra are now, if not at the place in the catalog's column FILE: files, folders,
    glob patterns or lists"""
    out: Path = Path("inspect.html")
    """page to write; for more than 1,000 spectra this is the index of several pages"""
    overwrite: bool = False
    """replace the page if it exists"""
    where: str = ""
    """show only rows for which a condition is true, such as "CLASS == 'QSO' and Z > 2"; you can
    compare columns, add them, and use and, or, not, in"""
    uncertain: int | None = None
    """show only this many rows: those with the lowest P_3000, or the smallest margin between the
    two most probable classes"""
    random: int | None = None
    """show only this many rows, drawn at random"""
    seed: int = 0
    """seed of --random"""
    blind: bool = False
    """hide the model's answer until you have given class and quality"""
    thumbnails: bool = False
    """start with a contact sheet of all spectra"""
    reference: Path | None = None
    """another catalog with Z, and PLATE, MJD and FIBERID, or TARGETID: its redshifts are shown too,
    and you can sort rows that disagree first"""
    model: str = ""
    """the model that made the catalog, if it is not a shipped one; needed for p(z) and --why"""
    why: bool = False
    """mark under each spectrum the wavelengths that support the class (blue) or are against it
    (red), by integrated gradients (a few spectra per second)"""
    serve: bool = False
    """serve the page at a local address that only this machine can open, until Ctrl+C"""
    port: int = 8808
    """port of --serve"""


def work(config: Config) -> None:
    """Write the page, and serve it if requested."""
    from spectranet_jax.datasets.atomic import check_writable
    from spectranet_jax.inspection import pages, selecting
    from spectranet_jax.inspection.occurrence import COLUMN, occurrences
    from spectranet_jax.inspection.page import Look, fingerprint
    from spectranet_jax.inspection.reference import read_table

    if config.out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {config.out} is not a page for a browser; end it in .html")
    check_writable(config.out)
    table = read_table(config.catalog)
    identity = fingerprint(table)
    table[COLUMN] = occurrences(table)
    rows = selecting.select(table, config.where, config.uncertain, config.random, config.seed)
    if config.blind:
        rows.sort()  # the order of confidence would reveal the model's answers
    if len(rows) > MOST:
        raise InputError(
            f"{len(rows):,} spectra are too many to look at; choose up to {MOST:,} of them by"
            " --uncertain, --random or --where"
        )
    for path in pages.paths(config.out, len(rows)):
        if path.exists() and not config.overwrite:
            raise InputError(f"{path} exists; choose another --out, or pass --overwrite")
    content = _content(config, table[rows], rows.tolist())
    look = Look(config.catalog.name, config.blind, config.thumbnails)
    files = pages.write(content, config.out, look, identity)
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"page: {files[0]}, {len(content)} spectra, {size:.1f} MB; open it in a web browser")
    if config.serve:
        with pages.serve(files, config.port) as server:
            print(f"http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)", flush=True)
            with suppress(KeyboardInterrupt):
                server.serve_forever()


def _content(config: Config, table: "Table", places: Sequence[int]) -> "Content":
    """Return the rows with their spectra, p(z) and redshifts of the other catalog."""
    from spectranet_jax.inspection.matching import spectra_of
    from spectranet_jax.inspection.page import Content
    from spectranet_jax.inspection.reference import reference_of

    folder = config.catalog.absolute().parent
    spectra, sentences = spectra_of(table, folder, config.spectra)
    for sentence in sentences[:WARNINGS]:
        print(f"warning: {sentence}", file=sys.stderr)
    if len(sentences) > WARNINGS:
        print(f"warning: and {len(sentences) - WARNINGS} more like these", file=sys.stderr)
    if missing := sum(spectrum is None for spectrum in spectra):
        print(f"{missing} of {len(spectra)} rows have no spectrum to show", file=sys.stderr)
    if not any(spectra):
        raise InputError(
            f"none of the spectra of {config.catalog} can be read; name their files or folders"
            " after the catalog"
        )
    reference_z: NDArray[Any] | None = None
    reference_class: list[str] = []
    if config.reference is not None:
        reference_z, reference_class = reference_of(config.reference, table, spectra)
        known = sum(z == z for z in reference_z.tolist())  # NaN differs from itself
        print(f"{config.reference}: redshifts of {known} of {len(table)} spectra")
    with notice_if_slow(
        "inspect: computing p(z)" + ", and the attribution of the class" * config.why
    ):
        p_of_z, edges, attributed = _answers(config, table, spectra)
    from spectranet_jax.inspection.overlay import templates

    return Content(
        table,
        spectra,
        p_of_z,
        edges,
        templates(table, spectra),
        attributions=attributed,
        reference_z=reference_z,
        places=places,
        reference_class=reference_class,
    )


def _answers(
    config: Config, table: "Table", spectra: "Sequence[Spectrum | None]"
) -> "tuple[NDArray[Any] | None, NDArray[Any] | None, Sequence[NDArray[Any] | None]]":
    """Return p(z), its edges and attributions, by the model that made the catalog.

    Without such a model a note is printed, and they are None.
    """
    from spectranet_jax.inference import load
    from spectranet_jax.inspection.answers import made, posteriors, reasons

    name = config.model or str(table.meta.get("MODEL1", ""))
    try:
        model = load(name)
        if not made(table, model):
            raise InputError(f"{name} is not the model that made the catalog")
    except InputError as error:
        if config.model or config.why:
            raise
        print(f"no p(z) is shown: {error}; pass --model for it", file=sys.stderr)
        return None, None, ()
    p_of_z, edges = posteriors(model, spectra) or (None, None)
    return p_of_z, edges, reasons(model, spectra) if config.why else ()


def run(arguments: Sequence[str]) -> None:
    """Run `spectranet inspect` with these arguments."""
    command(Config, work, __doc__ or "", arguments, "spectranet inspect")
