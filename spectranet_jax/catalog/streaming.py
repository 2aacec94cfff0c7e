"""Prediction of a catalog from pieces, in memory that does not grow with their number.

Workers read ahead, the network predicts a chunk of spectra at a time, and the rows are written as
they come; at the end they are joined. An interrupted run resumes after the last chunk.
"""

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.catalog import joining
from spectranet_jax.catalog.finished import Finished, finished
from spectranet_jax.catalog.pieces import Piece, names_sha256, together
from spectranet_jax.catalog.reading import NAMED, known, lost, none_readable, read_pieces, warn
from spectranet_jax.catalog.tally import ROWS, flag_row, tally
from spectranet_jax.datasets import manifest
from spectranet_jax.inference import Model
from spectranet_jax.inference.joined import provenance
from spectranet_jax.inference.model import predict_each
from spectranet_jax.inference.refinement import NONE, Refinement
from spectranet_jax.progress import Advance, progress
from spectranet_jax.readers.file_reading import Reading, blank, concatenate
from spectranet_jax.readers.groups import sizes_and_times
from spectranet_jax.readers.workers import Rescue, in_order
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag
from spectranet_jax.spectra.identity_columns import identity_columns

CHUNK = 32 << 20
"""Bytes of spectra predicted and written at a time: some 800 spectra with their native pixels. The
rows do not depend on it.
"""

BINNED_CHUNK = 4 << 20
"""The same without native pixels, since p(z) takes some twice as much as the bins: some 1,200
spectra of 443 bins.
"""

LAYOUT = 2
"""Version of the rows waiting in chunks: rows of another version are not resumed."""

SERIAL_FILES, SERIAL_BYTES = 300, 2 << 30
"""Limits below which starting worker processes is not worth it."""


def predict_to(
    out: Path,
    models: Sequence[Model],
    inputs: Sequence[Piece],
    workers: int,
    extra_header: Mapping[str, str] | None = None,
    finish: Callable[[Sequence[Path], Path], None] = joining.join,
    refinement: Refinement = NONE,
) -> Counter[str]:
    """Write a catalog of pieces, in order; a file that cannot be read gives a flagged row.

    Args:
        out: the catalog to write.
        models: whose answers are joined, as `inference.predict` joins them.
        inputs: what to predict from.
        workers: processes that read, if there is enough to read.
        extra_header: keywords that make the header that of a part of a catalog, beside those of
            `inference.joined.provenance`; of a part, no file need be readable.
        finish: writes the catalog from those of its chunks, in order.
        refinement: what refines redshifts at native pixels.

    Returns:
        rows by category, see `tally.tally`.

    Raises:
        InputError: if no file can be read, a dataset is damaged, or `out` cannot be written.
    """
    header = dict(extra_header or {})
    states = sizes_and_times([piece.file for piece in inputs])
    made_with = {"REFINED": refinement.source, "ROWS": LAYOUT}
    key = _key(provenance(models) | made_with | header, inputs, states)
    with finished(out, key, joining.ROWS_SUFFIX[out.suffix]) as record:
        pace = _predict_remaining(record, models, inputs, states[:, 0], workers, header, refinement)
        counts: Counter[str] = Counter()
        for chunk in record.chunks:
            counts.update(chunk.counts)
        errors = [error for chunk in record.chunks for error in chunk.errors]
        if not header and counts[flag_row(Flag.UNREADABLE)] == counts[ROWS]:
            record.clear()
            raise InputError(none_readable(errors, counts[ROWS]))
        finish(record.files, out)
    if pace:
        print(pace, flush=True)
    warn(errors, counts[flag_row(Flag.UNREADABLE)])
    if edited := counts[flag_row(Flag.CHECKSUM)]:
        print(
            f"warning: {edited} spectra do not match the DATASUM of their files (FLAGS"
            f" {Flag.CHECKSUM:d}): if these were edited, write them with checksum=True, else fetch"
            " them again",
            file=sys.stderr,
        )
    return counts


def _key(header: Mapping[str, Any], inputs: Sequence[Piece], states: NDArray[np.int64]) -> str:
    """Return the key that an earlier run must share for its rows to count."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    digest.update(names_sha256(inputs).encode() + states.tobytes())
    return digest.hexdigest()


def _predict_remaining(
    record: Finished,
    models: Sequence[Model],
    inputs: Sequence[Piece],
    sizes: NDArray[np.int64],
    workers: int,
    header: Mapping[str, str],
    refinement: Refinement,
) -> str:
    """Predict the unfinished pieces; return the speed as text."""
    done = record.pieces
    if done:
        print(f"resuming at {done} of {len(inputs)}", file=sys.stderr, flush=True)
    remaining, sizes = inputs[done:], sizes[done:]
    workers = workers if len(remaining) > SERIAL_FILES or sizes.sum() > SERIAL_BYTES else 1
    if all(piece.of_shard for piece in remaining):
        workers = 1  # a dataset is read faster than processes can pass it on
    grids = list(dict.fromkeys(model.grid for model in models))
    counted = {name: label for model in models for name, label in model.task.counted.items()}
    pixels = any(refinement.fits(model.task) for model in models)
    pixels &= any(_has_native_pixels(piece) for piece in _of_each_folder(remaining))
    read = partial(read_pieces, grids=grids, native_pixels=pixels)
    rescue = Rescue(_one_by_one, partial(lost, grids=grids, native_pixels=pixels))
    pace = _Pace()
    with (
        progress("reading and predicting", len(inputs), done) as advance,
        in_order(read, together(remaining, sizes), workers, rescue=rescue) as readings,
    ):
        nothing = (
            () if inputs else (blank([], 0, grids, identity_columns([]), native_pixels=pixels),)
        )  # a part may have no pieces
        for reading in chain(nothing, _chunks(pace.take(readings, advance))):
            table = predict_each(
                models,
                reading.pixels,
                known(reading),
                reading.flags,
                reading.native,
                refinement,
            )
            table.meta |= header
            record.add(table, len(reading.files), tally(table, counted), reading.errors[:NAMED])
    return str(pace) if remaining else ""


def _of_each_folder(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Return a piece of each dataset, or a file if there are any: enough to check all."""
    folders = {Path(piece.file).parent if piece.of_shard else None: piece for piece in pieces}
    return list(folders.values())


def _has_native_pixels(piece: Piece) -> bool:
    return not piece.of_shard or manifest.read(Path(piece.file).parent).native is not None


def _one_by_one(pieces: Sequence[Piece]) -> list[tuple[Piece, ...]]:
    return [(piece,) for piece in pieces]


def _chunks(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Yield readings in chunks to predict."""
    waiting: list[Reading] = []
    for reading in readings:
        waiting.append(reading)
        size = sum(reading.nbytes for reading in waiting)
        binned = sum(reading.binned_nbytes for reading in waiting)
        if size >= CHUNK or binned >= BINNED_CHUNK:
            yield concatenate(waiting)
            waiting = []
    if waiting:
        yield concatenate(waiting)


@dataclass
class _Pace:
    """Meter of the speed of spectra, and of the time spent waiting for files."""

    begin: float = field(default_factory=time.monotonic)
    waited: float = 0.0
    rows: int = 0

    def take(self, readings: Iterable[Reading], advance: Advance) -> Iterator[Reading]:
        """Yield the readings unchanged, counted and timed."""
        iterator = iter(readings)
        while True:
            before = time.monotonic()
            reading = next(iterator, None)
            self.waited += time.monotonic() - before
            if reading is None:
                return
            self.rows += len(reading)
            advance(len(reading.files), self.rate)
            yield reading

    @property
    def rate(self) -> str:
        return f"{self.rows / max(time.monotonic() - self.begin, 1e-9):,.0f} spectra/s"

    def __str__(self) -> str:
        waiting = self.waited / max(time.monotonic() - self.begin, 1e-9)
        return f"{self.rows:,} spectra, {self.rate}, {waiting:.0%} of the time waiting for files"
