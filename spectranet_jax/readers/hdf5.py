"""HDF5 files whose columns are datasets at the root, read by row, without links to other files.

HDF5 can refer to other files: by external links, by virtual datasets, by data in external files,
and by soft links through any of these. A file with one of them is refused, so that a file from
elsewhere cannot make us read what lies beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.readers.opening import open_regular
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.whole_numbers import whole_numbers

MAGIC = b"\x89HDF\r\n\x1a\n"

SUFFIXES = (".hdf5", ".h5")

MOST_PIXELS = 100_000
"""Limit of values in a row of a dataset: longer rows are not spectra, and may exceed memory."""


def is_hdf5(path: Path) -> bool:
    """Return whether a file begins as HDF5 does."""
    try:
        with open_regular(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):  # ValueError for a name with a null byte
        return False


@contextmanager
def open_hdf5(path: Path, rows: range | None = None) -> Iterator["Hdf5"]:
    """Open a file and yield its datasets at the root.

    Args:
        path: the file.
        rows: those wanted, which `Hdf5.wanted` has; by default all.

    Raises:
        InputError: if it is damaged, or refers to another file.
    """
    import h5py

    with _damage(path):
        file = h5py.File(path, "r", locking=False)
    with file:
        opened = Hdf5(path, file, rows)
        opened.check_links()
        yield opened


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Turn what h5py raises for a damaged file into an InputError."""
    try:
        yield
    except InputError:
        raise
    except (OSError, EOFError, RuntimeError, ArithmeticError, LookupError, TypeError, ValueError,
            AttributeError) as error:  # fmt: skip
        raise InputError(
            f"{path} cannot be read as HDF5: it is truncated or damaged; fetch it again"
        ) from error


def _is_elsewhere(node: Any) -> bool:
    """Return whether a dataset's data are in another dataset or file; False for groups."""
    return bool(getattr(node, "is_virtual", False) or getattr(node, "external", None))


class Hdf5:
    """An open file; `wanted` are the rows to be read, None for all.

    Names are found as they are, or in lower case.
    """

    def __init__(self, path: Path, file: Any, wanted: range | None = None) -> None:
        self.path, self.wanted = path, wanted
        self._file = file

    def check_links(self) -> None:
        """Raise InputError if something at the root is not in the file itself."""
        import h5py

        with _damage(self.path):
            for name in self._file:
                link = self._file.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink) or _is_elsewhere(self._file[name]):
                    raise InputError(
                        f"{self.path} refers to another place for {name} (a link, or a virtual or"
                        " external dataset), which is not followed; give a file that holds its data"
                    )

    def find(self, *names: str) -> str:
        """Return the first of these names that is a dataset; "" if none is."""
        spelled = (form for name in names for form in dict.fromkeys((name, name.lower())))
        with _damage(self.path):
            return next((name for name in spelled if hasattr(self._file.get(name), "dtype")), "")

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a dataset."""
        with _damage(self.path):
            return tuple(self._file[name].shape)

    def numbers(self, name: str, rows: slice, dimensions: int = 1) -> NDArray[Any]:
        """Return rows of a dataset of numbers or booleans.

        Raises:
            InputError: if it holds none, or not one value (or one row of pixels) per row.
        """
        cells = self._cells(name, rows, dimensions)
        if cells.dtype.kind not in "biuf":
            raise InputError(f"{self.path} has no numbers in {name}; fetch it again")
        return cells

    def whole(self, name: str, rows: slice) -> NDArray[np.int64]:
        """Return rows of a dataset of whole numbers, -1 where there is none."""
        cells = self._cells(name, rows, 1)
        return whole_numbers(self._texts(cells) if cells.dtype.kind in "OS" else cells)[0]

    def texts(self, name: str, rows: slice) -> NDArray[np.str_]:
        """Return rows of a dataset of text, without surrounding spaces; "" where there is none."""
        cells = self._cells(name, rows, 1)
        if cells.dtype.kind not in "OSU":
            return np.full(len(cells), "")
        return self._texts(cells)

    def _cells(self, name: str, rows: slice, dimensions: int) -> NDArray[Any]:
        shape = self.shape(name)
        if len(shape) != dimensions or max(shape[1:], default=0) > MOST_PIXELS:
            raise InputError(
                f"{self.path} has a dataset {name} of shape {shape}, where"
                f" {'one value' if dimensions == 1 else 'a row of pixels'} per spectrum is expected"
            )
        if shape[0] < rows.stop:
            raise InputError(
                f"{self.path} has only {shape[0]} rows of {name}, but more spectra; fetch it again"
            )
        with _damage(self.path):
            return np.asarray(self._file[name][rows])

    def _texts(self, cells: NDArray[Any]) -> NDArray[np.str_]:
        with _damage(self.path):
            texts = [
                cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
                for cell in cells.tolist()
            ]
        return np.strings.strip(np.array(texts, np.str_))
