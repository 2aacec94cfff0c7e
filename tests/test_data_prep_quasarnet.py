"""`python -m data_prep.quasarnet`, and properties of every command of data preparation."""

import subprocess
import sys

import numpy as np
import pytest
from make_fits import superset, write_catalog, write_quasarnet
from stored_spectra import stored

from data_prep import quasarnet
from data_prep.quasarnet import NO_THING_ID
from data_prep.selection import NO_CLASS, NO_DATA, NO_ROW, REPEATED
from spectranet_jax.datasets import manifest
from spectranet_jax.spectra import InputError

CODES = [1, 4, 3, 30]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Drawing takes seconds; `test_the_whole_command` draws, in a process of its own."""
    monkeypatch.setattr(quasarnet, "contact_sheet", lambda *_: None)


def quasarnet_pair(folder, n=60):
    """Write a synthetic pair with spectra of every outcome, and return the number of each."""
    rng = np.random.default_rng(2)
    image = np.abs(rng.normal(2, 1, (n, 886)))
    thing_id = 100 + np.arange(n) // 2  # two spectra an object
    keys = np.array([(4000, 55000 + i, 1) for i in range(n)])
    codes = np.array([CODES[i % 4] for i in range(n // 2)])
    codes[3] = 0  # not inspected: object 103, rows 6 and 7
    image[8, 443:] = 0  # dead
    keys[11] = keys[10]  # repeated
    thing_id[12] = -1  # found by plate, MJD and fiber: row 6 of the truth
    thing_id[15] = -1  # not found
    thing_id[17] = 999_999  # not found, nor is its fiber
    write_quasarnet(folder / "data.fits", image, thing_id, keys)
    columns = superset(codes, z=np.arange(n // 2) / 10, thing_id=100 + np.arange(n // 2))
    bal = {"BAL_FLAG_VI": np.float64(codes == 30), "BI_CIV": np.float64(codes == 30) * 500}
    write_catalog(folder / "truth.fits", keys[::2], columns | bal)
    reasons = {NO_CLASS: 2, NO_DATA: 1, REPEATED: 1, NO_THING_ID: 1, NO_ROW: 1}
    return image, reasons


@pytest.mark.parametrize("size", [7, 4096])
def test_quasarnet_joins_and_counts(tmp_path, monkeypatch, size):
    monkeypatch.setattr(quasarnet, "SLICE", size)
    image, reasons = quasarnet_pair(tmp_path)
    config = quasarnet.Config(tmp_path / "data.fits", tmp_path / "truth.fits", tmp_path / "d")
    contents = quasarnet.prepare(config)
    assert contents.report.pop("by_object") == 26  # odd ones but 7, 11, 15, 17
    assert contents.report == {"rows_in": 60, "rows_out": 54, "reasons": reasons}
    assert contents.sources[1]["bal"] == "flag-and-bi"
    block, splits = stored(tmp_path / "d")
    rows = np.array([int(name.split(b"-")[1]) - 55000 for name in block.name.tolist()])
    assert set(range(60)) - set(rows.tolist()) == {6, 7, 8, 11, 15, 17}
    np.testing.assert_array_equal(block.flux, image[rows, :443].astype(np.float32))
    np.testing.assert_array_equal(block.ivar, image[rows, 443:].astype(np.float32))
    assert (block.label == rows // 2 % 4).all()
    assert (block.object_id == 100 + rows // 2).all()  # the truth knows row 12 by its fiber
    np.testing.assert_allclose(block.z, (rows // 2) / 10)
    assert (block.bal == np.where(block.label == 3, 1, -1)).all()
    for thing_id in block.object_id:
        assert len(set(splits[block.object_id == thing_id])) == 1


def test_quasarnet_tells_when_nothing_matches(tmp_path):
    quasarnet_pair(tmp_path)
    keys = [(1, 2, 3)]
    other = write_catalog(tmp_path / "other.fits", keys, superset([3], thing_id=[5]))
    config = quasarnet.Config(tmp_path / "data.fits", other, tmp_path / "d", bal="class")
    with pytest.raises(InputError, match=r"data\.fits .*other\.fits .*; give the truth"):
        quasarnet.prepare(config)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", *arguments], capture_output=True, text=True
    )


@pytest.mark.slow
def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path):
    done = run("data_prep.quasarnet", str(tmp_path / "d"), str(tmp_path / "t"), "--out", "x")
    assert done.returncode == 2 and done.stdout == ""
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith(f"error: {tmp_path / 't'} ") and "; check the name" in sentence
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_whole_command(tmp_path):
    quasarnet_pair(tmp_path)
    out = tmp_path / "d"
    files = (str(tmp_path / "data.fits"), str(tmp_path / "truth.fits"))
    done = run("data_prep.quasarnet", *files, "--out", str(out), "--seed", "4")
    assert done.returncode == 0, done.stderr
    assert f"fingerprint: {manifest.read(out).fingerprint}" in done.stdout
    assert manifest.read(out).split["seed"] == 4
    assert (out / "contact_sheet.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["data_prep.sdss", "data_prep.desi", "data_prep.quasarnet"])
def test_starting_a_command_imports_nothing_heavy(module):
    code = (
        f"import sys, {module}\n"
        "heavy = {'jax', 'astropy', 'matplotlib', 'grain', 'array_record', 'flax'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
