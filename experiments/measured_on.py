"""The spectra that a model is measured on: of a named dataset, or of the model's own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.datasets.split import Split, open_split
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError


def measured_on(
    data: Path | None,
    split: str,
    select: Callable[[Columns], NDArray[np.bool_]],
    model: str | Path,
    trained_on: Mapping[str, Any],
    skip_damaged: bool = False,
) -> Split:
    """Open a split of a dataset.

    Args:
        data: dataset folder; None for the one that the model was trained on.
        split: "train", "valid" or "test".
        select: columns -> bool (n,), the spectra that take part.
        model: its name, for messages.
        trained_on: folder and fingerprint of the dataset of its config.
        skip_damaged: leave out damaged parts.

    Raises:
        InputError: if the dataset cannot be used, or is no longer that of the training where none
            is named.
    """
    folder = data or Path(trained_on["folder"])
    if data is None and not folder.is_dir():
        raise InputError(
            f"{folder}, which {model} was trained on, is not there; name a dataset to use with"
            " --data"
        )
    opened = open_split(folder, split, select, skip_damaged=skip_damaged)
    if data is None and opened.manifest.fingerprint != trained_on["fingerprint"]:
        raise InputError(
            f"{folder} is no longer the dataset that {model} was trained on; name the dataset to"
            " use with --data"
        )
    return opened
