"""Tracebacks that orbax prints later, from other threads, for errors already reported."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_echoes() -> Iterator[None]:
    """Drop what orbax's event loop prints about unfinished reads and writes after an error."""
    hook_before = sys.unraisablehook
    logs = {logging.getLogger(name): logging.CRITICAL + 1 for name in ("asyncio", "absl")}
    levels_before = {log: log.level for log in logs}

    def hook(unraisable: Any) -> None:
        frames = traceback.extract_tb(unraisable.exc_traceback)
        if not any("asyncio" in frame.filename or "orbax" in frame.filename for frame in frames):
            hook_before(unraisable)

    sys.unraisablehook = hook
    for log, level in logs.items():
        log.setLevel(level)
    yield
    # Not after a failure: its echoes come from other threads, at any time until the process ends.
    sys.unraisablehook = hook_before
    for log, level in levels_before.items():
        log.setLevel(level)
