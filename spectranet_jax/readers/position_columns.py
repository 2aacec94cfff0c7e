"""Positions on the sky from two columns of a table in a file of spectra."""

from collections.abc import Mapping

from spectranet_jax.readers.hdu import Hdu
from spectranet_jax.spectra.sky_position import position


def positions(table: Hdu, ra: str, dec: str) -> list[Mapping[str, float]]:
    """Return RA and DEC of each row, in degrees; {} where they are unknown."""
    if not {ra, dec} <= table.columns:
        return [{}] * table.rows
    pairs = zip(table.cells(ra).tolist(), table.cells(dec).tolist(), strict=True)
    return [position(*pair) for pair in pairs]
