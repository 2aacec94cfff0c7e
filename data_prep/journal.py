"""What has been read so far, kept beside the dataset until it is whole: a cut-off run goes on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_prep import batch as batches
from data_prep.batch import Batch
from spectranet_jax.datasets.folder import writing
from spectranet_jax.spectra import InputError


class Journal:
    """A file of batches, to which whole ones are appended.

    Attributes:
        path: the file.
        begin: where the first batch begins.
        size: bytes of it that hold the head and whole batches.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        head = f"{key}\n".encode()
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                file.seek(0)
                if file.read(len(head)) != head:  # another catalog, other files, another version
                    file.truncate(0)
                    file.write(head)
        self.begin = self.size = len(head)

    def batches(self) -> Iterator[Batch]:
        """The batches in order, also those of an earlier run, up to the first that is not whole."""
        with self.path.open("rb") as file:
            file.seek(self.begin)
            while (batch := batches.decode(file)) is not None:
                self.size = max(self.size, file.tell())
                yield batch

    def add(self, batch: Batch) -> None:
        """Append a batch, after the whole ones."""
        content = batches.encode(batch)
        with writing(self.path), self.path.open("r+b") as file:
            file.seek(self.size)
            file.write(content)
            file.truncate()
        self.size += len(content)


@contextmanager
def journal(out: Path, key: str, few: bool) -> Iterator[Journal]:
    """Give the journal of a dataset folder; it is removed when the block succeeds.

    After a mistake it stays too, for the run with that mended, unless there was little to read.

    Args:
        out: the dataset folder.
        key: what must be the same for an earlier run to count.
        few: whether so little is read that after a mistake it is read again.
    """
    path = out.absolute().parent / f".finished-{out.name}"
    record = Journal(path, key)
    try:
        yield record
    except (InputError, KeyboardInterrupt) as error:
        if few and isinstance(error, InputError):
            path.unlink(missing_ok=True)
        elif path.exists():
            print(
                f"what was read is kept in {path}; the same command goes on from there",
                file=sys.stderr,
            )
        raise
    path.unlink(missing_ok=True)
