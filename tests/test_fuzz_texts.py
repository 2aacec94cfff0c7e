"""Texts by users and strangers: lists, labels, catalogs, settings and command lines.

Whatever they hold, what comes is a value that makes sense, or InputError with one sentence.
FUZZ_CASES=20000 pytest tests/test_fuzz_texts.py runs so many new cases of each kind.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_runs
from astropy.table import Table
from fuzzed_files import MANY
from hypothesis import given
from hypothesis import strategies as st

from data_prep import truth as truths
from data_prep.split_lists import check_lists, division
from experiments.labeled_index import read_index
from spectranet_jax.catalog import parts
from spectranet_jax.catalog.pieces import Piece
from spectranet_jax.catalog.reading import known, read_pieces
from spectranet_jax.commands.main import COMMANDS, main
from spectranet_jax.inference import load
from spectranet_jax.inspection.reference import read_table
from spectranet_jax.inspection.selecting import select
from spectranet_jax.readers import spectrum_paths, vi_file
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.flags import Flag

pytestmark = [pytest.mark.long, pytest.mark.fuzz]  # by their number

ODD = st.sampled_from(
    ["", "nan", "inf", "-1", "1e999", "9" * 5000, "\0", "\udcff", "'", '"', "=1+1", "é", "x" * 5000]
)
CELLS = (
    ODD | st.sampled_from(["QSO", "STAR", "0.5", "3", "2.1", "7000", "12"]) | st.text(max_size=8)
)


def reported(call: Callable[[], Any]) -> Any:
    """Return a call's answer, or None if it raised one sentence on what is wrong."""
    try:
        return call()
    except InputError as error:
        sentence = str(error)
        assert sentence and "\n" not in sentence and "Traceback" not in sentence
        return None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts")


def table_text(data: st.DataObject, names: tuple[str, ...]) -> bytes:
    """A CSV of some columns, damaged here and there."""
    columns = data.draw(st.permutations(names))[: data.draw(st.integers(1, len(names)))]
    if data.draw(st.booleans()):
        columns = list(names)
    rows = data.draw(st.lists(st.lists(CELLS, min_size=1, max_size=len(names) + 1), max_size=4))
    lines = [",".join(row) for row in [columns, *rows]]
    text = data.draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)
    return damaged(data, text.encode("utf-8", "surrogateescape"))


def damaged(data: st.DataObject, content: bytes) -> bytes:
    """Return the content, or the content with a piece of it replaced by other bytes."""
    if not content or data.draw(st.booleans()):
        return content
    start = data.draw(st.integers(0, len(content) - 1))
    stop = min(len(content), start + data.draw(st.integers(0, 20)))
    return content[:start] + data.draw(st.binary(max_size=12)) + content[stop:]


@MANY
@given(data=st.data())
def test_a_list_of_files_gives_a_row_each(place: Path, data: st.DataObject):
    names = st.lists(ODD | st.text(max_size=10) | st.just(str(place)), max_size=6)
    content = "\n".join(data.draw(names)).encode("utf-8", "surrogateescape")
    path = place / data.draw(st.sampled_from(["names.txt", "names.lst"]))
    path.write_bytes(damaged(data, content))
    files = reported(lambda: spectrum_paths([data.draw(st.sampled_from([str(path), f"@{path}"]))]))
    if files is not None:
        reading = read_pieces([Piece(name) for name in files], [GRID])
        assert len(reading) == len(files) and set(reading.flags) == {Flag.UNREADABLE}
        columns = known(reading)
        assert all(np.ma.getdata(columns["ERROR"]) != "")


VI = ("FILE", "ID", "VI_CLASS", "VI_Z", "VI_QUALITY", "VI_COMMENT", "VI_SCANNER", "PLATE", "MJD")


@MANY
@given(data=st.data())
def test_answers_of_inspectors_are_rows_or_a_sentence(place: Path, data: st.DataObject):
    path = place / "answers.csv"
    path.write_bytes(table_text(data, VI))
    for row in reported(lambda: vi_file.read(path)) or []:
        assert {"VI_CLASS", "VI_Z", "VI_QUALITY"} <= row.keys()
        vi_file.quality(row)
        z = vi_file.redshift(row)
        assert z is None or -1 < z < 1e3


@MANY
@given(data=st.data())
def test_labels_of_a_csv_are_classes_and_redshifts(place: Path, data: st.DataObject):
    path = place / "labels.csv"
    path.write_bytes(table_text(data, (*VI, "FIBERID", "TARGETID")))
    truth = reported(lambda: truths.read(path))
    if truth is not None:
        assert ((truth.label >= -1) & (truth.label < 4)).all()
        assert not np.isinf(truth.z).any()


@MANY
@given(data=st.data())
def test_an_index_of_labels_is_rows_or_a_sentence(place: Path, data: st.DataObject):
    (place / "index.csv").write_bytes(table_text(data, ("file", "label", "z")))
    labeled = reported(lambda: read_index(place))
    assert labeled is None or len(labeled.file) == len(labeled.z) > 0


NAMES = ["7000-56000-1", "7000-56000-2", "7000-56000-0003", "spec-7000-56000-0004.fits"]


@MANY
@given(data=st.data())
def test_lists_of_a_split_divide_or_are_reported(place: Path, data: st.DataObject):
    folder = place / "split"
    folder.mkdir(exist_ok=True)
    for split in ("train", "valid", "test"):
        lines = data.draw(st.lists(st.sampled_from(NAMES) | ODD, max_size=4))
        content = "\n".join(lines).encode("utf-8", "surrogateescape")
        (folder / f"{split}.lst").write_bytes(damaged(data, content))
    fiber, objects = np.arange(4), np.arange(4)
    if reported(lambda: check_lists(folder) or True):
        reported(lambda: division(folder, (0.8, 0.1, 0.1), 0, fiber, objects))


@MANY
@given(data=st.data())
def test_a_damaged_catalog_is_a_table_or_a_sentence(place: Path, data: st.DataObject):
    table = Table({"FILE": ["a", "b"], "ID": ["1", "2"], "CLASS": ["QSO", "STAR"], "Z": [1.0, 2.0]})
    path = place / data.draw(st.sampled_from(["c.ecsv", "c.csv", "c.fits"]))
    table.write(path, overwrite=True)
    path.write_bytes(damaged(data, path.read_bytes()))
    read = reported(lambda: read_table(path))
    if read is not None:
        condition = data.draw(st.sampled_from(["", "Z > 1", "CLASS == 'QSO'", "Z in (1, 2)"]))
        chosen = reported(lambda: select(read, condition, None, None, 0))
        assert chosen is None or len(chosen) <= len(read)


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    folder = toy_runs.untrained(place / "run")
    (folder / "sound.json").write_bytes((folder / "config.json").read_bytes())
    return folder


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=4,
)


@MANY
@given(data=st.data())
def test_a_strangers_config_is_a_model_or_a_sentence(run: Path, data: st.DataObject):
    path = run / "config.json"
    config = json.loads((run / "sound.json").read_text())
    place = config
    keys = [key for key in ("network", "task", "grid", "data") if key in config]
    if data.draw(st.booleans()):
        place = config[data.draw(st.sampled_from(keys))]
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    path.write_text(json.dumps(config))
    reported(lambda: load(run))


@MANY
@given(text=st.text("0123456789/-+ ²٣", max_size=12) | ODD.map(lambda odd: f"1/{odd}"))
def test_a_part_is_a_part_or_a_sentence(text: str):
    part = reported(lambda: parts.parse(text))
    assert part is None or 1 <= part.number <= part.of


FLAGS = (
    *("--out", "--model", "--part", "--workers", "--format", "--class-prior", "--bal-threshold"),
    *("--threshold", "--templates", "--plots", "--where", "--uncertain", "--random", "--seed"),
    *("--reference", "--overwrite", "--strict", "--no-refine", "--blind", "--why", "--help", "-h"),
    *("--port", "--nonsense", "--", "-", "--out=", "--no-cache"),
)
WORDS = st.sampled_from(
    [
        *FLAGS,
        "empty",
        "junk.fits",
        "junk.ecsv",
        "@junk.txt",
        "gone",
        "*",
        "[",
        "0",
        "1/2",
        "1,2,3,4",
    ]
) | ODD.filter(lambda odd: "\0" not in odd)


@MANY
@given(
    command=st.sampled_from([*COMMANDS, "nonsense", "--version"]), words=st.lists(WORDS, max_size=6)
)
def test_any_command_line_ends_in_a_sentence_and_a_status(
    place: Path, command: str, words: list[str]
):
    """Nothing here can be predicted from, and no model exists, so nothing is written."""
    folder = place / "here"
    if not folder.exists():
        (folder / "empty").mkdir(parents=True)
        for name in ("junk.fits", "junk.ecsv", "junk.txt"):
            (folder / name).write_text("no")
    before = os.getcwd()  # noqa: PTH109
    os.chdir(folder)
    try:
        main([command, *words, *(["--model", "gone"] if command == "predict" else [])])
    except SystemExit as stop:
        assert stop.code in (0, 2, None), stop.code
    finally:
        os.chdir(before)
