"""Other surveys' layouts of a catalog, as files."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from astropy.io import fits
from astropy.table import Table, vstack

from spectranet_jax.catalog import quasarnet_layout, redrock_layout
from spectranet_jax.catalog.read_back import read_catalog
from spectranet_jax.datasets.atomic import atomic
from spectranet_jax.spectra.errors import InputError


class Layout(NamedTuple):
    """A layout of another survey.

    Attributes:
        hdus: (catalog) -> the tables of its HDUs, by name.
        check: raises InputError if a catalog with the extra columns named cannot fill it.
    """

    hdus: Callable[[Table], dict[str, Table]]
    check: Callable[[Collection[str]], None] = lambda _: None


LAYOUTS: dict[str, Layout] = {
    "redrock": Layout(redrock_layout.hdus),
    "qn": Layout(quasarnet_layout.hdus, quasarnet_layout.check),
}
"""Name of a layout -> the layout; `commands.command.Format` lists the names for --help."""


def check(layout: str, out: Path) -> None:
    """Raise InputError if a layout, which requires FITS, cannot be written to that file."""
    if layout not in LAYOUTS:
        raise InputError(f"--format {layout} is not a layout; choose {' or '.join(LAYOUTS)}")
    if out.suffix not in (".fits", ".fit"):
        raise InputError(
            f"{out} is not a FITS file, which --format {layout} requires; end --out in .fits"
        )


def joined(layout: str, without: Collection[str] = ()) -> Callable[[Sequence[Path], Path], None]:
    """Return a function that writes catalogs as one, in a layout, with all rows in memory.

    Args:
        layout: a key of `LAYOUTS`.
        without: keywords of the catalogs' header to leave out.
    """

    def join(files: Sequence[Path], out: Path) -> None:
        table = vstack([read_catalog(file) for file in files], metadata_conflicts="silent")
        table.meta = {key: value for key, value in table.meta.items() if key not in without}
        write(table, layout, out)

    return join


def write(table: Table, layout: str, out: Path) -> None:
    """Write a catalog in another layout, replacing an earlier file; the header is the catalog's.

    Args:
        table: a catalog.
        layout: a key of `LAYOUTS`.
        out: FITS file.

    Raises:
        InputError: if there is no such layout, the catalog lacks what it needs, or the file cannot
            be written.
    """
    check(layout, out)
    written = [fits.PrimaryHDU()]
    for name, columns in LAYOUTS[layout].hdus(table).items():
        hdu = fits.table_to_hdu(columns, character_as_bytes=True)
        hdu.name = name
        for number, column in enumerate(columns.itercols(), start=1):
            hdu.header[f"TCOMM{number}"] = column.description
        written.append(hdu)
    for key, value in table.meta.items():
        if not key.startswith("TCOMM") and key != "EXTNAME":
            written[1].header[_keyword(key)] = value
    with atomic(out) as temporary:
        fits.HDUList(written).writeto(temporary)


def _keyword(key: str) -> str:
    return key if len(key) <= 8 else f"HIERARCH {key}"
