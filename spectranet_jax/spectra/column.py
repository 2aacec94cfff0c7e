"""What a column of a catalog or a dataset holds."""

from typing import NamedTuple


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        dtype: as NumPy names it.
        description: what it holds.
        unit: as the FITS standard writes it, "" for none.
    """

    dtype: str
    description: str
    unit: str = ""
