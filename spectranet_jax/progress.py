"""Progress for people on a terminal, and as plain lines for logs."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SECONDS_BETWEEN_LINES = 10.0

SILENT = 2.0
"""Seconds without a message: most errors in the input are found by then."""


class Advance(Protocol):
    """Report that `amount` more is done, with a remark to show beside the bar."""

    def __call__(self, amount: int, remark: str = "") -> None: ...


@contextmanager
def notice_if_slow(line: str) -> Iterator[None]:
    """Print a line on standard error if the block takes longer than `SILENT`."""

    def tell() -> None:
        print(line, file=sys.stderr, flush=True)

    timer = threading.Timer(SILENT, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def progress(label: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Show a bar on standard error while the block runs; without a terminal, a line now and then.

    A log says nothing of work that takes less than `SILENT`: where that was in vain, the error
    stands alone.

    Args:
        label: the work, as in "reading spectra".
        total: how much there is to do.
        done: how much of it was done before (a resumed run).
    """
    if sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[remark]}"),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(label, total=total, completed=done, remark="")
            yield lambda amount, remark="": bar.update(task, advance=amount, remark=remark)
        return

    begun = last_line = time.monotonic()
    status = ""

    def advance(amount: int, remark: str = "") -> None:
        nonlocal done, last_line, status
        done += amount
        status = f"{label}: {done}/{total} {remark}".rstrip()
        if time.monotonic() - last_line >= SECONDS_BETWEEN_LINES:
            last_line = time.monotonic()
            print(status, file=sys.stderr, flush=True)
            status = ""

    yield advance
    if status and time.monotonic() - begun >= SILENT:
        print(status, file=sys.stderr, flush=True)
