"""Streamed catalogs are the plain ones, whatever the chunks and the workers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import toy_inputs
from astropy.table import Table
from make_fits import write_coadd
from same_bytes import same_bytes
from toy_inputs import FILES, plain

from spectranet_jax.catalog import catalog_file, streaming
from spectranet_jax.catalog import pieces as pieces_module
from spectranet_jax.catalog.pieces import Piece, pieces
from spectranet_jax.catalog.reading import read_pieces
from spectranet_jax.catalog.streaming import predict_to
from spectranet_jax.catalog.tally import ROWS, flag_row
from spectranet_jax.datasets import manifest
from spectranet_jax.datasets.shards import read_blocks
from spectranet_jax.inference import Model, load, predict
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag


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


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("suffix", [".fits", ".ecsv"])
def test_many_chunks_make_the_plain_catalog(
    model: Model, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture
):
    expected = plain(model, tmp_path / f"plain{suffix}")
    out = tmp_path / f"c{suffix}"
    capsys.readouterr()
    counts = predict_to(out, [model], pieces(["in"]), workers=1)
    same_bytes(out, expected)
    assert sorted(p.name for p in tmp_path.iterdir()) == [out.name, f"plain{suffix}"]
    assert counts[ROWS] == FILES + 25 + 1 and counts[flag_row(Flag.UNREADABLE)] == 1
    printed = capsys.readouterr()
    assert printed.err.count("warning: in/spec-0012-not.fits is not a FITS file") == 1
    assert "spectra/s" in printed.out and "of the time waiting for files" in printed.out


@pytest.mark.slow  # two processes start
@pytest.mark.usefixtures("small")
def test_workers_make_the_plain_catalog(model: Model, tmp_path: Path):
    expected = plain(model, tmp_path / "plain.fits")
    predict_to(tmp_path / "c.fits", [model], pieces(["in"]), workers=2)
    same_bytes(tmp_path / "c.fits", expected)


@pytest.mark.slow
def test_few_files_start_no_process(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process pool was started")

    monkeypatch.setattr("spectranet_jax.readers.workers.ProcessPoolExecutor", refuse)
    predict_to(tmp_path / "c.fits", [model], pieces(["in"]), workers=8)
    monkeypatch.setattr(streaming, "SERIAL_FILES", 3)
    with pytest.raises(AssertionError, match="was started"):
        predict_to(tmp_path / "c.fits", [model], pieces(["in"]), workers=8)


@pytest.mark.slow
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
    catalog_file.write(predict([model], flux, ivar, files, names), tmp_path / "plain.fits")
    same_bytes(tmp_path / "c.fits", tmp_path / "plain.fits")


def test_of_many_unreadable_files_some_are_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    reading = read_pieces([Piece(f"{tmp_path}/gone-{number}.fits") for number in range(50)], [GRID])
    assert len(reading) == len(reading.files) == 50 and set(reading.flags) == {Flag.UNREADABLE}
    streaming.warn(reading.errors, 50)
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 21 and "gone-19.fits does not exist" in warnings[19]
    assert "30 more" in warnings[20] and "FLAGS" in warnings[20]


def test_no_readable_file_leaves_nothing_behind(model: Model, tmp_path: Path):
    inputs = [Piece(f"{tmp_path}/gone.fits")] * 3
    with pytest.raises(InputError, match=r"3 files .*gone\.fits .*; check the name"):
        predict_to(tmp_path / "c.fits", [model], inputs, workers=1)
    assert not list(tmp_path.iterdir())


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
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    numbers = re.findall(r"^(\d+) (\d+)$", done.stdout, re.MULTILINE)
    (short, before), (long, after) = (map(int, pair) for pair in numbers)
    assert (short, long) == (2000, 20_000)
    unit = 1024 if sys.platform == "darwin" else 1  # ru_maxrss is in bytes there, else in KiB
    assert (after - before) / unit < 56 * 1024
