"""Finished rows of a catalog, in a journal beside it until it is complete.

The journal's folder holds a catalog of each chunk of rows, and its records describe them, each
written after its catalog.
"""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from spectranet_jax.datasets.journal import Journal, journal

if TYPE_CHECKING:
    from astropy.table import Table


@dataclass(frozen=True)
class Chunk:
    """A record of the journal.

    Attributes:
        file: catalog of the rows, in the folder.
        size: its bytes.
        pieces: number of pieces of the rows, after those of earlier chunks.
        counts: rows by category, see `tally.tally`.
        errors: sentences about files that cannot be read, some of them.
    """

    file: str
    size: int
    pieces: int
    counts: dict[str, int]
    errors: list[str]


class Finished:
    """The chunks of a catalog that are finished.

    Attributes:
        chunks: in order; those of an earlier run up to the first whose catalog has changed.
    """

    def __init__(self, record: Journal, suffix: str) -> None:
        self._journal = record
        self._suffix = suffix
        described = (Chunk(**json.loads(line)) for line in record.records())
        self.chunks = list(takewhile(self._is_complete, described))

    def _is_complete(self, chunk: Chunk) -> bool:
        path = self._journal.folder / chunk.file
        return path.is_file() and path.stat().st_size == chunk.size

    @property
    def files(self) -> list[Path]:
        """The catalogs of the chunks, in order."""
        return [self._journal.folder / chunk.file for chunk in self.chunks]

    @property
    def pieces(self) -> int:
        """Number of finished pieces."""
        return sum(chunk.pieces for chunk in self.chunks)

    def add(self, table: "Table", pieces: int, counts: dict[str, int], errors: list[str]) -> None:
        """Write the rows of the next pieces."""
        from spectranet_jax.catalog import catalog_file

        path = self._journal.folder / f"rows-{len(self.chunks):06d}{self._suffix}"
        catalog_file.write(table, path)
        chunk = Chunk(path.name, path.stat().st_size, pieces, counts, errors)
        self._journal.add(json.dumps(dataclasses.asdict(chunk)).encode())
        self.chunks.append(chunk)

    def clear(self) -> None:
        """Remove the chunks, which no later run can use."""
        self._journal.clear()
        self.chunks.clear()


@contextmanager
def finished(out: Path, key: str, suffix: str) -> Iterator[Finished]:
    """Yield the finished part of a catalog: see `datasets.journal.journal`.

    Args:
        out: the catalog.
        key: what must be the same for an earlier run to count; one line.
        suffix: of the catalogs that rows wait in.
    """
    with journal(out, key) as record:
        yield Finished(record, suffix)
