"""Streamed catalogs are the plain ones: whatever the chunks, the workers, or the cuts."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import toy_runs
import toy_survey
from astropy.table import Table
from make_fits import write_coadd, write_spec
from predicted import predict_files

from spectranet_jax.catalog import finished, streaming
from spectranet_jax.catalog import pieces as pieces_module
from spectranet_jax.catalog.pieces import Piece, names_sha256, pieces, together
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.catalog.streaming import predict_to
from spectranet_jax.catalog.tally import ROWS, flag_row
from spectranet_jax.commands.predict import Config, work
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.journal import FILE_NAME
from spectranet_jax.datasets.shards import read_blocks
from spectranet_jax.inference import Model, catalog, load, predict
from spectranet_jax.readers.groups import sizes_and_times
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag

FILES = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spec files, a DESI coadd among them, and one that is not FITS; a model; a dataset."""
    folder = tmp_path_factory.mktemp("streaming")
    rng = np.random.default_rng(5)
    (folder / "in").mkdir()
    for fiber in range(1, FILES + 1):
        key = (7000, 56000, fiber)
        path = folder / "in" / f"spec-{fiber:04d}.fits"
        write_spec(path, key, flux=rng.normal(2, 1, 460), pixels=460)
    write_coadd(folder / "in" / "spec-0009-coadd.fits", range(100, 125), rng, step=8)
    (folder / "in" / "spec-0012-not.fits").write_text("no")
    toy_survey.write(folder / "data", 3000)
    toy_runs.untrained(folder / "run", seed=1)
    return folder


@pytest.fixture
def model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.chdir(folder)
    return load("run")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few files are many, and chunks are small."""
    monkeypatch.setattr(streaming, "CHUNK", 7 * GRID.bytes_a_spectrum)
    monkeypatch.setattr(streaming, "FEW_FILES", 3)
    monkeypatch.setattr(pieces_module, "TOGETHER_PIECES", 3)


def plain(model: Model, out: Path) -> bytes:
    """The catalog of the folder, predicted at once."""
    catalog.write(predict_files([model], [piece.file for piece in pieces(["in"])]), out)
    return out.read_bytes()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("suffix", [".fits", ".ecsv"])
def test_many_chunks_make_the_plain_catalog(
    model: Model, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture
):
    expected = plain(model, tmp_path / f"plain{suffix}")
    out = tmp_path / f"c{suffix}"
    capsys.readouterr()
    counts = predict_to(out, [model], pieces(["in"]), workers=1)
    assert out.read_bytes() == expected
    assert sorted(p.name for p in tmp_path.iterdir()) == [out.name, f"plain{suffix}"]
    assert counts[ROWS] == FILES + 25 + 1 and counts[flag_row(Flag.UNREADABLE)] == 1
    told = capsys.readouterr()
    assert told.err.count("warning: in/spec-0012-not.fits is not a FITS file") == 1
    assert "spectra/s" in told.out and "of the time waiting for files" in told.out


@pytest.mark.slow  # two processes start
@pytest.mark.usefixtures("small")
def test_workers_make_the_plain_catalog(model: Model, tmp_path: Path):
    expected = plain(model, tmp_path / "plain.fits")
    predict_to(tmp_path / "c.fits", [model], pieces(["in"]), workers=2)
    assert (tmp_path / "c.fits").read_bytes() == expected


def test_few_files_start_no_process(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process pool was started")

    monkeypatch.setattr("spectranet_jax.readers.workers.ProcessPoolExecutor", refuse)
    predict_to(tmp_path / "c.fits", [model], pieces(["in"]), workers=8)
    monkeypatch.setattr(streaming, "FEW_FILES", 3)
    with pytest.raises(AssertionError, match="was started"):
        predict_to(tmp_path / "c.fits", [model], pieces(["in"]), workers=8)


@pytest.mark.usefixtures("small")
def test_a_dataset_folder_is_predicted_shard_by_shard(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pieces_module, "BLOCKS", 1)
    predict_to(tmp_path / "c.fits", [model], pieces(["data/"]), workers=4)
    table = Table.read(tmp_path / "c.fits")
    shards = [s for split in manifest.read(Path("data")).shards.values() for s in split]
    blocks = [read_blocks(Path("data") / s.file, range(s.blocks)) for s in shards]
    flux, ivar = (np.concatenate([getattr(b, k) for b in blocks]) for k in ("flux", "ivar"))
    names = [name.decode() for block in blocks for name in block.name]
    files = [f"data/{s.file}" for s, b in zip(shards, blocks, strict=True) for _ in b.label]
    assert len(table) == 3000 and len(set(names)) == 3000
    catalog.write(predict([model], flux, ivar, files, names), tmp_path / "plain.fits")
    assert (tmp_path / "c.fits").read_bytes() == (tmp_path / "plain.fits").read_bytes()


def test_pieces_of_a_dataset_are_its_blocks_in_order(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(pieces_module, "BLOCKS", 2)
    mixed = pieces(["in/spec-0003.fits", "data", "in/spec-0001.fits", "data/test-*"])
    train = "data/train-00000-of-00001.array_record"
    assert mixed[0] == Piece("in/spec-0003.fits") and mixed[1:3] == [
        Piece(train, 0, 2),
        Piece(train, 2, 4),
    ]
    of_test = [piece for piece in mixed if "/test-" in piece.file]
    assert len(of_test) % 2 == 0 and of_test[: len(of_test) // 2] * 2 == of_test
    assert mixed.index(Piece("in/spec-0001.fits")) == len(mixed) - len(of_test) // 2 - 1


def test_a_dataset_that_cannot_be_predicted_from_is_told(tmp_path: Path):
    toy_survey.write(tmp_path / "data", 500)
    shard = next((tmp_path / "data").glob("test-*"))
    (tmp_path / shard.name).write_bytes(shard.read_bytes())
    with pytest.raises(InputError, match=r"holds no manifest\.json"):
        pieces([str(tmp_path / shard.name)])
    shard.with_name("more.array_record").write_bytes(shard.read_bytes())
    with pytest.raises(InputError, match=r"more\.array_record is not in the manifest\.json"):
        pieces([str(tmp_path / "data" / "more.array_record")])
    path = tmp_path / "data" / manifest.FILE_NAME
    path.write_text(path.read_text().replace('"noiseless": []', '"noiseless": ["test"]'))
    assert pieces([str(tmp_path / "data" / "valid-*")])
    left = pieces([str(tmp_path / "data")])
    assert left and not any(Path(piece.file).name.startswith("test-") for piece in left)
    with pytest.raises(InputError, match=r"the test split of .* carries no noise yet"):
        pieces([str(tmp_path / "data" / "test-*")])
    every = '"noiseless": ["train", "valid", "test"]'
    path.write_text(path.read_text().replace('"noiseless": ["test"]', every))
    with pytest.raises(InputError, match=r"no split of .* carries noise"):
        pieces([str(tmp_path / "data")])


def test_groups_are_bounded_in_number_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pieces_module, "TOGETHER_PIECES", 3)
    monkeypatch.setattr(pieces_module, "TOGETHER_BYTES", 100)
    several = [Piece(f"{tmp_path}/{size}") for size in (10, 20, 30, 1, 120, 50, 51, 7)]
    for piece in several:
        Path(piece.file).write_bytes(bytes(int(Path(piece.file).name)))
    several += [Piece("shard", 0, 8), Piece("shard", 8, 9), Piece("gone")]
    states = sizes_and_times([piece.file for piece in several])
    assert states[:8, 0].tolist() == [10, 20, 30, 1, 120, 50, 51, 7]
    assert (states[:8, 1] > 0).all() and (states[8:] == 0).all()
    groups = list(together(several, states[:, 0]))
    assert [len(group) for group in groups] == [3, 2, 2, 2, 1, 1]
    assert [piece for group in groups for piece in group] == several


def test_a_list_of_pieces_is_known_by_names_and_order():
    one, two = Piece("a"), Piece("b", 0, 8)
    lists = [[], [one], [two], [one, two], [two, one], [one, Piece("b", 0, 7)], [Piece("ab", 0, 8)]]
    assert len({names_sha256(several) for several in lists}) == len(lists)
    assert names_sha256([Piece("a"), Piece("b", 0, 8)]) == names_sha256([one, two])


def test_of_many_unreadable_files_some_are_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    reading = read_pieces([Piece(f"{tmp_path}/gone-{number}.fits") for number in range(50)], [GRID])
    assert len(reading) == len(reading.files) == 50 and set(reading.flags) == {Flag.UNREADABLE}
    streaming.warn(reading.errors, 50)
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 21 and "gone-19.fits does not exist" in warnings[19]
    assert "30 more" in warnings[20] and "FLAGS" in warnings[20]


def cut_after(
    chunks: int, error: type[BaseException], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> None:
    """Predict, and raise after so many chunks."""
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
    assert "run the same command again to resume" in capsys.readouterr().err and not out.exists()
    cut_after(3, InputError, monkeypatch, out, [model], pieces(["in"]))
    assert "resuming at" in capsys.readouterr().err
    read: list[Piece] = []
    monkeypatch.setattr(
        streaming,
        "read_pieces",
        lambda group, grids: (read.extend(group), read_pieces(group, grids))[1],
    )
    predict_to(out, [model], pieces(["in"]), workers=1)
    assert out.read_bytes() == expected and 0 < len(read) < FILES
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
    several, models = pieces(["in"]), [model]
    cut_after(3, KeyboardInterrupt, monkeypatch, Path("c.fits"), models, several)
    if change == "model":
        toy_runs.untrained(Path("other"), seed=2)
        models = [load("other")]
    elif change == "list":
        several = several[1:]
    elif change == "content":
        Path("in/spec-0001.fits").write_bytes(Path("in/spec-0002.fits").read_bytes())
    else:
        next(Path(".finished-c.fits").glob("rows-000001*")).write_bytes(b"torn")
    capsys.readouterr()
    predict_to(Path("c.fits"), models, several, workers=1)
    catalog.write(predict_files(models, [piece.file for piece in several]), Path("plain.fits"))
    assert Path("c.fits").read_bytes() == Path("plain.fits").read_bytes()
    error = capsys.readouterr().err
    assert ("starting anew" in error) == (change != "rows")
    assert ("resuming at" in error) == (change == "rows")


def test_no_readable_file_leaves_nothing_behind(model: Model, tmp_path: Path):
    several = [Piece(f"{tmp_path}/gone.fits")] * 3
    with pytest.raises(InputError, match=r"none of the 3 files can be read: .*gone\.fits does not"):
        predict_to(tmp_path / "c.fits", [model], several, workers=1)
    assert not list(tmp_path.iterdir())


PROGRAM = """
import sys, time
from spectranet_jax.catalog import pieces, streaming
from spectranet_jax.commands.predict import Config, work
streaming.CHUNK, streaming.FEW_FILES, pieces.TOGETHER_PIECES = 7 * 3544, 3, 3
if __name__ == "__main__":
    read_pieces = streaming.read_pieces
    def slowly(group, grids):
        time.sleep(0.15)
        return read_pieces(group, grids)
    streaming.read_pieces = slowly
    work(Config(("in",), ("run",), streaming.Path(sys.argv[1]), workers=1))
"""


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_killed_run_goes_on(model: Model, tmp_path: Path):
    """SIGKILL in the middle: nothing can be tidied up, and still no row is lost or twice."""
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
    work(Config(("in",), ("run",), out, workers=1))
    assert out.read_bytes() == expected
    assert {p.name for p in tmp_path.iterdir()} == {"plain.fits", "c.fits", "program.py"}


PEAK = """
import resource, sys
from pathlib import Path
from spectranet_jax.catalog import streaming
from spectranet_jax.catalog.pieces import pieces
from spectranet_jax.inference import load
streaming.CHUNK = 512 * 3544
models = [load(Path("run"))]
for name in sys.argv[1:]:
    counts = streaming.predict_to(Path(f"{name}.fits"), models, pieces([name]), workers=1)
    print(counts["rows"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
def test_memory_does_not_grow_with_the_number_of_spectra(folder: Path, tmp_path: Path):
    """Ten times the spectra grow by less than their pixels alone, 64 MB; held whole, by 557 MB."""
    write_coadd(tmp_path / "coadd.fits", range(500), np.random.default_rng(0), step=8)
    (tmp_path / "run").symlink_to(folder / "run")
    for name, count in (("few", 4), ("many", 40)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"coadd-{number}.fits").symlink_to(tmp_path / "coadd.fits")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", PEAK, "few", "many"]
    told = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    numbers = re.findall(r"^(\d+) (\d+)$", told.stdout, re.MULTILINE)
    (few, before), (many, after) = (map(int, pair) for pair in numbers)
    assert (few, many) == (2000, 20_000)
    unit = 1024 if sys.platform == "darwin" else 1  # ru_maxrss is in bytes there, else in KiB
    assert (after - before) / unit < 56 * 1024
