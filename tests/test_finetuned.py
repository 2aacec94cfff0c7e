"""What fine-tuning wins: folds by object, tables by hand, and the command at a small size."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import toy_runs
from astropy.table import MaskedColumn
from astropy.table import Table as Catalog
from make_fits import write_spec
from naming import naming
from rich.table import Table

from data_prep import example
from experiments import cross_validation, finetuned_scores, labeled_index, linenet
from experiments.finetuned import Config, fine_tuned, work
from experiments.labeled_catalog import read_first
from experiments.labeled_index import Labeled
from spectranet_jax import readers
from spectranet_jax.inference import load
from spectranet_jax.spectra import InputError

NAMES = {code: name for name, code in example.CLASS_PERSON.items()}


def test_spectra_at_one_position_are_of_one_object() -> None:
    second = 1 / 3600
    places = [(10, 60), (10 + 3 * second, 60), (10, 60 + 3 * second), (0, 0.1), (360, 0.1)]
    identities = [{"RA": ra, "DEC": dec} for ra, dec in places] + [{"PLATE": 1}] * 2
    of = cross_validation.objects(identities).tolist()
    assert of[0] == of[1] and of[3] == of[4]  # 3" in RA are 1.5" there; 0 and 360 are one
    assert len({*of}) == 5
    assert cross_validation.objects([{}, {}]).tolist() == [0, 1]


def test_folds_hold_every_spectrum_out_once_and_no_object_is_on_both_sides() -> None:
    of = np.random.default_rng(0).integers(0, 60, 100)
    plan = list(cross_validation.folds(of, 40, seed=1))
    assert sorted(np.concatenate([held_out for _, held_out in plan]).tolist()) == list(range(100))
    for chosen, held_out in plan:
        assert len(set(chosen.tolist())) == 40
        assert not set(of[chosen].tolist()) & set(of[held_out].tolist())
    again = cross_validation.folds(of, 40, seed=1)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(plan, again, strict=True))
    with pytest.raises(InputError, match=naming("--labels", 90, 100)):
        list(cross_validation.folds(of, 90, seed=1))


@pytest.mark.slow
def test_objects_of_the_real_sets_are_those_of_their_table(real_sets: Path) -> None:
    table = real_sets / "repeats.csv"
    if not table.is_file():
        pytest.skip(f"there is no {table.name}")
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    spectra = [readers.read(real_sets / row["file"])[0] for row in rows]
    ours = cross_validation.objects([spectrum.identity for spectrum in spectra])
    pairs = {(row["object"], int(of)) for row, of in zip(rows, ours, strict=True)}
    assert len(pairs) == len({row["object"] for row in rows}) == len({*ours.tolist()}) == 42


def lines(table: Table) -> dict[str, list[str]]:
    """The cells of a table's rows, by their first."""
    columns = [list(column.cells) for column in table.columns]
    return {str(name): list(map(str, cells)) for name, *cells in zip(*columns, strict=True)}


def catalog(classes: list[str], z: list[float], p: list[float], trusted: list[bool]) -> Catalog:
    names = np.array(classes)
    star = names == "STAR"
    rest = (1 - np.array(p)) / 3
    columns = {f"P_{name}": np.where(names == name, p, rest) for name in NAMES.values()}
    return Catalog({
        "CLASS": names, **columns, "Z": MaskedColumn(z, mask=star), "Z_NET": np.array(z),
        "ZWARN": np.where(trusted, 0, 4),
    })  # fmt: skip


def test_tables_are_those_by_hand() -> None:
    labeled = Labeled(
        np.array(["a/1", "a/2", "b/3", "b/4"]),
        np.array(["QSO", "GALAXY", "QSO", "STAR"]),
        np.array([1.0, 0.5, 2.0, 0.0]),
    )
    before = catalog(["QSO", "STAR", "QSO", "STAR"], [1.0, 0.5, 2.0, 0.1], [0.9] * 4, [True] * 4)
    classes, trusted = ["QSO", "GALAXY", "QSO_BAL", "GALAXY"], [False, True, True, True]
    after = catalog(classes, [1.1, 0.5, 2.0, 0.1], [0.8] * 4, trusted)
    sets, kinds = finetuned_scores.tables(40, labeled, before, after)
    rows = lines(sets)
    assert rows["a"] == ["2", "1", "1", "1", "2 to 1", "1 to 0"]
    assert rows["b"] == ["2", "1", "1", "0", "2 to 2", "0 to 1"]
    assert rows["all"] == ["4", "2", "2", "1", "4 to 3", "1 to 1"]
    rows = lines(kinds)
    quasar = -np.log([0.9 + 0.1 / 3, 0.8 + 0.2 / 3])
    assert rows["QSO"] == [f"{quasar[0]:.4f} to {quasar[1]:.4f}", "0 to 7495", "0 to 11112"]
    assert rows["STAR"] == [f"{-np.log(0.9):.4f} to {-np.log(0.2 / 3):.4f}", "-", "-"]


def test_a_checksum_is_that_of_files_labels_and_redshifts() -> None:
    files, labels, z = np.array(["a", "b"]), np.array(["QSO", "STAR"]), np.array([1.0, np.nan])
    same = Labeled(files, labels, z)
    assert same.sha256 == Labeled(files.copy(), labels.copy(), z.copy()).sha256
    others = [
        Labeled(np.array(["a", "c"]), labels, z),
        Labeled(files, np.array(["QSO", "GALAXY"]), z),
        Labeled(files, labels, np.array([1.1, np.nan])),
        same.take(np.array([1, 0])),
    ]
    assert len({same.sha256, *(other.sha256 for other in others)}) == 5


@pytest.fixture(scope="module")
def labeled_spectra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labeled")
    example.main(example.Config(folder / "made", spectra=40, seed=3))
    truth = Catalog.read(folder / "made" / "catalog.fits")
    files = sorted((folder / "made" / "spectra").iterdir())
    lines = ["file,label,z"]
    for path, row in zip(files, truth, strict=True):
        lines.append(f"made/spectra/{path.name},{NAMES[row['CLASS_PERSON']]},{row['Z_VI']}")
    write_spec(folder / "sky.fits", (7000, 56000, 1))
    (folder / "index.csv").write_text("\n".join([*lines, "sky.fits,SKY,", ""]))
    return folder


@pytest.mark.long
def test_the_command_compares_held_out_spectra(
    labeled_spectra: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = toy_runs.untrained(tmp_path / "own", toy_runs.LINENET, {"name": "linenet"})
    config = Config(labeled_spectra, str(model), (20,), tmp_path / "out", cache=False)
    work(config)
    printed = capsys.readouterr().out
    (line, _) = [line for line in printed.splitlines() if line.startswith("│ all ")]
    assert [cell.strip() for cell in line.split("│")][2] == "40"  # without the sky fiber
    folders = sorted((tmp_path / "out" / "20-labels").iterdir())
    assert [folder.name for folder in folders] == [f"fold-{i}" for i in range(5)]
    tuned = load(folders[0] / "run")
    assert tuned.config["init"]["sha256"] == load(model).sha256
    work(config)  # nothing is trained again
    assert capsys.readouterr().out == printed


@pytest.mark.slow
def test_a_fold_is_of_the_labels_that_it_was_made_with(
    labeled_spectra: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[linenet.Config] = []
    monkeypatch.setattr(linenet, "work", asked.append)
    model = toy_runs.untrained(tmp_path / "own", toy_runs.LINENET, {"name": "linenet"})
    every = labeled_index.read_index(labeled_spectra)
    labeled = every.take(every.label != "SKY")
    spectra = read_first(labeled_spectra, labeled)
    chosen = np.arange(0, 40, 2)

    def fold(labeled: Labeled) -> Path:
        return fine_tuned(str(model), tmp_path / "fold", spectra, labeled, chosen, np.arange(40))

    assert fold(labeled) == fold(labeled) and len(asked) == 2
    z = labeled.z.copy()
    z[1] = 0.7  # of none that is chosen
    assert fold(dataclasses.replace(labeled, z=z)) and len(asked) == 3
    z[2] = 0.7
    with pytest.raises(InputError, match=naming(tmp_path / "fold" / "data", "index.csv", "--out")):
        fold(dataclasses.replace(labeled, z=z))


@pytest.mark.slow
def test_what_cannot_be_measured_is_refused(labeled_spectra: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=naming("classifier", "linenet")):
        work(Config(labeled_spectra, "classifier", out=tmp_path / "out", cache=False))
    with pytest.raises(InputError, match=naming("--labels", 200, 40)):
        work(Config(labeled_spectra, out=tmp_path / "out", labels=(200,), cache=False))
    with pytest.raises(InputError, match=naming(labeled_index.INDEX)):
        work(Config(tmp_path, out=tmp_path / "out", cache=False))
