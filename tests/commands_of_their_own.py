"""Commands in separate processes, which tests stop, kill and run again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 600.0
"""Seconds until a process that does not reach an expected point is given up."""


def start(words: Sequence[object], folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `python words` in a folder, with programs compiled by this session's processes."""
    settings = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        "JAX_PLATFORMS": "cpu",
        "MPLBACKEND": "Agg",
        "XDG_CACHE_HOME": str(folder / ".cache"),
    }
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env=os.environ | settings | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return standard output and error of a process, when it has ended."""
    try:
        return process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


def run(words: Sequence[object], folder: Path, **environment: str) -> str:
    """Return standard output of a command that must succeed."""
    process = start(words, folder, **environment)
    out, err = finish(process)
    assert process.returncode == 0, err
    return out


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something holds while a process runs."""
    begun = time.monotonic()
    while not condition():
        assert process.poll() is None, finish(process)[1]
        if time.monotonic() - begun > PATIENCE:
            process.kill()
            raise AssertionError("it never came")
        time.sleep(0.005)
