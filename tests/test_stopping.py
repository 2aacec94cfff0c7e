"""SIGTERM and Ctrl-C: work is saved, the way to resume is named, and the end comes soon."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
import short_plates
import toy_inputs
import toy_survey
from commands_of_their_own import finish, run, start, wait_for
from same_bytes import same_bytes

from spectranet_jax import stopping
from spectranet_jax.datasets.journal import FILE_NAME
from spectranet_jax.training import checkpoint

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
SOON = 10.0

pytestmark = pytest.mark.long

PROGRAM = """
import hashlib, sys, time
from dataclasses import dataclass
from spectranet_jax import stopping
from spectranet_jax.command_line import command
@dataclass
class Config:
    kind: str
def work(config):
    print("ready", flush=True)
    if config.kind == "deaf":
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    elif config.kind == "deferring":
        with stopping.deferred() as wish:
            while not wish.kind:
                time.sleep(0.01)
            print("saved", flush=True)
    else:
        time.sleep(60)
stopping.GRACE = 1.0
command(Config, work, "A command.")
"""


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize(
    ("kind", "out", "words"),
    [("asleep", "", "interrupted"), ("deferring", "saved\n", "interrupted"), ("deaf", "", "again")],
)
def test_a_signal_ends_a_command_with_its_status(
    tmp_path: Path, number: int, status: int, kind: str, out: str, words: str
):
    """Also where the main thread is busy."""
    (tmp_path / "program.py").write_text(PROGRAM)
    process = start(["program.py", "--kind", kind], tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)  # until it is deaf
    begun = time.monotonic()
    process.send_signal(number)
    output, error = finish(process)
    assert process.returncode == status and time.monotonic() - begun < 5
    assert output == out and words in error and error.count("\n") == 1


def test_a_second_signal_does_not_wait(tmp_path: Path):
    (tmp_path / "program.py").write_text(PROGRAM.replace("while not wish.kind:", "while True:"))
    process = start(["program.py", "--kind", "deferring"], tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    finish(process)
    assert process.returncode == 130 and time.monotonic() - begun < 0.6


def test_without_a_command_signals_are_left_alone():
    before = [signal.getsignal(number) for number in stopping.KINDS]
    with stopping.stoppable():
        assert [signal.getsignal(number) for number in stopping.KINDS] != before
    assert [signal.getsignal(number) for number in stopping.KINDS] == before
    with stopping.deferred() as wish:
        assert wish.kind is None


def stop(process, number: int) -> tuple[float, str]:
    """Send a signal to a process and its workers; return seconds to its end, and its output."""
    begun = time.monotonic()
    os.killpg(process.pid, number)
    _, error = finish(process)
    return time.monotonic() - begun, error


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_training_saves_its_state_and_resumes_bit_for_bit(tmp_path: Path, number: int, status: int):
    toy_survey.write(tmp_path / "toy", 2000)
    flags = ["-m", "experiments.classify", "--data", "toy", "--batch", 64, "--epochs", 8]
    run([*flags, "--out", "whole"], tmp_path)
    process = start([*flags, "--out", "run"], tmp_path)
    metrics = tmp_path / "run" / "metrics.jsonl"
    wait_for(lambda: metrics.is_file() and metrics.read_text().count("\n") > 60, process)
    seconds, error = stop(process, number)
    assert process.returncode == status and seconds < SOON
    assert "same command" in error and "Traceback" not in error
    at = checkpoint.latest_step(tmp_path / "run", checkpoint.LAST)
    rows = (line for line in metrics.read_text().splitlines() if "learning_rate" in line)
    assert f"stopped after step {at}" in error and at == sum(1 for _ in rows)  # no step is lost
    assert f"resuming after step {at}" in run([*flags, "--out", "run"], tmp_path)
    for name in ("metrics.jsonl", "evaluation.json"):
        texts = [(tmp_path / folder / name).read_text() for folder in ("run", "whole")]
        assert texts[0].replace('"model": "run"', '"model": "whole"') == texts[1]


def test_a_signal_to_one_of_two_processes_ends_both_after_the_same_step(tmp_path: Path):
    toy_survey.write(tmp_path / "toy", 2000)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    words = ["-m", "experiments.classify", "--data", "toy", "--batch", 64, "--epochs", 200]
    words += ["--out", "run", "--distributed", "--coordinator", f"127.0.0.1:{port}"]
    both = [start([*words, "--processes", 2, "--process", n], tmp_path) for n in (0, 1)]
    metrics = tmp_path / "run" / "metrics.jsonl"
    wait_for(lambda: metrics.is_file() and metrics.read_text().count("\n") > 30, both[0])
    begun = time.monotonic()
    both[1].send_signal(signal.SIGTERM)
    errors = [finish(process)[1] for process in both]
    assert time.monotonic() - begun < SOON
    assert [process.returncode for process in both] == [143, 143], errors
    at = checkpoint.latest_step(tmp_path / "run", checkpoint.LAST)
    for error in errors:
        assert f"stopped after step {at}" in error and "same command" in error


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("workers", [1, 2])
def test_prediction_keeps_its_rows(tmp_path: Path, number: int, status: int, workers: int):
    toy_inputs.write(tmp_path)
    slowly = (
        "import sys, time\n"
        "from spectranet_jax.catalog import pieces, streaming\n"
        "from spectranet_jax.commands import predict\n"
        "streaming.CHUNK, streaming.SERIAL_FILES, pieces.TOGETHER_PIECES = 7 * 3544, 3, 3\n"
        "add = streaming.Finished.add\n"
        "def adding(*rows):\n"
        "    add(*rows)\n"
        "    time.sleep(float(sys.argv[1]))\n"
        "streaming.Finished.add = adding\n"
        "if __name__ == '__main__':\n"
        "    predict.run(sys.argv[2:])\n"
    )
    (tmp_path / "slowly.py").write_text(slowly)
    flags = ["in", "--model", "run", "--workers", workers, "--no-refine", "--out"]
    run(["slowly.py", 0, *flags, "whole.fits"], tmp_path)
    process = start(["slowly.py", 1, *flags, "c.fits"], tmp_path)
    journal = tmp_path / ".finished-c.fits" / FILE_NAME
    wait_for(lambda: journal.exists() and b"rows-000001" in journal.read_bytes(), process)
    seconds, error = stop(process, number)
    assert process.returncode == status and seconds < SOON
    assert "same command" in error and "Traceback" not in error
    assert not (tmp_path / "c.fits").exists()
    run(["slowly.py", 0, *flags, "c.fits"], tmp_path)
    same_bytes(tmp_path / "c.fits", tmp_path / "whole.fits")


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_mock_survey_is_whole_or_not_there(tmp_path: Path, number: int, status: int):
    flags = ["-m", "data_prep.mock", "--out", "mock", "--spectra", 40_000]
    process = start(flags, tmp_path)
    wait_for(lambda: any(tmp_path.glob(".writing-mock*/spill/*")), process)
    seconds, error = stop(process, number)
    assert process.returncode == status and seconds < SOON
    assert "run the same command again" in error and "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir() if path.name != ".cache"] == []


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_data_preparation_keeps_what_it_has_read(tmp_path: Path, number: int, status: int):
    short_plates.make(tmp_path)
    slowly = (
        "import sys, time\n"
        "from data_prep import sdss, survey_files\n"
        "from spectranet_jax.command_line import command\n"
        "survey_files.SERIAL_GROUPS, survey_files.TOGETHER_FILES = 1, 2\n"
        "add = survey_files.Journal.add\n"
        "def adding(*read):\n"
        "    add(*read)\n"
        "    time.sleep(1)\n"
        "survey_files.Journal.add = adding\n"
        "if __name__ == '__main__':\n"
        "    work = lambda config: survey_files.prepare(config, 'data_prep.sdss')\n"
        "    command(survey_files.Config, work, 'Prepare.', sys.argv[1:])\n"
    )
    (tmp_path / "slowly.py").write_text(slowly)
    flags = ["--catalog", "catalog.fits", "--spectra", "spectra", "--workers", 2, "--out", "d"]
    process = start(["slowly.py", *flags], tmp_path)
    journal = tmp_path / ".finished-d" / FILE_NAME
    wait_for(lambda: journal.exists() and journal.stat().st_size > 20_000, process)
    seconds, error = stop(process, number)
    assert process.returncode == status and seconds < SOON
    assert "same command" in error and "Traceback" not in error
    assert not (tmp_path / "d").exists()
