"""Join of spectra with catalog rows: from readings to blocks, with the reason for each left out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.labeled_files import KEYS, NATIVE, ON_TARGET
from data_prep.objects import objects_of
from data_prep.pairs import believed
from data_prep.selection import NO_ROW, Selection
from data_prep.truth import Truth
from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.progress import progress
from spectranet_jax.readers.file_reading import FileRead, Reading, concatenate
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.identity import FIBER, OBJECTS, OBSERVATIONS
from spectranet_jax.spectra.identity_columns import IDENTITY_COLUMNS

UNREADABLE = "in a file that cannot be read"
SAME_FILE = "in a file that had come before under another name"
NO_TARGET = "of the sky, or of a fiber out of order (OBJTYPE is SKY or BAD)"


class Join:
    """The stream from readings to blocks; `report` and `read` are complete at its end.

    Attributes:
        rows: the catalog's row of each spectrum, -1 for none.
        of_rows: the object of each row of the catalog.
        report: the manifest's counts of spectra read, and of those left out.
        read: the files, for the list of sources.
    """

    def __init__(
        self,
        catalogs: Sequence[str],
        files: int,
        truth: Truth,
        grid: LogGrid,
        keys: NDArray[np.int64],
        ids: NDArray[np.int64],
    ) -> None:
        """Join all spectra with their rows.

        Args:
            catalogs: their names, as given.
            files: how many were read.
            truth: labels from the catalogs.
            grid: the bins of the spectra.
            keys, ids: of all spectra in order, as `identity.as_arrays` has them.
        """
        self.catalogs = catalogs
        self.files = files
        self.selection = Selection(truth, grid, Counter())
        self.read: list[FileRead] = []
        observed = dict(zip(OBSERVATIONS, keys.T, strict=True))
        named = dict(zip(OBJECTS, ids.T, strict=True))
        self.rows, self._by_object = truth.rows_of(believed(truth, observed), named)
        self.of_rows, self._of_spectra = objects_of(truth, self.rows, named)
        self.report: dict[str, Any] = {
            "rows_in": 0,
            "reasons": self.selection.reasons,
            "masked": 0,
            "by_object": 0,
            "checksum": 0,
            "unreadable": [],
        }
        self._seen: set[str] = set()

    def blocks(self, readings: Iterable[Reading]) -> Iterator[Block]:
        """Yield blocks of the usable spectra.

        Args:
            readings: all that was read, in the order of the keys.

        Raises:
            InputError: if nothing can be read, or nothing matches the catalog.
        """
        taken = place = 0
        with progress("joining with the catalog", self.files) as advance:
            for reading in _gathered(readings):
                self.read += reading.files
                block = self._select(reading, slice(place, place := place + len(reading)))
                taken += len(block)
                self.report["by_object"] = self.selection.by_object
                yield block
                advance(len(reading.files), f"{taken} spectra")
        unreadable = self.report["unreadable"]
        if not taken and len(unreadable) == self.files:
            raise InputError(f"none of the {self.files} files can be read: {unreadable[0]}")
        if not taken and set(self.selection.reasons) <= {NO_ROW, UNREADABLE}:
            raise InputError(
                f"no spectrum matches a row of {', '.join(self.catalogs)} by its observation,"
                " as plate, MJD and fiber, by object, or by file (of one spectrum each); give the"
                " catalog that belongs to these spectra"
            )

    def _select(self, reading: Reading, rows: slice) -> Block:
        self._count(reading)
        repeated = self._came_before(reading)
        names = [Path(file.name).name.encode("utf-8", "surrogateescape") for file in reading.files]
        fiber = reading.columns[KEYS][:, OBSERVATIONS.index(FIBER)]
        ((flux, ivar),) = reading.pixels.values()
        return self.selection.take(
            rows=self.rows[rows],
            by_object=self._by_object[rows],
            fiber=fiber,
            flux=flux,
            ivar=ivar,
            name=np.strings.encode(reading.name, "utf-8", "surrogateescape"),
            source=np.array(names, np.bytes_)[reading.file_index],
            object_id=self._of_spectra[rows],
            identity={name: reading.columns[name] for name in IDENTITY_COLUMNS},
            native={
                name: reading.columns[column]
                for column, name in NATIVE.items()
                if column in reading.columns
            },
            left_out={
                SAME_FILE: repeated[reading.file_index] & (fiber < 0),
                NO_TARGET: ~reading.columns[ON_TARGET],
            },
        )

    def _count(self, reading: Reading) -> None:
        unreadable = reading.errors
        self.report["unreadable"] += unreadable
        self.report["rows_in"] += len(reading) + len(unreadable)
        self.report["masked"] += int((reading.flags & Flag.BAD_PIXELS != 0).sum())
        self.report["checksum"] += int((reading.flags & Flag.CHECKSUM != 0).sum())
        if unreadable:
            self.selection.reasons[UNREADABLE] += len(unreadable)

    def _came_before(self, reading: Reading) -> NDArray[np.bool_]:
        """Return whether each file's content had come before, bool (files,)."""
        repeated = []
        for file in reading.files:
            repeated.append(bool(file.sha256) and file.sha256 in self._seen)
            self._seen.add(file.sha256)
        return np.array(repeated, np.bool_)


def _gathered(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Yield the readings joined to about a block each."""
    waiting: list[Reading] = []
    for reading in readings:
        waiting.append(reading)
        if sum(map(len, waiting)) >= BLOCK_SIZE or len(waiting) >= BLOCK_SIZE:
            yield concatenate(waiting)
            waiting = []
    if waiting:
        yield concatenate(waiting)
