import subprocess
import sys
from pathlib import Path

import pytest
from killed_writers import ended_process, left_by
from naming import naming

from spectranet_jax.datasets.atomic import atomic, write_text
from spectranet_jax.spectra import InputError


def test_a_file_appears_whole_in_a_folder_made_for_it(tmp_path):
    path = tmp_path / "a" / "b" / "catalog.fits.gz"
    with atomic(path) as temporary:
        assert temporary.name == "catalog.fits.gz"  # writers choose a format by the suffix
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_first_file_in_a_folder_removes_what_killed_processes_left_there(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        at_work = left_by(process.pid, tmp_path / "figures")
        dead = left_by(ended_process(), tmp_path / "figures")
        write_text(tmp_path / "figures" / "x.txt", "text")
        process.kill()
    assert not dead.exists() and at_work.exists()


def test_text_is_utf_8(tmp_path):
    write_text(tmp_path / "x.txt", "λ Å\n")
    assert (tmp_path / "x.txt").read_bytes() == "λ Å\n".encode()


def test_a_path_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for path in (tmp_path / "file" / "x.txt", tmp_path / "folder"):
        with pytest.raises(InputError, match=naming(path, "choose another output path")):
            write_text(path, "text")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_reported(tmp_path):
    path = tmp_path / "x.txt"
    with pytest.raises(InputError, match=naming(path, "No space left")), atomic(path):
        Path("/dev/full").write_text("text")
    assert list(tmp_path.iterdir()) == []
