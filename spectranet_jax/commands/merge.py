"""Merge the parts of a catalog that spectranet predict --part wrote.

    spectranet merge catalog.part-*.fits --out catalog.fits

The merged catalog is byte-for-byte the one that a single process would have written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from spectranet_jax.command_line import command, one_or_more
from spectranet_jax.commands.command import Format


@dataclass(frozen=True)
class Config:
    """Settings of a merge."""

    parts: Annotated[tuple[str, ...], tyro.conf.Positional, one_or_more("PART")]
    """the parts, in any order: files, or a glob pattern"""
    out: Path = Path("catalog.fits")
    """catalog to write: .fits"""
    format: Format = "catalog"
    """layout of the file: see spectranet predict --help"""
    overwrite: bool = False
    """replace the catalog if it exists"""


def work(config: Config) -> None:
    """Check that all parts are there and belong together, and join them."""
    from astropy.io import fits

    from spectranet_jax.catalog import catalog_file, joining, layouts, parts
    from spectranet_jax.readers import paths

    parts.check_suffix(config.out)
    if config.format != "catalog":
        layouts.check(config.format, config.out)
    catalog_file.check_path(config.out)
    named = paths(config.parts)
    catalog_file.check_replace(config.out, config.overwrite, named)
    ordered = parts.in_order(named)
    if config.format == "catalog":
        joining.join(ordered, config.out, without=parts.KEYWORDS)
    else:
        layouts.joined(config.format, without=parts.KEYWORDS)(ordered, config.out)
    rows = fits.getval(config.out, "NAXIS2", 1)
    print(f"catalog: {config.out}, {rows} rows of {len(ordered)} parts")


def run(arguments: Sequence[str]) -> None:
    """Run `spectranet merge` with these arguments."""
    command(Config, work, __doc__ or "", arguments, "spectranet merge")
