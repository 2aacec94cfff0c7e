"""`python -m data_prep.sdss`: what it stores, leaves out, names, and refuses."""

import numpy as np
import pytest
from make_fits import superset, write_catalog, write_spec
from stored_spectra import stored

from data_prep import survey_files as surveys
from data_prep.division import split_of
from data_prep.join import UNREADABLE
from data_prep.selection import NO_CLASS, NO_DATA, NO_ROW, REPEATED
from data_prep.write import BALANCED_AWAY
from spectranet_jax.datasets.manifest import SPLITS
from spectranet_jax.readers import read
from spectranet_jax.spectra import CLASSES, InputError, rebin
from spectranet_jax.spectra import QUASARNET_GRID as GRID

CODES = [1, 4, 3, 30]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Drawing takes seconds."""
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """24 spec files of 20 objects in all classes, and their catalog."""
    folder = tmp_path_factory.mktemp("survey")
    rng = np.random.default_rng(1)
    keys = [(7000 + i % 3, 56000, 1 + i) for i in range(24)]
    (folder / "spectra").mkdir()
    for i, key in enumerate(keys):
        path = folder / "spectra" / "spec-{}-{}-{:04d}.fits".format(*key)
        write_spec(path, key, flux=rng.normal(3, 1, 4600), upper=bool(i % 2))
    thing_id = np.where(np.arange(24) < 4, -1, 500 + np.arange(24) % 16)  # -1, and 4 repeats
    codes = [CODES[t % 4] for t in np.arange(24) % 16]
    columns = superset(codes, z=np.arange(24) / 10, thing_id=thing_id)
    write_catalog(folder / "catalog.fits", keys, columns)
    return folder


def prepare(config):
    return surveys.prepare(config, "data_prep.sdss")


def sdss_config(survey, out, *spectra, **options):
    spectra = spectra or (str(survey / "spectra"),)
    return surveys.Config((str(survey / "catalog.fits"),), spectra, out, **options)


def test_sdss_stores_what_files_and_catalog_say(survey, tmp_path, capsys):
    contents = prepare(sdss_config(survey, tmp_path / "d", seed=5))
    block, splits = stored(tmp_path / "d")
    assert len(block) == 24
    for row in range(24):
        name, source = block.name[row].decode(), block.source[row].decode()
        (spectrum,) = read(survey / "spectra" / source)
        assert spectrum.name == name
        flux, ivar = rebin(spectrum.loglam, spectrum.flux, spectrum.ivar, grid=GRID)
        np.testing.assert_array_equal(block.flux[row], flux.astype(np.float32))
        np.testing.assert_array_equal(block.ivar[row], ivar.astype(np.float32))
        number = int(name[-4:]) - 1
        assert block.label[row] == number % 16 % 4
        assert block.z[row] == number / 10 and block.z_conf[row] == 3
        assert block.bal[row] == [0, 0, -1, 1][number % 16 % 4]
        assert block.object_id[row] == (-1 if number < 4 else 500 + number % 16)
    expected = split_of(block.object_id, block.name, 5)
    assert (np.array(SPLITS)[expected] == splits).all()
    assert contents.report["rows_in"] == contents.report["rows_out"] == 24
    assert contents.creator["command"] == "data_prep.sdss"
    assert contents.creator["config"]["seed"] == 5
    assert [set(s) for s in contents.sources] == [
        {"catalog", "sha256", "kinds", "bal"},
        {"spectra", "files", "sha256"},
    ]
    printed = capsys.readouterr().out
    assert contents.fingerprint in printed and str(tmp_path / "d") in printed


def test_sdss_counts_and_names_what_it_leaves_out(survey, tmp_path, capsys):
    extra = tmp_path / "extra"
    extra.mkdir()
    write_spec(extra / "unknown.fits", (1, 2, 3))
    write_spec(extra / "dead.fits", (7001, 56000, 20), ivar=np.zeros(4600))
    write_spec(extra / "again.fits", (7000, 56000, 1))
    (extra / "broken.fits").write_text("no FITS")
    # The dead spectrum comes first, and so does not hide the good one of the same fiber.
    arguments = (str(extra / "dead.fits"), str(survey / "spectra"), str(extra), str(survey))
    contents = prepare(sdss_config(survey, tmp_path / "d", *arguments))
    assert contents.report["rows_in"] == 1 + 24 + 4  # the catalog itself is no spectrum
    assert contents.report["rows_out"] == 24
    assert contents.report["reasons"] == {UNREADABLE: 1, NO_ROW: 1, NO_DATA: 2, REPEATED: 1}
    captured = capsys.readouterr()
    assert f"left out: {extra / 'broken.fits'} " in captured.err
    assert f"  left out: 2 of 29 {NO_DATA}\n" in captured.out
    assert f"  left out: 1 of 29 {NO_ROW}\n" in captured.out
    assert contents.report["unreadable"][0].startswith(str(extra / "broken.fits"))


def test_of_many_unreadable_files_the_first_are_named(survey, tmp_path, capsys):
    names = [tmp_path / f"{n:02d}.fits" for n in range(12)]
    for name in names:
        name.write_text("no FITS")
    prepare(sdss_config(survey, tmp_path / "d", str(survey / "spectra"), *map(str, names)))
    *named, last = [s for s in capsys.readouterr().err.splitlines() if s.startswith("left out")]
    assert [s.split()[2] for s in named] == [str(name) for name in names[:10]]
    assert "2 more" in last and "manifest" in last


def test_sdss_leaves_out_other_classes(survey, tmp_path):
    keys = [(7000 + i % 3, 56000, 1 + i) for i in range(24)]
    catalog = write_catalog(tmp_path / "c.fits", keys, superset([1, 0, 50, 3] * 6))
    config = surveys.Config((str(catalog),), (str(survey / "spectra"),), tmp_path / "d")
    contents = prepare(config)
    assert contents.report["reasons"] == {NO_CLASS: 12} and contents.report["rows_out"] == 12


def test_sdss_balances_after_the_split(survey, tmp_path):
    options = {"split_fractions": (1.0, 0.0, 0.0), "balance": True}
    contents = prepare(sdss_config(survey, tmp_path / "d", **options))
    assert contents.counts["train"] == dict.fromkeys(CLASSES, 6)
    assert contents.report["reasons"] == {BALANCED_AWAY: 0}


@pytest.mark.slow
def test_worker_processes_make_the_same_dataset(survey, tmp_path, monkeypatch):
    monkeypatch.setattr(surveys, "SERIAL_GROUPS", 1)
    alone = prepare(sdss_config(survey, tmp_path / "one", workers=1))
    together = prepare(sdss_config(survey, tmp_path / "two", workers=2))
    assert alone.fingerprint == together.fingerprint and alone.sources == together.sources


def unmatched(survey, tmp_path):
    write_spec(tmp_path / "x.fits", (1, 2, 3))
    return sdss_config(survey, tmp_path / "out", str(tmp_path / "x.fits"))


def unreadable(survey, tmp_path):
    (tmp_path / "x.fits").write_text("no FITS")
    return sdss_config(survey, tmp_path / "out", str(tmp_path / "x.fits"))


def swapped(survey, tmp_path):
    file = next((survey / "spectra").iterdir())
    return surveys.Config((str(file),), (str(survey / "catalog.fits"),), tmp_path / "out")


def one_class(survey, tmp_path):
    files = (f"{survey}/spectra/*-0001.fits",)
    return sdss_config(survey, tmp_path / "out", *files, balance=True)


def taken(survey, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    return sdss_config(survey, tmp_path / "out")


def bad_fractions(survey, tmp_path):
    return sdss_config(survey, tmp_path / "out", split_fractions=(0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            unmatched,
            r"catalog\.fits .*; give the catalog",
        ),
        (unreadable, r"1 files .*x\.fits"),
        (swapped, r"spec-.*\.fits .*; give a catalog"),
        (one_class, "train .*(GALAXY|QSO).*; give more spectra"),
        (taken, "out .*; choose another folder"),
        (bad_fractions, r"0\.5 0\.5 0\.5 .*; give"),
    ],
)
def test_sdss_tells_what_it_cannot_use(survey, tmp_path, make, sentence):
    config = make(survey, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=sentence):
        prepare(config)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_sdss_on_the_real_plate(shared, tmp_path):
    folder = shared / "boss-dr12-7102"
    catalog = folder / "Superset_DR12Q-excerpt.fits"
    contents = prepare(surveys.Config((str(catalog),), (str(folder),), tmp_path / "d"))
    total = {c: sum(contents.counts[s][c] for s in SPLITS) for c in CLASSES}
    assert total == {"STAR": 13, "GALAXY": 2, "QSO": 23, "QSO_BAL": 2}
    assert contents.report["reasons"] == {}
