"""Basis vectors at native pixels, whose sums fit spectra of one kind, and their files."""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from spectranet_jax.datasets import checksums
from spectranet_jax.inference import weights
from spectranet_jax.spectra.errors import InputError

FOLDERS = {"GALAXY": "basis-galaxy", "QSO": "basis-quasar"}
"""Kind of spectrum -> folder of the shipped vectors, in `weights/`."""

FILE_NAME = "basis.safetensors"

WIDE = 3
"""Native pixels per pixel of the first, coarse scan: 207 km/s."""

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Basis:
    """Basis vectors in the rest frame, on pixels of `native.STEP` in log10 of the wavelength.

    Attributes:
        start: log10 of the wavelength of the first pixel's center, in steps of `native.STEP`.
        vectors: (vectors, pixels) float64, flux per unit wavelength, of unit norm.
    """

    start: int
    vectors: Float64Array

    @cached_property
    def wide(self) -> tuple["Basis", ...]:
        """Bases on pixels `WIDE` times as wide, the first of which begins at pixel 0, 1, ...

        Their `start` is in native steps still, of the first native pixel.
        """
        count = self.vectors.shape[1] // WIDE - 1
        return tuple(
            Basis(
                self.start + begin,
                self.vectors[:, begin : begin + WIDE * count]
                .reshape(len(self.vectors), count, WIDE)
                .mean(axis=2),
            )
            for begin in range(WIDE)
        )


def shipped() -> dict[str, Basis]:
    """Return the basis vectors of the package by kind of spectrum: "GALAXY" and "QSO"."""
    root = Path(str(files("spectranet_jax"))) / "weights"
    return {kind: load(root / folder / FILE_NAME) for kind, folder in FOLDERS.items()}


def load(path: Path) -> Basis:
    """Return the basis vectors in a safetensors file, as `save` writes it.

    Raises:
        InputError: if it is missing or damaged, or holds something else.
    """
    if path.is_file():
        checksums.check(path.parent, "install spectranet-jax again")
    try:
        arrays = load_file(path)
        return Basis(int(arrays["start"]), arrays["vectors"].astype(np.float64))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not hold basis vectors ({type(error).__name__}); install"
            " spectranet-jax again, or make them anew with experiments.basis"
        ) from error


def save(path: Path, basis: Basis) -> str:
    """Write basis vectors in float32 to a safetensors file, with a checksum; return the sha256."""
    arrays = {"start": np.array(basis.start), "vectors": basis.vectors.astype(np.float32)}
    weights.save(path, arrays)
    checksums.write(path.parent, [path.name])
    return checksums.sha256_of(path)
