"""Finished rows, in a folder beside their catalog until it is whole: a cut-off run goes on.

The folder holds a catalog of each chunk of rows, and a journal: a line that tells what the rows are
of, then a line for each chunk, written after its catalog.
"""

import dataclasses
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spectranet_jax.datasets.folder import writing
from spectranet_jax.spectra import InputError

if TYPE_CHECKING:
    from astropy.table import Table

JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Chunk:
    """A line of the journal.

    Attributes:
        file: catalog of the rows, in the folder.
        size: its bytes.
        pieces: how many the rows are of, after those of the chunks before.
        counts: rows by what they are, see `tally.tally`.
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
        folder: where they are.
        chunks: in order.
    """

    def __init__(self, folder: Path, key: str, suffix: str) -> None:
        self.folder = folder
        self.suffix = suffix
        self.chunks: list[Chunk] = []
        with writing(folder):
            lines = self._lines()
            if lines and lines[0] == key:
                self.chunks = list(self._whole(lines[1:]))
            elif folder.exists():
                print(f"{folder} is of other models or files: starting anew", file=sys.stderr)
                shutil.rmtree(folder)
            folder.mkdir(parents=True, exist_ok=True)
            kept = [key, *(json.dumps(dataclasses.asdict(chunk)) for chunk in self.chunks)]
            (folder / JOURNAL).write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def _lines(self) -> list[str]:
        """Whole lines of the journal."""
        path = self.folder / JOURNAL
        return path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []

    def _whole(self, lines: list[str]) -> Iterator[Chunk]:
        """The chunks of an earlier run, up to the first whose catalog is not what it was."""
        for number, line in enumerate(lines):
            try:
                chunk = Chunk(**json.loads(line))
            except (ValueError, TypeError):  # the machine went down while it was written
                return
            path = self._path(number)
            if path.name != chunk.file or not path.exists() or path.stat().st_size != chunk.size:
                return
            yield chunk

    def _path(self, number: int) -> Path:
        return self.folder / f"rows-{number:06d}{self.suffix}"

    @property
    def files(self) -> list[Path]:
        """The catalogs of the chunks, in order."""
        return [self.folder / chunk.file for chunk in self.chunks]

    @property
    def pieces(self) -> int:
        """How many pieces are finished."""
        return sum(chunk.pieces for chunk in self.chunks)

    def add(self, table: "Table", pieces: int, counts: dict[str, int], errors: list[str]) -> None:
        """Write the rows of the next pieces."""
        from spectranet_jax.inference import catalog

        path = self._path(len(self.chunks))
        catalog.write(table, path)
        chunk = Chunk(path.name, path.stat().st_size, pieces, counts, errors)
        line = f"{json.dumps(dataclasses.asdict(chunk))}\n"
        with writing(path), (self.folder / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(line)
        self.chunks.append(chunk)


@contextmanager
def finished(out: Path, key: str, suffix: str) -> Iterator[Finished]:
    """Give what is finished of a catalog; it is removed when the block succeeds.

    Args:
        out: the catalog.
        key: what must be the same for an earlier run to count; one line.
        suffix: of the catalogs that rows wait in.
    """
    folder = out.absolute().parent / f".finished-{out.name}"
    record = Finished(folder, key, suffix)
    try:
        yield record
    except (InputError, KeyboardInterrupt):
        if record.chunks:
            print(
                f"what was predicted is kept in {folder}; the same command goes on from there",
                file=sys.stderr,
            )
        else:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
