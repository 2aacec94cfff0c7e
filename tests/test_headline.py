"""The figures of README from a folder of labeled spectra: fetched, predicted, counted, printed."""

import re
from pathlib import Path

import numpy as np
import pytest
import source_files
from astropy.table import MaskedColumn
from astropy.table import Table as Catalog
from commands_of_their_own import run
from naming import naming
from rich.table import Table
from toy_archive import served

from data_prep import example, public_sets
from data_prep.download import Config as Fetching
from data_prep.download import download
from experiments import headline_scores
from experiments.headline import Config, work
from experiments.labeled_catalog import predicted
from experiments.labeled_index import Labeled, read_index, those_there
from spectranet_jax.commands import predict
from spectranet_jax.inference import load
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.labels import CLASSES, GALAXY, QSO, UNKNOWN

pytestmark = pytest.mark.slow

LIGHT = 299792.458
SETS = ("boss-dr12-7102", "repeats")


def lines(table: Table) -> dict[str, list[str]]:
    """The cells of a table's rows, by their first."""
    columns = [list(column.cells) for column in table.columns]
    return {str(name): list(map(str, cells)) for name, *cells in zip(*columns, strict=True)}


def known() -> headline_scores.Measured:
    """Eight quasars at z = 1 in a set; a star, two sky fibers, a galaxy without data in another."""
    velocity = np.array([0, 100, -100, 200, -200, 300, 1500, 5000])
    z = np.concatenate([1 + 2 * velocity / LIGHT, np.zeros(4)])
    label = np.array(["QSO"] * 8 + ["STAR", "SKY", "SKY", "GALAXY"])
    called = np.array(["QSO"] * 6 + ["QSO_BAL", "GALAXY", "STAR", "GALAXY", "STAR", ""])
    rows = Catalog({
        "CLASS": MaskedColumn(called, mask=called == ""),
        "Z": MaskedColumn(z, mask=np.isin(called, ("STAR", ""))),
        "ZWARN": np.array([0] * 6 + [4, 0, 0, 0, 4, 4]),
    })  # fmt: skip
    files = np.array([f"{'ab'[i > 7]}/{i}.fits" for i in range(12)])
    truth = np.array([1.0] * 8 + [0.0, np.nan, np.nan, 0.3])
    return headline_scores.measured(Labeled(files, label, truth), rows)


def test_scores_are_those_by_hand() -> None:
    """Deviations from the median, 150 km/s: 50, 50, 150, 150, 250, 350, 1350, 4850."""
    classes, quasars, galaxies = map(lines, headline_scores.tables(known()))
    assert classes["a"] == ["7 of 8 (0.529 to 0.978)", "7", "1"]
    assert classes["b"] == ["1 of 2 (0.095 to 0.905)", "2", "1"]  # a sky fiber is trusted
    assert classes["all"][0].startswith("8 of 10 (") and classes["all"][1:] == ["9", "2"]
    recovered, scatter, *within = quasars["a"]
    assert recovered == "7 of 8 (0.529 to 0.978)"
    assert scatter.split()[0] == str(round(1.4826 * 200))
    assert [cell.split()[0] for cell in within] == ["0.750", "0.875"]
    assert quasars["all, z < 1.57"] == quasars["all"] == quasars["a"]
    assert set(quasars) == {"a", "all", "all, z < 1.57"}
    assert galaxies["b"] == ["0 of 1 (0.000 to 0.793)", "-", *["0.000 (0.000 to 0.793)"] * 2]


def test_the_headline_is_of_its_sets_alone() -> None:
    sets = np.array([*headline_scores.HEADLINE, "repeats"])
    groups = headline_scores.groups(sets)
    assert groups[headline_scores.OF_HEADLINE].tolist() == [True] * 5 + [False]
    assert headline_scores.OF_HEADLINE not in headline_scores.groups(sets[:5])
    assert list(headline_scores.groups(sets[5:])) == ["repeats", "all"]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two sets as `data_prep.download --sets` makes it, from an archive here."""
    folder = tmp_path_factory.mktemp("headline")
    example.main(example.Config(folder / "made", spectra=24, seed=3))
    truth = Catalog.read(folder / "made" / "catalog.fits")
    names = {code: name for name, code in example.CLASS_PERSON.items()}
    with pytest.MonkeyPatch.context() as patch, served(patch) as server:
        table = ["SET,RELEASE,RUN2D,PLATE,MJD,FIBERID,CLASS,Z,SHA256"]
        spectra = sorted((folder / "made" / "spectra").iterdir())
        for path, row in zip(spectra, truth, strict=True):
            server.contents[path.name] = path.read_bytes()
            fiber = row["PLATE"], row["MJD"], row["FIBERID"]
            known = names[row["CLASS_PERSON"]], row["Z_VI"], public_sets.content_sha256(path)
            of_set = SETS[row["FIBERID"] % 2]
            table.append(",".join(map(str, (of_set, "dr12", "v5_7_0", *fiber, *known))))
        (folder / "table.csv").write_text("\n".join([*table, ""]))
        patch.setattr(public_sets, "TABLE", folder / "table.csv")
        download(Fetching(folder / "real", sets=True, base_url=server.url))
    return folder / "real"


def test_fetched_sets_have_one_index(fetched: Path) -> None:
    labeled = read_index(fetched)
    assert sorted(set(labeled.set)) == sorted(SETS)
    assert len(labeled.file) == 24 and set(labeled.label) == set(CLASSES)
    assert all((fetched / file).is_file() for file in labeled.file)


def test_the_command_counts_what_a_catalog_of_predict_says(
    fetched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work(Config(fetched, cache=False))
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert load().sha256 in printed and "24 of the 24 spectra" in printed

    labeled = read_index(fetched)
    files = tuple(str(fetched / file) for file in labeled.file)
    predict.work(predict.Config(files, out=tmp_path / "catalog.fits", cache=False))
    catalog = Catalog.read(tmp_path / "catalog.fits")
    called = [str(name).removesuffix("_BAL") for name in catalog["CLASS"]]
    true = [name.removesuffix("_BAL") for name in labeled.label]
    pairs = list(zip(called, true, labeled.set, strict=True))
    cells = [[cell.strip() for cell in line.split("│")] for line in printed.splitlines()]
    rows = [cell[1:-1] for cell in cells if len(cell) > 2]
    for name in SETS:
        classes, quasars, velocities, *_ = [row for row in rows if row[0] == name]
        same = sum(c == t for c, t, s in pairs if s == name)
        assert classes[1].startswith(f"{same} of 12 (")
        recovered = sum(c == t for c, t, s in pairs if s == name and t == "QSO")
        chosen = (np.array(true) == "QSO") & (labeled.set == name)
        assert quasars[1].startswith(f"{recovered} of {chosen.sum()} (")
        dv = LIGHT * (np.ma.filled(catalog["Z"], 99) - labeled.z) / (1 + labeled.z)
        assert float(velocities[1].split()[0]) == pytest.approx(
            np.mean(np.abs(dv[chosen]) <= 1000), abs=6e-4
        )
        assert int(classes[2]) == np.sum((catalog["ZWARN"] == 0) & (labeled.set == name))


def test_what_is_not_there_is_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a fetch that failed for some of the files."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.fits").touch()
    (tmp_path / "index.csv").write_text("file,label,z\na/1.fits,QSO,2\na/2.fits,STAR,0\n")
    left = those_there(tmp_path, read_index(tmp_path))
    assert [column.tolist() for column in vars(left).values()] == [["a/1.fits"], ["QSO"], [2]]
    assert headline_scores.groups(left.set).keys() == {"a", "all"}
    output = capsys.readouterr().err
    assert "1 of the 2" in output and "a/2.fits" in output and f"--sets --out {tmp_path}" in output
    (tmp_path / "a/1.fits").unlink()
    with pytest.raises(InputError, match=naming("2 of the 2", "index.csv", "data_prep.download")):
        work(Config(tmp_path, cache=False))


def test_what_cannot_be_measured_is_refused(fetched: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=naming("classifier", "LineNet")):
        work(Config(fetched, model="classifier", cache=False))
    with pytest.raises(InputError, match=naming("index.csv")):
        work(Config(tmp_path, cache=False))


def test_the_headline_holds(real_sets: Path) -> None:
    """README's figures, with some room for other machines and spectra that are not there."""
    labeled = those_there(real_sets, read_index(real_sets))
    of = headline_scores.measured(labeled, predicted(load(), real_sets, labeled))
    chosen = np.isin(of.set, headline_scores.HEADLINE)
    assert np.mean((of.called == of.kind)[chosen]) > 0.975
    quasar, galaxy = (chosen & (of.kind == kind) for kind in (QSO, GALAXY))
    assert np.mean(of.called[quasar] == QSO) > 0.99
    assert ((~of.right) & of.trusted).sum() <= 2
    assert not of.trusted[of.kind == UNKNOWN].any()
    for rows, scatter in ((quasar, 150), (galaxy, 25)):
        dv = LIGHT * (of.z_called - of.z)[rows] / (1 + of.z[rows])
        dv = dv[np.isfinite(dv)]
        assert 1.4826 * np.median(np.abs(dv - np.median(dv))) < scatter
        assert np.sum(np.abs(dv) <= 1000) / rows.sum() > 0.96


@pytest.mark.long
def test_tests_that_skip_name_the_command_that_fetches(tmp_path: Path) -> None:
    words = f"-m pytest -rs -p no:cacheprovider -k headline_holds {__file__}".split()
    output = run(words, tmp_path, SPECTRANET_SETS=str(tmp_path))
    assert re.search(naming("1 skipped", "python -m data_prep.download --sets --out real"), output)


def test_one_fixture_finds_the_real_files() -> None:
    """So that this holds for all tests that skip without them."""
    tests = source_files.python_files("tests")
    assert [path for path, text in tests.items() if "shared/da" + "ta" in text] == []
