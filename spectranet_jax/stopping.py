"""Ending a command on SIGTERM, as when a cluster preempts a job, or Ctrl-C.

Either is raised in the main thread as a KeyboardInterrupt, so that what saves finished work saves
it in both cases. Where the main thread does not come to it, as in a long compilation, the process
ends all the same before whoever sent the signal loses patience: whatever stands on disk is whole,
since it must survive SIGKILL too.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

GRACE = 8.0
"""Seconds between the signal and the end: SLURM and Kubernetes send SIGKILL after 30."""


class Terminated(KeyboardInterrupt):
    """Raised on SIGTERM."""


KINDS: dict[int, type[KeyboardInterrupt]] = {
    signal.SIGTERM: Terminated,
    signal.SIGINT: KeyboardInterrupt,
}


@dataclass
class Wish:
    """Record of a signal that asks the block to end.

    Attributes:
        kind: what the signal would have raised; None until one comes.
    """

    kind: type[KeyboardInterrupt] | None = None


_wish: Wish | None = None
"""The wish of the block that ends by itself, while there is one."""


def exit_status(interrupt: KeyboardInterrupt) -> int:
    """Return 128 plus the number of the signal, as a shell has it: 143 or 130."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


@contextmanager
def stoppable() -> Iterator[None]:
    """Make SIGTERM and Ctrl-C raise in the block, and end the process within `GRACE` seconds.

    Outside the main thread, to which signals go, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    read, write = os.pipe()
    os.set_blocking(write, False)
    threading.Thread(target=_watch, args=(read,), daemon=True).start()
    wakeup_before = signal.set_wakeup_fd(write)
    before = {number: signal.signal(number, _on_signal) for number in KINDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        os.close(write)


@contextmanager
def deferred() -> Iterator[Wish]:
    """Yield a `Wish` that shows signals to the block, which then ends by itself.

    A second signal raises at once. One that the block has not answered raises at its end.
    """
    global _wish
    _wish = wish = Wish()
    try:
        yield wish
    finally:
        _wish = None
    if wish.kind is not None:
        raise wish.kind


def leave_to_parent() -> None:
    """Ignore Ctrl-C, which a terminal sends to worker processes too: their parent ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _on_signal(number: int, _frame: object) -> None:
    if _wish is not None and _wish.kind is None:
        _wish.kind = KINDS[number]
        return
    raise KINDS[number]


def _watch(read: int) -> None:
    """End the process `GRACE` seconds after a signal, which Python reports at once, by a pipe."""
    while received := os.read(read, 1):
        if received[0] in KINDS:
            time.sleep(GRACE)
            print(
                f"stopped after {GRACE:.0f} s without an answer; saved work is kept: run the same"
                " command again",
                file=sys.stderr,
                flush=True,
            )
            os._exit(128 + received[0])
    os.close(read)
