"""Command lines of a hostile newcomer: one sentence on standard error, exit code 2, no output."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import toy_runs
import toy_survey
from make_fits import write_spec
from naming import naming

from data_prep.division import by_hash
from data_prep.write import Plan, Provenance, write_dataset
from spectranet_jax.command_line import command
from spectranet_jax.datasets import manifest
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.training import checkpoint

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write good and bad inputs, all that the command lines below name; nothing may change them."""
    directory = tmp_path_factory.mktemp("bad") / "home"
    directory.mkdir()
    contents = toy_survey.write(directory / "toy", 300)
    (directory / "empty").mkdir()
    (directory / "file").touch()
    (directory / "text.fits").write_text("no FITS at all")
    (directory / "nothing.fits").touch()
    write_spec(directory / "spec.fits")
    (directory / "cut.fits").write_bytes((directory / "spec.fits").read_bytes()[:9000])
    (directory / "list.txt").write_text("gone.fits\ntext.fits\n")
    (directory / "empty.txt").write_text("# nothing\n")

    run = toy_runs.untrained(directory / "run")
    config = json.loads((run / "config.json").read_text())
    config["data"] = {"folder": "toy", "fingerprint": contents.fingerprint}
    (run / "config.json").write_text(json.dumps(config))
    for name in ("killed", "scored", "listed", "cut", "other"):
        shutil.copytree(run, directory / name)
    shutil.rmtree(directory / "killed" / "checkpoints")
    (directory / "scored" / "evaluation.json").write_text('{"test": ')
    (directory / "listed" / "evaluation.json").write_text("[1, 2]")
    (directory / "cut" / "config.json").write_text((run / "config.json").read_text()[:-20])
    config["network"]["channels"] = [8, 8, 8, 9]
    (directory / "other" / "config.json").write_text(json.dumps(config))

    block = toy_survey.block(300)
    no_quasar = block.take(block.label < 2)
    plan = Plan(GRID, len(no_quasar), 0, by_hash(0))
    write_dataset(directory / "stars", [no_quasar], plan, Provenance({}))
    damage(directory, "cut_manifest", lambda text: text[:200])
    damage(directory, "future", lambda text: text.replace('"schema": 1', '"schema": 99'))
    damage(directory, "coarse", lambda text: text.replace("0.001", "0.002"))
    damage(directory, "bare", lambda _: '{"schema": 1}')
    for shard in damage(directory, "no_shards", str).glob("*.array_record"):
        shard.unlink()
    for shard in damage(directory, "cut_shards", str).glob("train*"):
        shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    return directory


def damage(directory: Path, name: str, change: Any) -> Path:
    """A copy of the toy dataset with another manifest."""
    folder = directory / name
    shutil.copytree(directory / "toy", folder)
    path = folder / manifest.FILE_NAME
    path.write_text(change(path.read_text()))
    return folder


def tree(folder: Path) -> dict[str, int]:
    """Every file below a folder, and its size."""
    return {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}


def outcome(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> tuple[int, str]:
    """Return exit code and standard error of a command line, run here to save a process."""
    name, *arguments = line.split()
    module = import_module(name)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as stop:
        command(module.Config, module.work, module.__doc__)
    return int(stop.value.code or 0), capsys.readouterr().err


CLASSIFY, REDSHIFT, EVALUATE, EXPORT = (
    f"experiments.{name}" for name in ("classify", "redshift", "evaluate", "export")
)
CONSOLE = "spectranet_jax.commands.main"
PREDICT = "spectranet_jax.commands.predict"
BAD = {
    # Settings
    f"{CLASSIFY} --data toy --out new --batch 0": ("--batch", 0, "1 or more"),
    f"{CLASSIFY} --data toy --out new --epochs 0": ("--epochs", 0, "1 or more"),
    f"{CLASSIFY} --data toy --out new --epochs -1": ("--epochs", -1, "1 or more"),
    f"{CLASSIFY} --data toy --out new --seed -1": ("--seed", -1, "0 or more"),
    f"{CLASSIFY} --data toy --out new --seed 99999999999999999999": ("--seed", "less than"),
    f"{CLASSIFY} --data toy --out new --rate nan": ("--rate", "nan", "give"),
    f"{CLASSIFY} --data toy --out new --rate 0": ("--rate", 0.0, "give"),
    f"{CLASSIFY} --data toy --out new --rate -1e-3": ("--rate", -0.001, "give"),
    f"{REDSHIFT} --data toy --out new --rate inf": ("--rate", "inf", "give"),
    f"{REDSHIFT} --data toy --out new --dropout 1": ("--dropout", 1.0, "0 or more"),
    f"{REDSHIFT} --data toy --out new --dropout nan": ("--dropout", "nan", "0 or more"),
    f"{CLASSIFY} --out new --spectra 3": ("--spectra", 3, "4 or more"),
    f"{CLASSIFY} --data toy --out new --batch 5000": ("batch", 5000, "give more"),
    f"{CLASSIFY} --data toy --out new --batch 5000 --schedule chunked": ("batch", 5000),
    f"{REDSHIFT} --data toy --out new --batch 3": ("batch", 3, 8, "devices"),
    # Datasets
    f"{CLASSIFY} --data gone --out new": ("gone", "prepare a dataset"),
    f"{CLASSIFY} --data file --out new": ("file", "prepare a dataset"),
    f"{CLASSIFY} --data empty --out new": ("empty", "manifest.json", "prepare it anew"),
    f"{CLASSIFY} --data run --out new": ("run", "manifest.json", "prepare it anew"),
    f"{CLASSIFY} --data cut_manifest --out new": ("cut_manifest/manifest.json", "prepare"),
    f"{CLASSIFY} --data bare --out new": ("bare/manifest.json", "prepare"),
    f"{CLASSIFY} --data future --out new": ("future/manifest.json", "schema 99", "schema 1"),
    f"{CLASSIFY} --data no_shards --out new": ("no_shards/train-00000-of-00001", "prepare"),
    f"{CLASSIFY} --data cut_shards --out new": ("cut_shards/train-00000-of-00001", "prepare"),
    f"{REDSHIFT} --data stars --out new": ("stars", "train", "give a dataset"),
    f"{REDSHIFT} --target bal --data stars --out new": ("stars", "train", "give a dataset"),
    # Where to write
    f"{CLASSIFY} --data toy --batch 8 --out file": ("cannot write", "file"),
    f"{CLASSIFY} --data toy --batch 8 --out toy": ("toy", "choose another"),
    f"{CLASSIFY} --data toy --batch 8 --out run": ("run", "settings", "--out"),
    f"{REDSHIFT} --data toy --batch 8 --out run": ("run", "experiments.classify", "choose another"),
    f"{CLASSIFY} --data toy --batch 8 --out cut": ("cut/config.json", "JSON", "restore"),
    f"{EVALUATE} run --out file": ("cannot write", "file"),
    # Models
    f"{EVALUATE} gone": ("gone", "run folder"),
    f"{EVALUATE} file": ("file", "QuasarNET"),
    f"{EVALUATE} empty": ("empty", "config.json"),
    f"{EVALUATE} toy": ("toy", "config.json"),
    f"{EVALUATE} killed": ("killed", "checkpoint", "train"),
    f"{EVALUATE} cut": ("cut/config.json", "JSON"),
    f"{EVALUATE} other": ("other", "config.json", "checkpoint", "train anew"),
    f"{EVALUATE} scored": ("scored/evaluation.json", "JSON", "restore or remove"),
    f"{EVALUATE} listed": ("listed/evaluation.json", "restore or remove"),
    f"{EVALUATE} run --data gone": ("gone", "prepare a dataset"),
    f"{EVALUATE} run --data empty": ("empty", "manifest.json"),
    f"{EVALUATE} run --data coarse": ("coarse", "grid", 0.002, 0.001),
    f"{EXPORT} gone --name x --out new": ("gone", "run folder"),
    f"{EXPORT} killed --name x --out new": ("killed", "checkpoint", "train"),
    f"{EXPORT} run --name x --out new": ("run", "evaluation", "experiments.evaluate"),
    f"{EXPORT} run --name a/b --out new": ("a/b", "without slashes"),
    # Spectra
    f"{PREDICT} --model run": ("nothing", "name"),
    f"{PREDICT} gone.fits --model run": ("gone.fits", "check the name"),
    f"{PREDICT} gone-*.fits --model run": ("gone-*.fits", "check the pattern"),
    f"{PREDICT} empty --model run": ("empty", ".fits", ".fits.gz", ".fit", ".fit.gz"),
    f"{PREDICT} @gone.txt --model run": ("gone.txt", "list"),
    f"{PREDICT} empty.txt --model run": ("empty.txt", "path", "line"),
    f"{PREDICT} text.fits --model run": ("text.fits", "FITS", "give"),
    f"{PREDICT} nothing.fits --model run": ("nothing.fits", "FITS"),
    f"{PREDICT} cut.fits --model run": ("cut.fits", "FITS", "truncated"),
    f"{PREDICT} file --model run": ("file", "FITS"),
    f"{PREDICT} list.txt --model run": (2, "gone.fits"),
    f"{PREDICT} toy/manifest.json --model run": ("toy/manifest.json", "FITS"),
    f"{PREDICT} spec.fits --model gone": ("gone", "run folder"),
    f"{PREDICT} spec.fits --model killed": ("killed", "checkpoint", "train"),
    f"{PREDICT} spec.fits --model run --model other": ("other", "config.json", "train anew"),
    f"{PREDICT} spec.fits --model run --out c.csv": ("c.csv", ".fits", ".ecsv"),
    f"{PREDICT} spec.fits --model run --out empty": ("cannot write", "empty", "folder"),
    f"{PREDICT} spec.fits --model run --out file/c.fits": ("cannot write", "file/c.fits"),
}
"""Command line -> what its error names: the file or flag, the number, the remedy."""


@pytest.mark.slow
@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(
    line: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.chdir(home)
    before = tree(home)
    code, errors = outcome(line, monkeypatch, capsys)
    assert code == 2
    *progress, sentence = errors.splitlines()
    assert sentence.startswith("error: ")
    assert re.search(naming(*BAD[line]), sentence), sentence
    assert all(re.match(r"[\w ]+: \d+/\d+", text) for text in progress), progress
    assert tree(home) == before


@pytest.mark.parametrize(
    "line",
    [
        f"{CLASSIFY} --nonsense",
        f"{CLASSIFY} --epochs many",
        f"{CLASSIFY} extra",
        f"{REDSHIFT} --target galaxy",
        EVALUATE,
        f"{EVALUATE} run --split training",
        f"{EXPORT} run",
        f"{PREDICT} --model",
    ],
)
def test_a_bad_flag_is_exit_code_2(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    code, errors = outcome(line, monkeypatch, capsys)
    assert code == 2
    assert "Traceback" not in errors and "--help" in errors


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", [f"{EVALUATE} holed", f"{CONSOLE} predict spec.fits --model missing"]
)
def test_a_damaged_checkpoint_is_one_sentence(line: str, home: Path, tmp_path: Path):
    """In a separate process: orbax has threads that would print later."""
    shutil.copytree(home, tmp_path / "home")
    for name in ("holed", "missing"):
        shutil.copytree(home / "run", tmp_path / "home" / name)
    directory = tmp_path / "home"
    (stored,) = (directory / "missing" / "checkpoints" / checkpoint.BEST).glob("*/state/d")
    shutil.rmtree(stored)
    for path in (directory / "holed" / "checkpoints" / checkpoint.BEST).glob("*/state/d/*"):
        os.truncate(path, 20)
    environment = {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", *line.split()],
        capture_output=True,
        text=True,
        cwd=directory,
        env=environment,
    )
    assert done.returncode == 2
    # On a loaded machine a thread of orbax may speak up beside it; ours stays one sentence.
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert re.search(naming(line.split()[-1], "checkpoint", "damaged"), sentence)


def test_a_spectrum_of_no_use_is_no_reason_to_stop(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    """Bad files beside a good one become flagged rows, with warnings."""
    monkeypatch.chdir(home)
    line = (
        f"{PREDICT} spec.fits text.fits cut.fits nothing.fits --model run --out {tmp_path}/c.fits"
    )
    module = import_module(PREDICT)
    monkeypatch.setattr(sys, "argv", line.split())
    command(module.Config, module.work, module.__doc__)
    errors = [s for s in capsys.readouterr().err.splitlines() if not s.startswith("reading ")]
    assert len(errors) == 3 and all(s.startswith("warning: ") for s in errors)
    assert (tmp_path / "c.fits").exists()
