"""An interrupted or killed prediction ends in the plain catalog when it is run again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_inputs
import toy_runs
from predicted import predict_files
from same_bytes import same_bytes
from toy_inputs import FILES, plain

from spectranet_jax.catalog import catalog_file, finished, streaming
from spectranet_jax.catalog.pieces import Piece, pieces
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.catalog.streaming import predict_to
from spectranet_jax.commands.predict import Config, work
from spectranet_jax.datasets.journal import FILE_NAME
from spectranet_jax.inference import Model, load
from spectranet_jax.spectra import InputError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_inputs.write(tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.chdir(folder)
    return load("run")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_inputs.make_small(monkeypatch)


def cut_after(
    chunks: int, error: type[BaseException], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> None:
    """Predict, and raise after `chunks` chunks."""
    add = finished.Finished.add

    def failing(record: finished.Finished, *args: object) -> None:
        if len(record.chunks) == chunks:
            raise error("cut")
        add(record, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(finished.Finished, "add", failing)
        with pytest.raises(error):
            predict_to(*arguments, workers=1)  # type: ignore[arg-type]


@pytest.mark.usefixtures("small")
def test_a_run_that_was_cut_off_goes_on(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    expected = plain(model, tmp_path / "plain.fits")
    out = tmp_path / "c.fits"
    cut_after(2, KeyboardInterrupt, monkeypatch, out, [model], pieces(["in"]))
    assert "same command" in capsys.readouterr().err and not out.exists()
    cut_after(3, InputError, monkeypatch, out, [model], pieces(["in"]))
    assert "resuming at" in capsys.readouterr().err
    read: list[Piece] = []
    monkeypatch.setattr(
        streaming,
        "read_pieces",
        lambda group, **how: (read.extend(group), read_pieces(group, **how))[1],
    )
    predict_to(out, [model], pieces(["in"]), workers=1)
    same_bytes(out, expected)
    assert 0 < len(read) < FILES
    assert "resuming at" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.fits", "plain.fits"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("change", ["model", "list", "content", "rows"])
def test_what_changed_meanwhile_is_predicted_anew(
    model: Model,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    change: str,
):
    (tmp_path / "in").mkdir()
    for path in (folder / "in").iterdir():
        (tmp_path / "in" / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    inputs, models = pieces(["in"]), [model]
    cut_after(3, KeyboardInterrupt, monkeypatch, Path("c.fits"), models, inputs)
    if change == "model":
        toy_runs.untrained(Path("other"), seed=2)
        models = [load("other")]
    elif change == "list":
        inputs = inputs[1:]
    elif change == "content":
        Path("in/spec-0001.fits").write_bytes(Path("in/spec-0002.fits").read_bytes())
    else:
        next(Path(".finished-c.fits").glob("rows-000001*")).write_bytes(b"torn")
    capsys.readouterr()
    predict_to(Path("c.fits"), models, inputs, workers=1)
    catalog_file.write(predict_files(models, [piece.file for piece in inputs]), Path("plain.fits"))
    same_bytes(Path("c.fits"), Path("plain.fits"))
    error = capsys.readouterr().err
    assert ("another version" in error) == (change != "rows")
    assert ("resuming at" in error) == (change == "rows")


PROGRAM = """
import sys, time
from spectranet_jax.catalog import pieces, streaming
from spectranet_jax.commands.predict import Config, work
streaming.CHUNK, streaming.SERIAL_FILES, pieces.TOGETHER_PIECES = 7 * 3544, 3, 3
if __name__ == "__main__":
    read_pieces = streaming.read_pieces
    def slowly(group, **how):
        time.sleep(0.15)
        return read_pieces(group, **how)
    streaming.read_pieces = slowly
    work(Config(("in",), ("run",), streaming.Path(sys.argv[1]), workers=1, refine=False))
"""


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_killed_run_goes_on(model: Model, tmp_path: Path):
    """SIGKILL in the middle: nothing can be tidied up, and still no row is lost or duplicated."""
    expected = plain(model, tmp_path / "plain.fits")
    program, out = tmp_path / "program.py", tmp_path / "c.fits"
    program.write_text(PROGRAM)
    journal = tmp_path / ".finished-c.fits" / FILE_NAME
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(program), str(out)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not (journal.exists() and journal.read_bytes().count(b"rows-") > 2):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not out.exists() and journal.exists()
    work(Config(("in",), ("run",), out, workers=1, refine=False))
    same_bytes(out, expected)
    assert {p.name for p in tmp_path.iterdir()} == {"plain.fits", "c.fits", "program.py"}
