"""Files of spectra and of redshifts paired by their names, and when that is not trusted."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from make_fits import table
from test_identity import coadd, redrock

from data_prep import survey_files as surveys
from data_prep.summary import REPORTED_COUNTS, print_summary
from data_prep.survey_files import Config, prepare
from spectranet_jax.datasets.manifest import SPLITS

KINDS = ("STAR", "GALAXY", "QSO")
MAIN, SV3 = ({"SURVEY": name, "PROGRAM": "dark", "HPXPIXEL": 1} for name in ("main", "sv3"))
NIGHT = {"TILEID": 80, "NIGHT": 20210101}


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


def joined(tmp_path, rng, spectra, catalogs):
    """Return the class of the one target of a file of spectra, and whether it was joined by object.

    Args:
        spectra: name and header.
        catalogs: name -> class and header.
    """
    for name, (kind, header) in catalogs.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        redrock(tmp_path / name, [11], [kind], header)
    (tmp_path / spectra[0]).parent.mkdir(exist_ok=True)
    coadd(tmp_path / spectra[0], [11], rng, spectra[1])
    files = tuple(str(tmp_path / name) for name in catalogs)
    contents = prepare(Config(files, (str(tmp_path / spectra[0]),), tmp_path / "d"), "x")
    (kind,) = (k for k in KINDS if any(counts[k] for counts in contents.counts.values()))
    return kind, contents.report["by_object"]


@pytest.mark.parametrize("folder", ["a", "b"])
def test_headers_count_against_names(tmp_path, rng, folder):
    files = {f"{folder}/redrock-0.fits": ("STAR", SV3), "c/mine.fits": ("GALAXY", MAIN)}
    assert joined(tmp_path, rng, ("a/coadd-0.fits", MAIN), files) == ("GALAXY", 0)


@pytest.mark.parametrize("folder", ["a", "b"])
def test_a_pair_that_headers_contradict_is_joined_by_the_object_at_most(tmp_path, rng, folder):
    catalogs = {f"{folder}/redrock-0.fits": ("STAR", SV3)}
    assert joined(tmp_path, rng, ("a/coadd-0.fits", MAIN), catalogs) == ("STAR", 1)


@pytest.mark.parametrize("headers", [(MAIN, {}), ({}, MAIN), ({}, {}), (MAIN, NIGHT), (MAIN, MAIN)])
@pytest.mark.parametrize("folder", ["a", "b"])
def test_a_pair_that_no_header_contradicts_is_believed(tmp_path, rng, headers, folder):
    catalogs = {
        "c/redrock-1.fits": ("GALAXY", {}),
        f"{folder}/redrock-0.fits": ("STAR", headers[1]),
    }
    assert joined(tmp_path, rng, ("a/coadd-0.fits", headers[0]), catalogs) == ("STAR", 0)


def test_of_one_name_in_two_folders_that_of_the_spectra_counts(tmp_path, rng):
    """Both have the same header: a night's redshifts, and those of all nights up to it."""
    catalogs = {"b/redrock-0.fits": ("STAR", NIGHT), "a/redrock-0.fits": ("QSO", NIGHT)}
    assert joined(tmp_path, rng, ("a/coadd-0.fits", NIGHT), catalogs) == ("QSO", 0)


def test_one_name_in_two_other_folders_tells_nothing(tmp_path, rng):
    catalogs = {"b/redrock-0.fits": ("STAR", {}), "c/redrock-0.fits": ("QSO", {})}
    assert joined(tmp_path, rng, ("a/coadd-0.fits", {}), catalogs)[1] == 1


def test_what_the_object_alone_joins_is_counted_where_it_is_kept_and_reported(
    tmp_path, rng, capsys
):
    redrock(tmp_path / "mine.fits", [11, 12], ["STAR", "QSO"])
    coadd(tmp_path / "coadd-0.fits", [11, 12], rng)
    with fits.open(tmp_path / "coadd-0.fits", mode="update") as hdus:
        columns = {"TARGETID": np.int64([11, 12]), "OBJTYPE": ["TGT", "SKY"]}
        hdus["FIBERMAP"] = table(columns, "FIBERMAP")
    files = (str(tmp_path / "mine.fits"),), (str(tmp_path / "coadd-0.fits"),)
    contents = prepare(Config(*files, tmp_path / "d"), "x")
    assert contents.report["rows_out"] == contents.report["by_object"] == 1
    assert "\n  1 of 2 joined by the object, " in capsys.readouterr().out


@pytest.mark.parametrize("count", REPORTED_COUNTS)
def test_counts_that_are_reported_are_reported_unless_0(tmp_path, capsys, count):
    for rows in (3, 0):
        report = {"rows_in": 5, "rows_out": 5, "reasons": {}, count: rows}
        counts = {split: {} for split in SPLITS}
        print_summary(SimpleNamespace(report=report, counts=counts, fingerprint="f"), tmp_path)
        noted = f"  {rows} of 5 {REPORTED_COUNTS[count]}\n" in capsys.readouterr().out
        assert noted == (rows == 3)
