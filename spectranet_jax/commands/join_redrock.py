"""Join redrock's redshifts to a catalog of the same DESI targets, by TARGETID.

    spectranet join-redrock catalog.fits redrock-*.fits --out joined.fits

Keeps every row of the catalog, in order, and adds redrock's class, redshift, error and warnings.
Also adds the difference of the two redshifts (DV_RR, km/s), and whether the two results agree
(AGREE_RR).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from spectranet_jax.command_line import command, one_or_more


@dataclass(frozen=True)
class Config:
    """Settings of a join."""

    catalog: Annotated[Path, tyro.conf.Positional]
    """catalog written by spectranet predict"""
    redrock: Annotated[tuple[str, ...], tyro.conf.Positional, one_or_more("REDROCK")]
    """redrock or zbest files of DESI, or glob patterns"""
    out: Path = Path("joined.fits")
    """catalog to write: .fits, .ecsv or .parquet"""
    overwrite: bool = False
    """replace the output file if it exists"""


def work(config: Config) -> None:
    """Join as configured, and print how often the two agree."""
    from rich.table import Table

    from spectranet_jax.catalog import catalog_file
    from spectranet_jax.catalog.read_back import read_catalog
    from spectranet_jax.catalog.redrock_files import read_redrock
    from spectranet_jax.catalog.with_redrock import AGREEMENT, counts, join_redrock
    from spectranet_jax.readers import paths
    from spectranet_jax.tables import print_table

    catalog_file.check_path(config.out)
    files = paths(config.redrock)
    catalog_file.check_replace(config.out, config.overwrite, [str(config.catalog), *files])
    joined = join_redrock(read_catalog(config.catalog), read_redrock(files))
    catalog_file.write(joined, config.out)
    shown = Table(title=f"Catalog and redrock; redshifts agree within {AGREEMENT:.0f} km/s")
    shown.add_column("comparison")
    shown.add_column("spectra", justify="right")
    for name, count in counts(joined).items():
        shown.add_row(name, f"{count:,}")
    print_table(shown)
    print(f"catalog: {config.out}, {len(joined)} rows")


def run(arguments: Sequence[str]) -> None:
    """Run `spectranet join-redrock` with these arguments."""
    command(Config, work, __doc__ or "", arguments, "spectranet join-redrock")
