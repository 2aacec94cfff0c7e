"""Worker processes end with the one that gives them work."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, time
from spectranet_jax.readers.workers import in_order
def number(_):
    time.sleep(0.05)
    return os.getpid()
if __name__ == "__main__":
    with in_order(number, range(10_000), 2) as results:
        print(next(results), flush=True)
        for _ in results:
            pass
"""


@pytest.mark.long
def test_no_worker_survives_a_killed_command(tmp_path: Path):
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(tmp_path / "program.py")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        os.kill(worker, 0)
        process.send_signal(signal.SIGKILL)
        try:
            process.communicate(timeout=30)  # the workers hold its standard output open
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
