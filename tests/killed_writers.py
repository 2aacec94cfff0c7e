"""What a process that was killed while it wrote a file leaves behind."""

import socket
import subprocess
import sys
from pathlib import Path


def ended_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by(process: int, folder: Path) -> Path:
    """Make the temporary folder of a process that writes a file, and return it."""
    left = folder / f".writing-{socket.gethostname()}-{process}-abc"
    left.mkdir(parents=True)
    (left / "x.txt").write_text("half")
    return left
