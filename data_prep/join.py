"""From what was read to what is written: each spectrum with its row, or the reason why not."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.batch import Batch, concatenate
from data_prep.journal import Journal
from data_prep.objects import objects_of
from data_prep.pairs import believed
from data_prep.selection import NO_ROW, Selection
from data_prep.truth import Truth
from data_prep.write import SourceFile
from spectranet_jax.datasets.records import BLOCK_SIZE, Block
from spectranet_jax.progress import progress
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.identity import FIBER, OBJECTS, OBSERVATIONS

UNREADABLE = "in a file that cannot be read"
SAME_FILE = "in a file that had come before under another name"
NO_TARGET = "of the sky, or of a fiber that is out of order (OBJTYPE is SKY or BAD)"


class Join:
    """The stream from batches to blocks; `report` and `read` are complete at its end.

    Attributes:
        rows: the catalog's row of each spectrum, -1 for none.
        of_rows: of what object each row of the catalog is.
        report: what the manifest tells of what came in, and of what was left out.
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
            truth: what the catalogs tell.
            grid: the bins of the spectra.
            keys, ids: of all spectra in order, as `identity.as_arrays` has them.
        """
        self.catalogs = catalogs
        self.files = files
        self.selection = Selection(truth, grid, Counter())
        self.read: list[SourceFile] = []
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

    def blocks(self, record: Journal) -> Iterator[Block]:
        """Blocks of the spectra that can be used.

        Raises:
            InputError: if nothing can be read, or nothing matches the catalog.
        """
        taken = place = 0
        with progress("joining with the catalog", self.files) as advance:
            for batch in _gathered(record.batches()):
                self.read += [file[:3] for file in batch.files]
                block = self._select(batch, slice(place, place := place + len(batch)))
                taken += len(block)
                self.report["by_object"] = self.selection.by_object
                yield block
                advance(len(batch.files), f"{taken} spectra")
        unreadable = self.report["unreadable"]
        if not taken and len(unreadable) == self.files:
            raise InputError(f"none of the {self.files} files can be read: {unreadable[0]}")
        if not taken and set(self.selection.reasons) <= {NO_ROW, UNREADABLE}:
            raise InputError(
                f"no spectrum matches a row of {', '.join(self.catalogs)} by its observation,"
                " as plate, MJD and fiber, or by object; give the catalog that belongs to these"
                " spectra"
            )

    def _select(self, batch: Batch, part: slice) -> Block:
        bad = [reason for _, _, _, reason in batch.files if reason]
        self.report["unreadable"] += bad
        self.report["rows_in"] += len(batch) + len(bad)
        self.report["masked"] += int((batch.flags & Flag.BAD_PIXELS != 0).sum())
        self.report["checksum"] += int((batch.flags & Flag.CHECKSUM != 0).sum())
        if bad:
            self.selection.reasons[UNREADABLE] += len(bad)
        again = []
        for _, sha256, _, _ in batch.files:
            again.append(bool(sha256) and sha256 in self._seen)
            self._seen.add(sha256)
        names = [Path(name).name.encode() for name, _, _, _ in batch.files]
        fiber = batch.keys[:, OBSERVATIONS.index(FIBER)]
        return self.selection.take(
            rows=self.rows[part],
            by_object=self._by_object[part],
            fiber=fiber,
            flux=batch.flux,
            ivar=batch.ivar,
            name=batch.name,
            source=np.array(names, np.bytes_)[batch.file],
            object_id=self._of_spectra[part],
            left_out={
                SAME_FILE: np.array(again, np.bool_)[batch.file] & (fiber < 0),
                NO_TARGET: ~batch.on_target,
            },
        )


def _gathered(parts: Iterator[Batch]) -> Iterator[Batch]:
    """The same in batches of about a block."""
    waiting: list[Batch] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= BLOCK_SIZE or len(waiting) >= BLOCK_SIZE:
            yield concatenate(waiting)
            waiting = []
    if waiting:
        yield concatenate(waiting)
