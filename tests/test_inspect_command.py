"""spectranet inspect and merge-vi, and snj.inspect: from files to pages, and what is refused."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
from answers import row, write
from astropy.table import Table
from make_fits import write_catalog, write_coadd, write_spec

import spectranet_jax as snj
from spectranet_jax.catalog import catalog_file
from spectranet_jax.commands import main as console
from spectranet_jax.inspection.matching import spectra_of
from spectranet_jax.inspection.notebook import MOST
from spectranet_jax.inspection.occurrence import occurrences
from spectranet_jax.readers import vi_file
from spectranet_jax.spectra import InputError

pytestmark = pytest.mark.slow

SPECTRA = ("spec-a.fits", "spec-b.fits", "coadd.fits")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    """A catalog of two spec files and a coadd with two targets, beside them."""
    folder = tmp_path_factory.mktemp("inspect")
    rng = np.random.default_rng(1)
    for fiber, name in enumerate(SPECTRA[:2], start=5):
        write_spec(folder / name, (7102, 56666, fiber), flux=rng.normal(3, 1, 4600))
    write_coadd(folder / "coadd.fits", [11, 12], rng)
    spectra = [spectrum for name in SPECTRA for spectrum in snj.read(folder / name)]
    table = snj.load().predict(spectra)
    table["FILE"] = [Path(name).name for name in table["FILE"].tolist()]
    catalog_file.write(table, folder / "c.fits")
    return folder / "c.fits"


def inspect(*words) -> None:
    console.main(["inspect", *map(str, words), "--no-cache"])


def about(path: Path) -> dict:
    return json.loads(re.search(r'id="about">(.*?)</script>', path.read_text())[1])


def test_a_page_of_a_catalog_has_its_spectra_and_p_of_z(catalog, tmp_path, capsys):
    inspect(catalog, "--out", tmp_path / "look.html")
    assert "4 spectra" in capsys.readouterr().out
    page = about(tmp_path / "look.html")
    assert sorted(row["id"] for row in page["rows"]) == [
        *("11", "12", "7102-56666-0005", "7102-56666-0006")
    ]
    text = (tmp_path / "look.html").read_text()
    assert text.count('["flux",') == text.count(f'["p",{snj.load().task.steps.size},2]') == 4
    names = {row["id"]: row["identity"] for row in page["rows"]}
    assert names["7102-56666-0006"]["FIBERID"] == "6" and names["12"]["TARGETID"] == "12"


def test_rows_can_be_chosen_and_keep_their_numbers(catalog, tmp_path):
    inspect(catalog, "--out", tmp_path / "look.html", "--where", "ID == '12'", "--blind")
    page = about(tmp_path / "look.html")
    assert [row["row"] for row in page["rows"]] == [3] and page["blind"]
    inspect(catalog, "--out", tmp_path / "two.html", "--random", 2, "--thumbnails")
    two = about(tmp_path / "two.html")
    assert len(two["rows"]) == 2 and two["thumbnails"]
    assert two["fingerprint"] == page["fingerprint"]  # answers are kept for the catalog


def test_blind_rows_are_in_the_order_of_the_catalog(catalog, tmp_path):
    """Others show the least certain first: not the order of both a catalog and its reverse."""
    reverse = catalog.with_name("reverse.fits")
    catalog_file.write(Table.read(catalog)[::-1], reverse)
    sorted_by_chance = 0
    for number, source in enumerate((catalog, reverse)):
        orders = []
        for words in ([], ["--blind"]):
            out = tmp_path / f"look{number}{len(orders)}.html"
            inspect(source, "--out", out, *words)
            orders.append([row["row"] for row in about(out)["rows"]])
        assert orders[1] == sorted(orders[0]) and len(orders[1]) == 4
        sorted_by_chance += orders[0] == orders[1]
    assert sorted_by_chance < 2


def test_the_redshifts_of_another_catalog_are_beside(catalog, tmp_path, capsys):
    other = write_catalog(
        tmp_path / "other.fits", [(7102, 56666, 6), (1, 2, 3)], {"Z": np.float64([1.5, 2.5])}
    )
    inspect(catalog, "--out", tmp_path / "look.html", "--reference", other)
    assert "other.fits: redshifts of 1 of 4 spectra" in capsys.readouterr().out
    rows = {row["id"]: row["reference_z"] for row in about(tmp_path / "look.html")["rows"]}
    assert rows == {"7102-56666-0006": 1.5, "7102-56666-0005": None, "11": None, "12": None}


def test_spectra_that_moved_are_named_after_the_catalog(catalog, tmp_path, capsys):
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in SPECTRA:
        (moved / name).write_bytes((catalog.parent / name).read_bytes())
    (tmp_path / "c.fits").write_bytes(catalog.read_bytes())
    with pytest.raises(SystemExit):
        inspect(tmp_path / "c.fits", "--out", tmp_path / "look.html")
    error = capsys.readouterr().err
    assert "spec-a.fits does not exist" in error and "error: none of the spectra" in error
    inspect(tmp_path / "c.fits", moved, "--out", tmp_path / "look.html")
    assert len(about(tmp_path / "look.html")["rows"]) == 4


def test_spectra_of_one_name_are_taken_in_order(tmp_path, rng):
    write_coadd(tmp_path / "spectra.fits", [7, 8, 7], rng)
    flux = [spectrum.flux for spectrum in snj.read(tmp_path / "spectra.fits")]
    table = Table({"FILE": ["spectra.fits"] * 3, "ID": ["7", "7", "8"]})
    spectra, sentences = spectra_of(table, tmp_path)
    assert sentences == []
    for spectrum, expected in zip(spectra, (flux[0], flux[2], flux[1]), strict=True):
        np.testing.assert_array_equal(spectrum.flux, expected)


def test_spectra_of_one_name_keep_their_rows_when_selected_and_sorted(tmp_path, rng):
    write_coadd(tmp_path / "spectra.fits", [7, 7, 8, 7], rng)
    spectra = snj.read(tmp_path / "spectra.fits")
    table = Table({"FILE": ["spectra.fits"] * 4, "ID": ["7", "7", "8", "7"]})
    table["OCCURRENCE"] = occurrences(table)
    assert table["OCCURRENCE"].tolist() == [1, 2, 1, 3]
    for rows in ([3, 1, 2, 0], [3], [2, 3]):
        matched, _ = spectra_of(table[rows], tmp_path)
        for place, spectrum in zip(rows, matched, strict=True):
            np.testing.assert_array_equal(spectrum.flux, spectra[place].flux)


def test_the_command_shows_the_spectrum_of_the_selected_row(tmp_path, rng):
    write_coadd(tmp_path / "spectra.fits", [7, 7], rng)
    table = snj.load().predict(snj.read(tmp_path / "spectra.fits"))
    table["FILE"], table["SN"] = ["spectra.fits"] * 2, [1.0, 2.0]
    table.write(tmp_path / "c.fits")
    inspect(tmp_path / "c.fits", "--where", "SN > 1.5", "--out", tmp_path / "look.html")
    (shown,) = about(tmp_path / "look.html")["rows"]
    assert shown["row"] == 1 and shown["occurrence"] == 2


def test_a_catalog_of_other_weights_has_no_p_of_z(catalog, tmp_path, capsys):
    table = Table.read(catalog)
    table.meta["SHA256_1"] = "0" * 64
    table.write(tmp_path / "c.fits")
    inspect(tmp_path / "c.fits", catalog.parent, "--out", tmp_path / "look.html")
    assert "no p(z)" in capsys.readouterr().err
    assert about(tmp_path / "look.html")["edges"] is None


@pytest.mark.long
def test_what_speaks_for_the_class_is_shown_on_request(catalog, tmp_path):
    out = tmp_path / "look.html"
    inspect(catalog, "--out", out, "--why", "--where", "ID in ('11', '12')")
    assert out.read_text().count('["attribution",') == 2


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["nothing.fits"], "nothing.fits"),
        (["{catalog}", "--out", "page.txt"], "page.txt"),
        (["{catalog}", "--where", "ID == 'none'"], "ID == 'none'"),
        (["{catalog}", "--where", "MAGNITUDE > 1"], "MAGNITUDE"),
        (["{catalog}", "--reference", "{catalog}x"], "c.fitsx"),
        (["{folder}/spec-a.fits"], "FILE"),
        (["{catalog}", "--model", "nonsense"], "nonsense"),
    ],
)
def test_a_mistake_is_a_sentence(catalog, tmp_path, monkeypatch, capsys, words, names):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        inspect(*(word.format(catalog=catalog, folder=catalog.parent) for word in words))
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert stop.value.code == 2 and len(error) == 1 and names in error[0]
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_not_replaced_unasked(catalog, tmp_path, capsys):
    out = tmp_path / "look.html"
    out.write_text("mine")
    with pytest.raises(SystemExit):
        inspect(catalog, "--out", out)
    assert out.read_text() == "mine" and "--overwrite" in capsys.readouterr().err
    inspect(catalog, "--out", out, "--overwrite")
    assert out.read_text() != "mine"


@pytest.mark.long
def test_a_notebook_shows_the_page_in_a_frame(catalog, tmp_path):
    spectra = snj.read(catalog.parent / "coadd.fits")
    shown = snj.inspect(snj.load(), spectra)
    frame = shown._repr_html_()
    assert html.unescape(re.search(r'srcdoc="(.*?)"', frame, re.S)[1]) == shown.html
    assert frame.count("<") == 2  # all of the page is escaped
    shown.save(tmp_path / "look.html")
    assert [row["id"] for row in about(tmp_path / "look.html")["rows"]] == ["11", "12"]
    assert "2 spectra" in repr(shown) and '["attribution",' not in shown.html
    assert snj.inspect(snj.load(), spectra[0], why=True).html.count('["attribution",') == 1
    assert len(snj.inspect(snj.load(), spectra[0]).catalog) == 1
    for wrong in ([], spectra * MOST):
        with pytest.raises(InputError, match=str(MOST)):
            snj.inspect(snj.load(), wrong)


def test_answers_of_inspectors_are_merged(tmp_path, capsys):
    fibers = [{"PLATE": "1", "MJD": "2", "FIBERID": str(i)} for i in range(3)]
    anna = [row(who="anna", **fiber) for fiber in fibers]
    ben = [
        row(kind, z, "4", "ben", **f)
        for kind, z, f in zip(("QSO", "STAR", "QSO"), ("2.1", "", "2.1"), fibers, strict=True)
    ]
    files = [write(tmp_path / "anna.csv", *anna), write(tmp_path / "ben.csv", *ben)]
    out = tmp_path / "merged.csv"
    console.main(["merge-vi", *map(str, files), "--out", str(out)])
    output = capsys.readouterr().out
    assert "class, redshift" in output and "anna: QSO" in output and "ben: STAR" in output
    assert [answer["FIBERID"] for answer in vi_file.read(out)] == ["0", "2"]
    others = vi_file.read(tmp_path / "merged-disagreements.csv")
    assert [(answer["VI_SCANNER"], answer["VI_CLASS"]) for answer in others] == [
        *(("anna", "QSO"), ("ben", "STAR"))
    ]
    with pytest.raises(SystemExit):
        console.main(["merge-vi", *map(str, files), "--out", str(out)])
    assert "--overwrite" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        console.main(["merge-vi", str(files[0]), "--out", str(files[0]), "--overwrite"])
    assert "anna.csv is among" in capsys.readouterr().err


def test_what_merging_leaves_out_is_reported_and_no_file_is_written_twice(tmp_path, capsys):
    fibers = [{"PLATE": "1", "MJD": "2", "FIBERID": str(i)} for i in (1, 2)]
    anna = [row(**fibers[0]), row(quality="", **fibers[1])]
    ben = [row("STAR", "0", who="ben", **fibers[0])]
    for rows in (anna, ben):
        for answer in rows:
            del answer["ID"]
    files = [write(tmp_path / "anna.csv", *anna), write(tmp_path / "ben.csv", *ben)]
    out = tmp_path / "merged.csv"
    console.main(["merge-vi", *map(str, files), "--out", str(out)])
    output = capsys.readouterr().out
    assert "anna.csv: 1 of 2 rows" in output and "1-2-1: class" in output
    kept = out.read_text()
    with pytest.raises(SystemExit) as stop:
        words = ["--out", str(out), "--disagreements", str(out), "--overwrite"]
        console.main(["merge-vi", *map(str, files), *words])
    assert stop.value.code == 2 and "--disagreements" in capsys.readouterr().err
    assert out.read_text() == kept
