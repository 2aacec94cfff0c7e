"""Worker processes: ordered results, few waiting, and an end with the parent."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spectranet_jax.readers import workers
from spectranet_jax.spectra import InputError

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


def test_results_come_in_order_and_few_wait():
    started = []

    def late(number):
        started.append(number)
        time.sleep(0.002 * (number % 3))
        return number

    with ThreadPoolExecutor(4) as pool:
        for number, result in enumerate(workers._results(pool, late, iter(range(40)), 8, deque())):
            assert result == number and len(started) <= number + 9


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_reported(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "SECONDS_TO_CONNECT", 0.2)
    with (
        pytest.raises(InputError, match=r"tcp://127\.0\.0\.1:1;.*dask scheduler"),
        workers.in_order(len, ["a"], 2, "tcp://127.0.0.1:1"),
    ):
        pass


def test_slurm_jobs_start_in_this_folder():
    slurm = pytest.importorskip("dask_jobqueue.slurm")
    job = slurm.SLURMJob("tcp://scheduler:8786", name="spectra", **workers._slurm_settings())
    script = str(job.job_script())
    assert f"cd '{Path.cwd()}'" in script and "#SBATCH" in script and "dask" in script
