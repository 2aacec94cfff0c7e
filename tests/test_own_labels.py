"""User labels: tables in any format, joined by identity or by file, and arrays."""

import re
from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from make_fits import write_coadd, write_spec
from naming import naming
from stored_spectra import stored

import spectranet_jax as snj
from data_prep import arrays, sdss, truth
from data_prep import survey_files as surveys
from data_prep.class_names import labels_of
from data_prep.join import UNREADABLE
from data_prep.selection import NO_CLASS, NO_DATA, NO_ROW
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, GALAXY, NOT_BAL, QSO, QSO_BAL, STAR

FIBERS = range(1, 7)
CLASS = ["star", "Galaxy", "quasar", "BAL QSO", "QSO", "white dwarf"]
LABEL = [STAR, GALAXY, QSO, QSO_BAL, QSO]
Z = [0.0, 0.25, 1.5, 2.5, -1.0, 0.0]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


@pytest.fixture
def spectra(tmp_path):
    """Files that tell plate, MJD and fiber, which is the number in their name."""
    folder = tmp_path / "spectra"
    folder.mkdir()
    for fiber in FIBERS:
        write_spec(folder / f"object é {fiber}.fits", (7102, 56666, fiber))
    return folder


def of_fibers():
    names = {"plate": 7102, "mjd": 56666}
    columns = {name: np.full(len(FIBERS), value) for name, value in names.items()}
    return Table(columns | {"fiberID": list(FIBERS), "class": CLASS, "z": Z})


def prepare(tmp_path, catalog, *spectra, **options):
    config = sdss.Config((str(catalog),), tuple(map(str, spectra)), tmp_path / "d", **options)
    return sdss.work(config)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.csv", "t.ecsv", "t.xml", "t.vot", "t.fits", "t.tbl", "t.dat"])
def test_a_table_in_any_format_labels_spectra(tmp_path, spectra, name, capsys):
    formats = {".vot": "votable", ".xml": "votable", ".dat": "ascii.basic", ".tbl": "ascii.ipac"}
    path = tmp_path / name
    of_fibers().write(path, format=formats.get(path.suffix))
    contents = prepare(tmp_path, path, spectra)
    block, _ = stored(tmp_path / "d")
    assert block.label.tolist() == LABEL
    np.testing.assert_array_equal(block.z, [0, 0.25, 1.5, 2.5, np.nan])
    assert block.bal.tolist() == [0, 0, NOT_BAL, BAL, NOT_BAL]
    assert block.z_conf.tolist() == [3, 3, 3, 3, 0]
    assert contents.report["reasons"] == {NO_CLASS: 1}
    assert contents.sources[0]["kinds"] == ["table of labels"]
    assert "WHITE DWARF (1)" in capsys.readouterr().err


def test_parquet_too(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="needs spectranet-jax[parquet]")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = of_fibers()
    large = [2**60 + 1, 2**60 + 3, None, 4, 5, 6]
    columns = {name: table[name].tolist() for name in table.colnames} | {"CATALOGID": large}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    read = truth.read(tmp_path / "t.parquet")
    assert read.label.tolist() == [*LABEL, -1]
    assert read.ids["CATALOGID"].tolist() == [2**60 + 1, 2**60 + 3, -1, 4, 5, 6]


def test_a_file_of_parquet_without_its_package_is_a_sentence(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    with pytest.raises(InputError, match=naming("t.parquet")):
        truth.read(tmp_path / "t.parquet")


def test_missing_cells_are_missing(tmp_path):
    table = of_fibers()
    table["z"] = MaskedColumn(Z, mask=[0, 1, 0, 0, 0, 0])
    table["CATALOGID"] = MaskedColumn([2**60 + 1] * 6, mask=[1, 0, 0, 0, 0, 0])
    table["class"] = MaskedColumn(CLASS, mask=[0, 0, 0, 0, 1, 0])
    for name in ("t.ecsv", "t.xml"):
        table.write(tmp_path / name, format="votable" if name == "t.xml" else None)
        read = truth.read(tmp_path / name)
        assert read.ids["CATALOGID"].tolist() == [-1] + 5 * [2**60 + 1]
        assert np.isnan(read.z[1]) and read.z[2] == 1.5
        assert read.label.tolist() == [*LABEL[:4], -1, -1]


@pytest.mark.parametrize("where", ["name", "path", "packed"])
def test_a_file_of_one_spectrum_is_found_by_its_name(tmp_path, spectra, where):
    files = [f"object é {fiber}.fits" for fiber in FIBERS]
    if where == "path":
        files = [str(spectra / file) for file in files]
    if where == "packed":
        files = [f"elsewhere/{file}.gz" for file in files]
    Table({"FILE": files, "CLASS": CLASS, "Z": Z}).write(tmp_path / "t.csv")
    prepare(tmp_path, tmp_path / "t.csv", spectra)
    assert stored(tmp_path / "d")[0].label.tolist() == LABEL


def test_files_of_one_name_are_reported_apart_by_their_folders_alone(tmp_path):
    for fiber, folder in enumerate(("a", "b"), 1):
        (tmp_path / folder).mkdir()
        write_spec(tmp_path / folder / "x.fits", (7102, 56666, fiber))
    files = [str(tmp_path / folder / "x.fits") for folder in ("b", "a")]
    table = Table({"FILE": files, "CLASS": ["GALAXY", "STAR"], "Z": [0.5, 0.0]})
    table.write(tmp_path / "paths.csv")
    prepare(tmp_path, tmp_path / "paths.csv", tmp_path / "a", tmp_path / "b")
    block, _ = stored(tmp_path / "d")
    assert block.name.tolist() == [b"7102-56666-0001", b"7102-56666-0002"]
    assert block.label.tolist() == [STAR, GALAXY]
    for files in (["x.fits"], ["c/x.fits", "d/x.fits"]):
        table = Table({"FILE": files, "CLASS": ["STAR"] * len(files), "Z": [0.0] * len(files)})
        table.write(tmp_path / "names.csv", overwrite=True)
        with pytest.raises(InputError, match=naming("names.csv", "file")):
            config = sdss.Config(
                (str(tmp_path / "names.csv"),),
                (str(tmp_path / "a"), str(tmp_path / "b")),
                tmp_path / "e",
            )
            sdss.work(config)


def test_a_file_of_several_spectra_is_not_labeled_by_its_name(tmp_path):
    write_coadd(tmp_path / "c.fits", [1, 2], np.random.default_rng(0), step=8)
    Table({"FILE": ["c.fits"], "CLASS": ["STAR"], "Z": [0.0]}).write(tmp_path / "t.csv")
    with pytest.raises(InputError, match=naming("t.csv", "file", "one spectrum")):
        prepare(tmp_path, tmp_path / "t.csv", tmp_path / "c.fits")


def test_columns_are_mapped_by_name(tmp_path, spectra):
    table = of_fibers()
    table.rename_columns(["fiberID", "class", "z"], ["fib", "type", "z_best"])
    table["z"] = 9.0  # of something else
    for name in ("t.csv", "t.fits"):
        table.write(tmp_path / name)
        names = {"FIBERID": "FIB", "CLASS": "type", "Z": "z_best"}
        read = truth.read(tmp_path / name, names=names)
        assert read.label.tolist() == [*LABEL, -1] and read.z[2] == 1.5
    columns = ("FiberID=fib", "CLASS=type", "Z=z_best")
    contents = prepare(tmp_path, tmp_path / "t.csv", spectra, columns=columns)
    assert contents.report["rows_out"] == len(LABEL)
    assert contents.creator["config"]["columns"] == columns


def test_quasars_are_unsure_where_no_bal_is_reported(tmp_path):
    table = of_fibers()[:3]
    table.write(tmp_path / "t.csv")
    read = truth.read(tmp_path / "t.csv")
    assert read.bal.tolist() == 3 * [BAL_UNSURE]
    assert read.classes == (STAR, GALAXY, QSO)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.csv", "CLASS,Z\nQSO,1\n", ("FILE", "--columns")),
        ("t.csv", "FILE,CLASS\na.fits,QSO\n", ("table of labels", "Z")),
        ("t.csv", "FILE,CLASS,Z\na.fits,3,1\nb.fits,30,1\n", ("CLASS", "30 (1)", "QSO_BAL")),
        ("t.csv", "FILE,CLASS,Z\na.fits,QSO,far\n", ("far", "Z", "row 1")),
        ("t.csv", "FILE,CLASS,Z,z\na.fits,QSO,1,2\n", ("Z", "case")),
        ("t.csv", "FILE,CLASS,Z\n", ("no rows",)),
        ("t.csv", "", ("holds no table",)),
        ("t.parquet", "no parquet", ("t.parquet",)),
        ("t.xml", "<html></html>", ("cannot be read as a table",)),
        ("t.unknown", "FILE,CLASS,Z\na.fits,QSO,1\n", ("suffix",)),
    ],
)
def test_a_table_that_cannot_be_used_is_a_sentence(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=naming(*words)) as error:
        truth.read(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize(
    ("columns", "words"),
    [(("CLASS",), ("--columns CLASS", "NAME=COLUMN")), (("Z=zzz",), ("zzz", "CLASS, FIBERID"))],
)
def test_columns_that_are_not_there_are_reported(tmp_path, spectra, columns, words):
    of_fibers().write(tmp_path / "t.csv")
    with pytest.raises(InputError, match=naming(*words)):
        prepare(tmp_path, tmp_path / "t.csv", spectra, columns=columns)
    assert not (tmp_path / "d").exists()


def test_a_split_that_lacks_a_class_says_so(tmp_path, spectra, capsys):
    of_fibers().write(tmp_path / "t.csv")
    contents = prepare(tmp_path, tmp_path / "t.csv", spectra)
    printed = capsys.readouterr().out
    for split, counts in contents.counts.items():
        lacking = [name for name, count in counts.items() if not count]
        noted = f"the {split} split has no spectrum of {', '.join(lacking)}\n" in printed
        assert noted == (0 < len(lacking) < 4)
    of_fibers()[:2].write(tmp_path / "two.csv")
    config = sdss.Config(
        (str(tmp_path / "two.csv"),),
        (str(spectra),),
        tmp_path / "two",
        split_fractions=(0.0, 0.0, 1.0),
    )
    sdss.work(config)
    printed = capsys.readouterr().out
    assert "no split has a spectrum of QSO, QSO_BAL\n" in printed and "the t" not in printed


def test_spellings_of_classes():
    names = ["QSO", "Quasar", "qso_bal", "BAL-QSO", "bal", "GAL", "galaxies ", "Star", "AGN", "4"]
    expected = [QSO, QSO, QSO_BAL, QSO_BAL, QSO_BAL, GALAXY, GALAXY, STAR, -1, -1]
    assert labels_of(np.array(names)).tolist() == expected


def test_arrays_become_a_dataset(tmp_path, capsys):
    rng = np.random.default_rng(3)
    wavelength = 10 ** (3.56 + 1e-4 * np.arange(4600))
    flux = rng.normal(3, 1, (7, 4600))
    ivar = np.ones((7, 4600))
    ivar[6] = 0
    spectra = snj.from_arrays(wavelength, flux, ivar=ivar)
    classes = [*CLASS, "STAR"]
    contents = arrays.write(
        tmp_path / "d", iter(spectra), classes, [*Z, 0], object_id=[5, 5, 7, 8, 9, 10, 11]
    )
    block, splits = stored(tmp_path / "d")
    assert block.label.tolist() == LABEL and block.object_id.tolist() == [5, 5, 7, 8, 9]
    assert splits[0] == splits[1]
    assert contents.report["reasons"] == {NO_CLASS: 1, NO_DATA: 1}
    assert contents.report["rows_in"] == 7 and contents.creator["command"] == "data_prep.arrays"
    assert "WHITE DWARF (1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spectra", "classes", "z", "words"),
    [
        (2, ["STAR"], [0.0], ("more", "1 classes")),
        (1, ["STAR", "QSO"], [0.0, 1.0], (1, "2 classes")),
        (2, ["STAR", "QSO"], [0.0], ("(2,)", "(1,)")),
        (1, ["WD"], [0.0], ("WD", "STAR, GALAXY, QSO, QSO_BAL")),
    ],
)
def test_arrays_that_do_not_belong_together_are_reported(tmp_path, spectra, classes, z, words):
    made = snj.from_arrays(
        np.linspace(4000, 9000, 900), np.ones((spectra, 900)), sigma=np.ones((spectra, 900))
    )
    with pytest.raises(InputError, match=naming(*words)):
        arrays.write(tmp_path / "d", made, classes, z)
    assert not (tmp_path / "d").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["casjobs.csv", "casjobs.ecsv", "casjobs.xml", "casjobs.fits"])
def test_tables_as_casjobs_gives_them(shared, tmp_path, name):
    folder = shared / "boss-dr12-7102"
    if not (folder / "spec-7102-56666-0082.fits").exists():
        folder = f"{folder}/*-0082.fits*"
    case = shared / "cases" / "12-own-labels"
    contents = prepare(tmp_path, case / name, folder)
    assert contents.report["rows_out"] == 40 and UNREADABLE not in contents.report["reasons"]
    assert NO_ROW not in contents.report["reasons"]


def test_the_lines_of_the_documentation_for_arrays_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[1] / "docs" / "sources.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, {})
    block, _ = stored(tmp_path / "data" / "arrays")
    assert np.bincount(block.label).tolist() == [10, 0, 10]
