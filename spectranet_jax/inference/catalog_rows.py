"""The rows of a catalog: one per spectrum."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from spectranet_jax.inference.columns import COLUMNS, MASKED_OTHERWISE, TEXTS, WITHOUT_PREDICTION
from spectranet_jax.spectra.column import Column, Columns


def build(
    predictions: Columns,
    flags: NDArray[np.integer],
    provenance: Mapping[str, Any],
    extra: Mapping[str, Column] | None = None,
) -> Table:
    """Build a catalog of n rows.

    Args:
        predictions: column name -> (n,), plain or masked; columns that are absent are masked whole,
            and where there is no spectrum to predict from; ID and SN only if there is none at all.
        flags: (n,) quality bits of `spectra.flags`.
        provenance: keywords of the header; other values than numbers and strings become JSON.
        extra: columns that follow those of `COLUMNS`, described as they are there.
    """
    count = len(flags)
    columns = {**predictions, "FLAGS": flags}
    table = Table(masked=True)
    for name, column in (COLUMNS | dict(extra or {})).items():
        values = columns.get(name, np.ma.masked_all(count, column.dtype))
        if name not in TEXTS:
            values = values.astype(column.dtype)
        reasons = MASKED_OTHERWISE.get(name, WITHOUT_PREDICTION)
        mask = np.ma.getmaskarray(values) | ((flags & reasons) != 0)
        # Masked values are also emptied, so that equal catalogs are equal bytes.
        values = np.where(mask, np.zeros((), values.dtype), np.ma.getdata(values))
        table[name] = MaskedColumn(
            values, mask=mask, description=column.description, unit=column.unit or None
        )
        if values.dtype.kind == "i":  # FITS's null must not be a value that occurs
            table[name].fill_value = np.iinfo(values.dtype).min
    table.meta = {
        key: value if isinstance(value, str | int | float) else json.dumps(value)
        for key, value in provenance.items()
    }
    return table
