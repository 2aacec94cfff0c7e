"""A data preparation that was interrupted, killed or lost a worker makes the same bytes."""

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import make_dataclass
from pathlib import Path

import numpy as np
import pytest
from short_plates import FILES, bytes_of, config, make

from data_prep import labeled_files
from data_prep import survey_files as surveys
from spectranet_jax.datasets.journal import FILE_NAME, Journal
from spectranet_jax.readers import workers
from spectranet_jax.readers.file_reading import concatenate
from spectranet_jax.spectra import QUASARNET_GRID as GRID

KILLED_AFTER = 5


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


@pytest.fixture
def small(monkeypatch):
    """Set limits so low that few files are many, and a worker reads two at a time."""
    monkeypatch.setattr(surveys, "SERIAL_GROUPS", 1)
    monkeypatch.setattr(surveys, "TOGETHER_FILES", 2)


@pytest.fixture(scope="module")
def plates(tmp_path_factory):
    return make(tmp_path_factory.mktemp("plates"))


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_cut_run_goes_on_and_makes_the_same_bytes(plates, tmp_path, monkeypatch, capsys):
    whole = surveys.prepare(config(plates, tmp_path / "whole", workers=1), "data_prep.sdss")
    calls = []

    def reading(chunk, grid, native):
        calls.append(chunk)
        if len(calls) == KILLED_AFTER:
            raise KeyboardInterrupt
        return read_files(chunk, grid, native)

    read_files = labeled_files.read_files
    monkeypatch.setattr(surveys, "read_files", reading)
    cut = config(plates, tmp_path / "cut", workers=1)
    with pytest.raises(KeyboardInterrupt):
        surveys.prepare(cut, "data_prep.sdss")
    assert [p.name for p in tmp_path.iterdir() if p.name != "whole"] == [".finished-cut"]
    assert "same command" in capsys.readouterr().err
    first = set(calls)
    resumed = surveys.prepare(cut, "data_prep.sdss")
    read_again = calls[KILLED_AFTER:]
    assert not set(read_again) & (first - {calls[KILLED_AFTER - 1]})
    assert len(read_again) == FILES // 2 - (KILLED_AFTER - 1)
    assert resumed.fingerprint == whole.fingerprint and resumed.report == whole.report
    assert resumed.sources == whole.sources
    assert bytes_of(tmp_path / "cut") == bytes_of(tmp_path / "whole")
    assert not (tmp_path / ".finished-cut").exists()


@pytest.mark.slow
def test_a_run_of_few_files_goes_on_too(plates, tmp_path, monkeypatch):
    """48 spec files are three groups, as many as one process reads."""
    calls = []

    def reading(chunk, grid, native):
        calls.append(chunk)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return read_files(chunk, grid, native)

    read_files = labeled_files.read_files
    monkeypatch.setattr(surveys, "read_files", reading)
    with pytest.raises(KeyboardInterrupt):
        surveys.prepare(config(plates, tmp_path / "d"), "data_prep.sdss")
    assert len({*calls}) == 2
    assert [p.name for p in tmp_path.iterdir()] == [".finished-d"]
    calls[:] = [()] * 2
    contents = surveys.prepare(config(plates, tmp_path / "d"), "data_prep.sdss")
    assert len(calls) - 2 == 2  # the two groups that were left
    assert contents.report["rows_out"] == FILES
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_of_what_an_earlier_run_read_names_alone_stay_in_memory(tmp_path, plates):
    reading = labeled_files.read_files([str(next((plates / "spectra").iterdir()))], grid=GRID)
    record = Journal(tmp_path / "journal", "key")
    for _ in range(10):
        record.add(labeled_files.encode(concatenate([reading] * 300)))
    tracemalloc.start()
    surveys._read(config(plates, tmp_path / "d"), [], [()] * 10, Journal(record.folder, "key"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * record.path.stat().st_size


def test_what_a_run_of_another_form_read_does_not_count(monkeypatch):
    keys = {surveys._key([], np.zeros((0, 2), np.int64), native=False)}
    for name, value in (
        ("Reading", make_dataclass("Reading", ["name", "aims"])),
        ("OBSERVATIONS", surveys.OBSERVATIONS[::-1]),
    ):
        monkeypatch.setattr(surveys, name, value)
        keys.add(surveys._key([], np.zeros((0, 2), np.int64), native=False))
    keys.add(surveys._key([], np.zeros((0, 2), np.int64), native=True))
    assert len(keys) == 4


PROGRAM = """
import sys, time
from pathlib import Path
from data_prep import survey_files as survey
survey.SERIAL_GROUPS, survey.TOGETHER_FILES = 1, 2
survey.contact_sheet = lambda *_: None
if __name__ == "__main__":
    folder, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    settings = survey.Config(
        (str(folder / "catalog.fits"),), (str(folder / "spectra"),), out, workers=workers
    )
    read_files = survey.read_files
    def slowly(chunk, grid, native):
        time.sleep(0.15)
        return read_files(chunk, grid, native)
    survey.read_files = slowly
    survey.prepare(settings, "data_prep.sdss")
"""


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_killed_run_goes_on(plates, tmp_path):
    """SIGKILL in the middle: nothing can be tidied up, and still nothing is lost or duplicated."""
    whole = surveys.prepare(config(plates, tmp_path / "whole", workers=1), "data_prep.sdss")
    program, out = tmp_path / "program.py", tmp_path / "cut"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(plates), str(out), "1"]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    journal = tmp_path / ".finished-cut" / FILE_NAME
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not (journal.exists() and journal.stat().st_size > 30_000):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    key = journal.read_bytes().partition(b"\n")[0].decode().split()[-1]
    done = sum(1 for _ in Journal(journal.parent, key).records())
    assert 0 < done < FILES // 2
    resumed = surveys.prepare(config(plates, out, workers=1), "data_prep.sdss")
    assert resumed.fingerprint == whole.fingerprint
    assert bytes_of(out) == bytes_of(tmp_path / "whole")
    assert {p.name for p in tmp_path.iterdir()} == {"whole", "cut", "program.py"}


def read_or_die(chunk, grid=GRID, native=False):
    """Read files; the first worker that comes to the middle kills itself, once."""
    killed = Path(os.environ["SPECTRANET_TEST_KILLED"])
    if "-0025." in chunk[0] and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return labeled_files.read_files(chunk, grid, native)


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_cluster_that_loses_a_worker_makes_the_same_dataset(plates, tmp_path, monkeypatch):
    """A real cluster of two processes, one of them killed while the dataset is made."""
    distributed = pytest.importorskip("distributed")
    whole = surveys.prepare(config(plates, tmp_path / "whole", workers=1), "data_prep.sdss")
    killed = tmp_path / "killed"
    monkeypatch.setenv("SPECTRANET_TEST_KILLED", str(killed))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        monkeypatch.setattr(surveys, "read_files", read_or_die)
        settings = config(plates, tmp_path / "d", scheduler=cluster.scheduler_address)
        contents = surveys.prepare(settings, "data_prep.sdss")
    assert killed.exists()
    assert contents.report["rows_in"] == contents.report["rows_out"] == FILES
    assert contents.fingerprint == whole.fingerprint and contents.sources == whole.sources
    assert bytes_of(tmp_path / "d") == bytes_of(tmp_path / "whole")


@pytest.mark.long
def test_a_killed_process_of_this_machine_is_reported_and_its_files_read_again(
    plates, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SPECTRANET_TEST_KILLED", str(tmp_path / "killed"))
    names = [str(path) for path in sorted((plates / "spectra").iterdir())]
    with workers.in_order(read_or_die, [(name,) for name in names], 2) as results:
        readings = list(results)
    assert (tmp_path / "killed").exists()
    assert [file.name for reading in readings for file in reading.files] == names
    assert capsys.readouterr().err.count("a worker process was killed") == 1
