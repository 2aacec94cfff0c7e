"""Outputs that cannot be written, and other wrong input, are reported before any work."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest
from make_fits import superset, write_catalog
from naming import naming

from data_prep.survey_files import Config, prepare
from experiments import settings
from experiments.classify import Config as Classify
from spectranet_jax.commands import merge, predict
from spectranet_jax.datasets.atomic import check_writable
from spectranet_jax.spectra import InputError
from spectranet_jax.training import run

ROOT = Path(__file__).parents[1]


def test_what_can_be_written_is_let_pass_and_nothing_is_left(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deeper" / "c.fits")
    check_writable(tmp_path / "new" / "deeper", folder=True)
    check_writable(tmp_path, folder=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [False, True])
def test_what_cannot_be_written_is_named_as_it_was_given(tmp_path: Path, folder: bool) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "x.fits", tmp_path / ("n" * 300) / "x", Path("/proc/x.fits")):
        if path.parts[1] == "proc" and not Path("/proc").is_dir():
            continue
        with pytest.raises(InputError) as refused:
            check_writable(path, folder)
        assert re.search(naming(path), str(refused.value))
        assert ".writing" not in str(refused.value) and ".finished" not in str(refused.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=naming(tmp_path / "file")):
        check_writable(tmp_path / "file", folder=True)


@pytest.fixture
def read_only(monkeypatch):
    """Return folders in which nothing can be made, not even by root."""
    folders: set[Path] = set()
    made = tempfile.TemporaryDirectory

    def refuse(prefix, dir):
        if Path(dir) in folders:
            raise PermissionError(13, "Permission denied")
        return made(prefix=prefix, dir=dir)

    monkeypatch.setattr("spectranet_jax.datasets.atomic.tempfile.TemporaryDirectory", refuse)
    return folders


def test_of_a_folder_that_is_there_its_own_permission_counts(tmp_path, read_only) -> None:
    (out := tmp_path / "out").mkdir()
    read_only.add(tmp_path)
    check_writable(out, folder=True)
    check_writable(out / "c.fits")
    for path, folder in ((out, False), (tmp_path / "c.fits", False), (tmp_path / "new", True)):
        with pytest.raises(InputError, match=naming(path, "Permission denied")):
            check_writable(path, folder)
    read_only.clear()
    read_only.add(out)
    check_writable(tmp_path / "new", folder=True)
    with pytest.raises(InputError, match=naming(out, "Permission denied")):
        check_writable(out, folder=True)
    assert list(tmp_path.iterdir()) == [out]


BAD = "a file/x.fits"
COMMANDS = {
    "spectranet_jax.commands.main predict": ["nothing.fits", "--out", BAD],
    "spectranet_jax.commands.main merge": ["nothing.fits", "--out", BAD],
    "experiments.classify": ["--out", BAD],
    "experiments.redshift": ["--out", BAD],
    "experiments.linenet": ["--out", BAD],
    "experiments.quasarnet": ["--out", BAD],
    "experiments.evaluate": ["linenet", "--out", BAD],
    "experiments.compare": ["linenet", "--json", BAD],
    "experiments.export": ["nothing", "--name", "x", "--out", BAD],
    "experiments.ablate": ["nothing", "--out", BAD],
    "experiments.benchmark": ["startup", "--json", BAD],
    "data_prep.sdss": ["--catalog", "no.fits", "--spectra", "no.fits", "--out", BAD],
    "data_prep.desi": ["--catalog", "no.fits", "--spectra", "no.fits", "--out", BAD],
    "data_prep.quasarnet": ["no.fits", "no.fits", "--out", BAD],
    "data_prep.multimodal": ["no.hdf5", "--out", BAD],
    "data_prep.mock": ["--spectra", "8", "--out", BAD],
    "data_prep.download": ["--release", "dr12", "--catalog", "no.fits", "--out", BAD],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_an_output_before_all_else(tmp_path: Path, name: str) -> None:
    """One sentence that names the output; nothing on standard output, no traceback."""
    (tmp_path / "a file").touch()
    line = [sys.executable, "-m", *name.split(), *COMMANDS[name]]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(naming("error", BAD), done.stderr)
    assert done.stderr.count("\n") == 1


def test_a_run_with_other_epochs_says_how_to_go_on(tmp_path: Path) -> None:
    two = Classify(out=tmp_path, epochs=2)
    kept = {"experiment": "classify", "settings": settings.of_the_run(two), "seed": 0}
    run.write_config(tmp_path, kept)
    settings.begin(two, "classify")
    with pytest.raises(InputError) as refused:
        settings.begin(Classify(out=tmp_path, epochs=4), "classify")
    for words in (str(tmp_path), "to 4", "--out", "--epochs 2"):
        assert words in str(refused.value)


def test_a_training_names_a_dataset_that_is_not_there_first(tmp_path: Path, capsys) -> None:
    with pytest.raises(InputError, match="nowhere"):
        settings.begin(Classify(data=tmp_path / "nowhere", out=tmp_path / "run"), "classify")
    assert capsys.readouterr().out == ""


def test_a_catalog_given_as_spectra_is_one_sentence(tmp_path: Path) -> None:
    name = str(write_catalog(tmp_path / "c.fits", [(1, 2, 3)], superset([3])))
    with pytest.raises(InputError, match=naming(name)):
        prepare(Config((name,), (name,), tmp_path / "out"), "data_prep.sdss")


@pytest.mark.parametrize("named", ["spectra/one.fits", "spectra"])
@pytest.mark.parametrize("out", ["spectra/one.fits", "link.fits"])
@pytest.mark.parametrize("command", [predict, merge])
def test_a_catalog_never_replaces_a_file_that_it_is_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: ModuleType, named: str, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spectra").mkdir()
    file = tmp_path / "spectra" / "one.fits"
    file.write_bytes(b"light of a quasar")
    Path("link.fits").symlink_to(file)
    with pytest.raises(InputError, match=naming(out)):
        command.work(command.Config((named,), out=Path(out), overwrite=True))
    assert file.read_bytes() == b"light of a quasar"


def test_a_setting_of_the_mock_survey_is_refused_beside_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--spectra"):
        settings.begin(Classify(data=tmp_path, spectra=400, out=tmp_path / "run"), "classify")
