"""What a column of a catalog or a dataset holds."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]
"""Column name -> values, (n, ...), plain or masked, of the same n spectra."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        dtype: NumPy's name of the dtype.
        description: what it holds.
        unit: as the FITS standard writes it, "" for none.
    """

    dtype: str
    description: str
    unit: str = ""
