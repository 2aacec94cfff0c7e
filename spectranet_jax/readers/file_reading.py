"""Files read and rebinned, in one container for training data and for prediction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers import Pixels, rebinned, stream
from spectranet_jax.readers.native_reading import (
    Native,
    blank_native,
    joined_native,
    native_of,
)
from spectranet_jax.spectra import InputError, LogGrid
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.identity import Identity

Describe = Callable[[Sequence[Identity]], Columns]
"""From the identities of n spectra to the columns that a caller keeps of them."""


class FileRead(NamedTuple):
    """A file that was read, or could not be.

    Attributes:
        name: as given.
        spectra: how many came from it; 0 if it cannot be read.
        error: the sentence that says why it cannot be read; "" if it can.
        sha256: checksum of its content, hexadecimal; "" if nobody asked for it.
    """

    name: str
    spectra: int
    error: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Reading:
    """Spectra of files on one or more grids, in the order of the files.

    Attributes:
        files: those that were read, also those that cannot be.
        file_index: (n,) int32, index into `files`.
        name: (n,) text, what the survey calls each spectrum.
        flags: (n,) int32, bits of `spectra.flags` from file and pixels.
        pixels: grid -> flux and ivar, (n, bins) float32.
        columns: further columns that the caller asked for.
        native: the phase of the survey's own pixels in the bins, and these pixels, if requested.
    """

    files: list[FileRead]
    file_index: NDArray[np.int32]
    name: NDArray[np.str_]
    flags: NDArray[np.int32]
    pixels: Mapping[LogGrid, Pixels]
    columns: Columns = field(default_factory=dict)
    native: Native | None = None

    def __len__(self) -> int:
        return len(self.flags)

    @property
    def nbytes(self) -> int:
        """Memory of the pixels, native ones included."""
        return self.binned_nbytes + (0 if self.native is None else self.native.nbytes)

    @property
    def binned_nbytes(self) -> int:
        """Memory of the pixels on the grids."""
        return sum(flux.nbytes + ivar.nbytes for flux, ivar in self.pixels.values())

    @property
    def file(self) -> list[str]:
        """(n,) names of the files that the spectra come from."""
        return [self.files[index].name for index in self.file_index]

    @property
    def errors(self) -> list[str]:
        """A sentence for each file that cannot be read."""
        return [file.error for file in self.files if file.error]


def no_columns(_: Sequence[Identity]) -> Columns:
    """Keep nothing besides the pixels."""
    return {}


def read_file(
    path: str,
    grids: Sequence[LogGrid],
    describe: Describe = no_columns,
    native_pixels: bool | None = None,
    rows: range | None = None,
) -> Reading:
    """Read and rebin a file of any survey; one that cannot be read has no spectra.

    Args:
        path: the file.
        grids: those to rebin to, one at least.
        describe: what else to keep of each spectrum.
        native_pixels: True to keep the native pixels too, False to keep their phase alone, None for
            neither.
        rows: the rows of an HDF5 file to read; by default all.
    """
    names: list[str] = []
    identities: list[Identity] = []
    flags, pixels = [np.zeros(0, np.int32)], [_blank(grids, 0)]
    native = [] if native_pixels is None else [blank_native(0, grids, native_pixels)]
    try:
        for spectra, bits, on_grids in rebinned(stream(Path(path), rows), grids):
            names += [spectrum.name for spectrum in spectra]
            identities += [spectrum.identity for spectrum in spectra]
            flags.append(bits)
            pixels.append(dict(zip(grids, on_grids, strict=True)))
            if native_pixels is not None:
                native.append(native_of(spectra, grids, native_pixels))
    except InputError as reason:  # even after some spectra: then none of them is trusted
        return blank([FileRead(path, 0, str(reason))], 0, grids, describe([]), native_pixels)
    return Reading(
        files=[FileRead(path, len(names))],
        file_index=np.zeros(len(names), np.int32),
        name=np.array(names, np.str_),
        flags=np.concatenate(flags),
        pixels=_joined(pixels),
        columns=describe(identities),
        native=joined_native(native),
    )


def blank(
    files: list[FileRead],
    count: int,
    grids: Sequence[LogGrid],
    columns: Columns,
    native_pixels: bool | None = None,
) -> Reading:
    """Nameless spectra without data, of the first of the files, if there is one."""
    zeros = np.zeros(count, np.int32)
    native = None if native_pixels is None else blank_native(count, grids, native_pixels)
    pixels = _blank(grids, count)
    return Reading(files, zeros, np.full(count, ""), zeros, pixels, columns, native)


def concatenate(readings: Sequence[Reading]) -> Reading:
    """Concatenate readings with the same grids and columns, in order.

    Args:
        readings: one at least.
    """
    starts = np.cumsum([0, *(len(reading.files) for reading in readings)], dtype=np.int32)
    indices = [reading.file_index + start for reading, start in zip(readings, starts, strict=False)]
    return Reading(
        files=[file for reading in readings for file in reading.files],
        file_index=np.concatenate(indices),
        name=np.concatenate([reading.name for reading in readings]),
        flags=np.concatenate([reading.flags for reading in readings]),
        pixels=_joined([reading.pixels for reading in readings]),
        columns={
            column: np.concatenate([reading.columns[column] for reading in readings])
            for column in readings[0].columns
        },
        native=joined_native([r.native for r in readings if r.native is not None]),
    )


def _blank(grids: Sequence[LogGrid], count: int) -> dict[LogGrid, Pixels]:
    zeros = {grid: np.zeros((count, grid.size), np.float32) for grid in grids}
    return {grid: (flux, flux) for grid, flux in zeros.items()}


def _joined(pixels: Sequence[Mapping[LogGrid, Pixels]]) -> dict[LogGrid, Pixels]:
    return {
        grid: (
            np.concatenate([some[grid][0] for some in pixels]),
            np.concatenate([some[grid][1] for some in pixels]),
        )
        for grid in pixels[0]
    }
