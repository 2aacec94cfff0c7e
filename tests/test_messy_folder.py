"""A folder of good and hostile entries: a row for each in order, and nothing hangs or stops."""

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from threading import Event

import messy_folder
import numpy as np
import pytest
import toy_runs
from astropy.table import Table
from messy_folder import KINDS
from naming import naming

from spectranet_jax.catalog import reading as reading_module
from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.catalog.reading import lost, read_pieces
from spectranet_jax.commands import predict
from spectranet_jax.readers import paths, read, workers
from spectranet_jax.readers.workers import Rescue, in_order
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag

COUNT = 1000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("messy")
    toy_runs.untrained(place / "run", seed=1)
    return place


@pytest.fixture(scope="module")
def entries(home: Path) -> list[tuple[str, str]]:
    return messy_folder.write(home / "in", COUNT, np.random.default_rng(1))


def check(table: Table, entries: list[tuple[str, str]]) -> None:
    """One row per entry, in order, with the flag of its kind and, where it is unreadable, why."""
    escaped = [name.encode("utf-8", "backslashreplace").decode() for name, _ in entries]
    assert [Path(str(file)).name for file in table["FILE"]] == escaped
    for row, (name, kind) in zip(table, entries, strict=True):
        wanted = KINDS[kind][1]
        unreadable = bool(row["FLAGS"] & Flag.UNREADABLE)
        assert unreadable == (wanted == "UNREADABLE"), name
        assert not wanted or row["FLAGS"] & Flag[wanted], name
        assert np.ma.is_masked(row["ERROR"]) != unreadable, name
        assert np.ma.is_masked(row["P_STAR"]) == (wanted in ("UNREADABLE", "NO_DATA")), name


@pytest.mark.long
def test_each_of_a_thousand_entries_is_a_row_in_order(
    home: Path,
    entries: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    monkeypatch.chdir(home)
    arguments = ["in", "--model", "run", "--workers", "1", "--no-cache"]
    predict.run([*arguments, "--out", "c.ecsv"])
    check(Table.read("c.ecsv"), entries)
    printed = capsys.readouterr()
    count = sum(KINDS[kind][1] == "UNREADABLE" for _, kind in entries)
    assert re.search(rf"flag 1 UNREADABLE\s+\W?\s*{count}\b", printed.out)
    assert f"{COUNT} rows" in printed.out
    assert f"{count - 20} more files cannot be read" in printed.err

    with pytest.raises(SystemExit) as stop:
        predict.run([*arguments, "--strict", "--out", "strict.ecsv"])
    assert stop.value.code == 1
    assert Path("strict.ecsv").read_bytes() == Path("c.ecsv").read_bytes()


@pytest.mark.long
def test_strict_is_content_where_every_file_can_be_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    messy_folder.write(tmp_path / "in", 1, np.random.default_rng(1))
    model = str(home / "run")
    predict.run(["in", "--model", model, "--strict", "--no-cache", "--out", "c.fits"])
    assert len(Table.read("c.fits")) == 1


@pytest.mark.parametrize("kind", ["fifo", "device", "loop", "folder"])
def test_what_is_no_regular_file_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    path = tmp_path / "spec-0001.fits"
    KINDS[kind][0](path, np.random.default_rng(1))

    def refuse(name: object, *_: object, **__: object) -> int:
        raise AssertionError(f"{name} was opened")

    monkeypatch.setattr("spectranet_jax.readers.opening.os.open", refuse)
    with pytest.raises(InputError, match=naming(path)):
        read(path)


def test_a_fifo_given_as_a_list_is_never_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "names.txt")
    for argument in (f"{tmp_path}/names.txt", f"@{tmp_path}/names.txt"):
        with pytest.raises(InputError, match=naming("names.txt", "list")):
            paths([argument])


def test_a_list_may_hold_any_name_and_may_be_a_pipe(tmp_path: Path):
    names = tmp_path / "names.txt"
    names.write_bytes(b"spec-\xff.fits\n" + b"x" * 5000 + b".fits\n")
    assert paths([str(names)])[0] == os.fsdecode(b"spec-\xff.fits")
    reading = read_pieces([Piece(name) for name in paths([str(names)])], [GRID])
    assert len(reading) == 2 and set(reading.flags) == {Flag.UNREADABLE}
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w") as pipe:
        pipe.write("a.fits\nb.fits\n")
    assert paths([f"@/dev/fd/{read_end}"]) == ["a.fits", "b.fits"]
    os.close(read_end)


def test_a_file_that_vanishes_while_others_are_read_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is there when the folder is listed and checked, and gone when it is opened."""
    messy_folder.write(tmp_path / "in", 1, np.random.default_rng(1))
    path = tmp_path / "in" / "spec-00000-good.fits"
    real = os.open

    def vanish(name: object, *rest: object) -> int:
        path.unlink(missing_ok=True)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("spectranet_jax.readers.opening.os.open", vanish)
    reading = read_pieces([Piece(str(path))], [GRID])
    assert reading.flags.tolist() == [Flag.UNREADABLE]
    assert re.search(naming("spec-00000-good.fits", "check the name"), reading.errors[0])


def poison(pieces: tuple[Piece, ...]) -> reading_module.Reading:
    """Read files; a process dies at a file named poison, and at one named once, once.

    The second dies first, lest the other's death ends its process before it came to its file.
    """
    for piece in pieces:
        once = Path(piece.file + ".seen")
        while "poison" in piece.file and not list(once.parent.glob("*once*.seen")):
            time.sleep(0.01)
        if "poison" in piece.file or ("once" in piece.file and not once.exists()):
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return read_pieces(pieces, [GRID])


@pytest.mark.long  # five pools of processes start
def test_a_file_that_kills_its_process_twice_is_a_row_and_costs_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    messy_folder.write(tmp_path / "in", 1, np.random.default_rng(1))
    good = (tmp_path / "in" / "spec-00000-good.fits").read_bytes()
    names = [f"{tmp_path}/spec-{i}{w}.fits" for i, w in enumerate(["", "once", "", "poison", ""])]
    for name in names:
        Path(name).write_bytes(good)
    groups = [tuple(map(Piece, names[:2])), tuple(map(Piece, names[2:]))]
    rescue = Rescue(
        lambda pieces: [(piece,) for piece in pieces],
        partial(lost, grids=[GRID], native_pixels=False),
    )
    with in_order(poison, groups, 2, rescue=rescue) as results:
        readings = list(results)
    files = [file for reading in readings for file in reading.files]
    assert [file.name for file in files] == names
    assert [bool(file.error) for file in files] == [False, False, False, True, False]
    assert "killed" in files[3].error and "twice" in files[3].error
    assert "a worker process was killed" in capsys.readouterr().err
    with (
        pytest.raises(InputError, match=naming("spec-3poison.fits", "--workers")),
        in_order(poison, groups, 2) as results,
    ):
        list(results)


def test_a_pool_that_takes_no_more_work_loses_no_item(monkeypatch: pytest.MonkeyPatch):
    """The process may die between two items, so that the pool refuses the next."""
    from concurrent.futures import ThreadPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from contextlib import contextmanager

    broken = Event()

    class Pool(ThreadPoolExecutor):
        def submit(self, function, /, *items):  # type: ignore[no-untyped-def]
            if items == (5,) and not broken.is_set():
                broken.set()
                raise BrokenProcessPool
            return super().submit(function, *items)

    @contextmanager
    def processes(count):  # type: ignore[no-untyped-def]
        with Pool(count) as pool:
            yield pool

    monkeypatch.setattr(workers, "_processes", processes)
    with in_order(str, range(20), 2) as results:
        assert list(results) == [str(number) for number in range(20)]
    assert broken.is_set()


PEAK = """
import resource
from pathlib import Path
from spectranet_jax.commands import predict
for name in ("few", "many"):
    predict.run([name + ".txt", "--model", "run", "--workers", "1", "--out", name + ".fits"])
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
def test_memory_is_flat_from_1000_to_10000_entries(
    home: Path, entries: list[tuple[str, str]], tmp_path: Path
):
    """Nine thousand more spectra would be 32 MB in bins, and 350 MB at native pixels."""
    (tmp_path / "run").symlink_to(home / "run")
    listed = b"".join(os.fsencode(home / "in" / name) + b"\n" for name, _ in entries)
    (tmp_path / "few.txt").write_bytes(listed)
    (tmp_path / "many.txt").write_bytes(10 * listed)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", PEAK],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(Table.read(tmp_path / "many.fits")) == 10_000
    short, long = map(int, re.findall(r"^peak (\d+)$", done.stdout, re.MULTILINE))
    unit = 1024 if sys.platform == "darwin" else 1  # ru_maxrss is in bytes there, else in KiB
    assert (long - short) / unit < 20 * 1024
