"""Names of observations and objects, and the join of spectra with catalogs by them."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from make_fits import superset, table, write_catalog, write_coadd, write_spec

from data_prep import survey_files as surveys
from data_prep.division import split_of
from data_prep.join import NO_TARGET
from data_prep.objects import objects_of
from data_prep.row_identity import fiber_of_boss_target, naming_columns
from data_prep.truth import read
from spectranet_jax.readers import read as read_spectra
from spectranet_jax.spectra.identity import (
    FIBER,
    fiber_key,
)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


@given(st.integers(1, 19_999), st.integers(50_001, 69_999), st.integers(1, 1000))
def test_redrocks_numbers_of_boss_spectra_are_plate_mjd_and_fiber(plate, mjd, fiber):
    fields = fiber_of_boss_target(np.array([plate * 10**9 + mjd * 10**4 + fiber]))
    assert [int(fields[name][0]) for name in FIBER] == [plate, mjd, fiber]


def test_desis_own_numbers_are_no_fibers():
    fields = fiber_of_boss_target(np.array([39633345008634465, 616088619186127404, 11, -5]))
    assert (fields["PLATE"] == -1).all()


def spall(path, warned=0):
    """Two epochs of one object: a quasar, then a star, of which the pipeline may warn."""
    columns = {
        "FIELD": np.int64([15000, 15000]),
        "MJD": np.int64([59146, 59900]),
        "CATALOGID": np.int64([4375786564] * 2),
        "SDSS_ID": np.int64([55, 55]),
        "CLASS": ["QSO", "STAR"],
        "Z": [2.48, 0.0],
        "ZWARNING": np.int64([0, warned]),
    }
    fits.HDUList([fits.PrimaryHDU(), table(columns)]).writeto(path)
    return path


@pytest.mark.parametrize(("warned", "labels"), [(0, {"QSO": 1, "STAR": 1}), (4, {"QSO": 1})])
def test_each_epoch_has_its_own_row(tmp_path, warned, labels):
    for mjd in (59146, 59900):
        key = (15000, mjd, 4375786564)
        write_spec(tmp_path / f"spec-{mjd}.fits", key, key_in="dr18")
    contents = surveys.prepare(
        surveys.Config(
            (str(spall(tmp_path / "spAll.fits", warned)),),
            (f"{tmp_path}/spec-*.fits",),
            tmp_path / "d",
            split_fractions=(0, 0, 1),
        ),
        "data_prep.sdss",
    )
    assert {k: n for k, n in contents.counts["test"].items() if n} == labels
    assert contents.report["by_object"] == 0


def redrock(path, ids, kinds, header=None, **columns):
    columns |= {
        "TARGETID": np.int64(ids),
        "Z": np.arange(len(ids)) + 0.5,
        "ZWARN": np.int64([0] * len(ids)),
        "SPECTYPE": kinds,
    }
    primary = fits.PrimaryHDU()
    primary.header.update(header or {})
    fits.HDUList([primary, table(columns, "REDSHIFTS")]).writeto(path)


def coadd(path, ids, rng, header=None):
    write_coadd(path, ids, rng, step=8)
    with fits.open(path, mode="update") as hdus:
        hdus[0].header.update(header or {})


@pytest.mark.parametrize(
    "headers",
    [
        [{"SURVEY": "main", "PROGRAM": "dark", "HPXPIXEL": n} for n in (1, 2)],
        [{"TILEID": 80, "NIGHT": n} for n in (20210101, 20210102)],
        [{}, {}],  # the names of the files alone
    ],
)
def test_a_target_of_two_desi_files_has_the_redshift_of_its_own(tmp_path, rng, headers):
    named = "same" if headers[0] else "x"
    for number, (header, kind) in enumerate(zip(headers, ["STAR", "GALAXY"], strict=True)):
        name = f"{named}-{number}" if not headers[0] else f"{number}{named}"
        redrock(tmp_path / f"redrock-{name}.fits", [11], [kind], header)
        coadd(tmp_path / f"coadd-{name}.fits", [11], rng, header)
    spectra = (f"{tmp_path}/coadd-*.fits",)
    settings = surveys.Config((f"{tmp_path}/redrock-*.fits",), spectra, tmp_path / "d")
    contents = surveys.prepare(settings, "data_prep.desi")
    total = {k: sum(contents.counts[s][k] for s in contents.counts) for k in ("STAR", "GALAXY")}
    assert total == {"STAR": 1, "GALAXY": 1} and contents.report["by_object"] == 0


def test_the_night_of_coadded_exposures_is_their_last(tmp_path, rng):
    """Where both are given: NIGHT is that of one exposure."""
    columns = {"TARGETID": 11, "TILEID": 80, "NIGHT": 20210101, "LASTNIGHT": 20210105}
    coadd(tmp_path / "x.fits", [11], rng)
    with fits.open(tmp_path / "x.fits", mode="update") as hdus:
        hdus["FIBERMAP"] = table({k: np.int64([v]) for k, v in columns.items()}, "FIBERMAP")
    assert read_spectra(tmp_path / "x.fits")[0].identity["NIGHT"] == 20210105
    assert naming_columns({"TARGETID", "NIGHT", "LASTNIGHT"})["NIGHT"] == "LASTNIGHT"


def test_redrocks_results_for_boss_plates_are_joined(tmp_path, rng):
    keys = [(7102, 56666, 82), (7102, 56666, 83)]
    for key in keys:
        write_spec(tmp_path / f"spec-{key[2]}.fits", key, flux=rng.normal(3, 1, 4600), thing_id=9)
    ids = [p * 10**9 + m * 10**4 + f for p, m, f in keys]
    redrock(tmp_path / "redrock-7102.fits", ids, ["QSO", "STAR"])
    settings = surveys.Config(
        (f"{tmp_path}/redrock-7102.fits",), (f"{tmp_path}/spec-*.fits",), tmp_path / "d"
    )
    contents = surveys.prepare(settings, "data_prep.sdss")
    assert contents.report["rows_out"] == 2 and contents.report["by_object"] == 0
    # Two spectra of THING_ID 9: in one split, although redrock numbers them apart.
    assert sorted(sum(c.values()) for c in contents.counts.values()) == [0, 0, 2]


def test_sky_and_bad_fibers_are_no_training_data(tmp_path, rng):
    write_coadd(tmp_path / "coadd-1.fits", [11, 12, 13, 14], rng, step=8)
    with fits.open(tmp_path / "coadd-1.fits", mode="update") as hdus:
        columns = {"TARGETID": np.int64([11, 12, 13, 14]), "OBJTYPE": ["TGT", "SKY", "BAD", "TGT"]}
        hdus["FIBERMAP"] = table(columns, "FIBERMAP")
    redrock(tmp_path / "redrock-1.fits", [11, 12, 13, 14], ["QSO"] * 4)
    with fits.open(tmp_path / "redrock-1.fits", mode="append") as hdus:
        columns["OBJTYPE"] = ["TGT", "TGT", "TGT", "SKY"]
        hdus.append(table(columns, "FIBERMAP"))
    settings = surveys.Config(
        (f"{tmp_path}/redrock-1.fits",), (f"{tmp_path}/coadd-1.fits",), tmp_path / "d"
    )
    contents = surveys.prepare(settings, "data_prep.desi")
    assert contents.report["rows_out"] == 1  # 12 and 13 by their own file, 14 by redrock's
    assert contents.report["reasons"][NO_TARGET] == 2


@pytest.mark.parametrize("none", [0, -1, -999, None, np.nan])
def test_values_that_mean_no_object_are_no_object(tmp_path, none):
    """Zero, negative ones, a masked integer (TNULL) and NaN."""
    n = 40
    keys = [(7102, 56666, fiber) for fiber in range(1, n + 1)]
    columns = superset([3] * n)
    ids = np.full(n, 999_999 if none is None else none)
    columns["THING_ID"] = np.float64(ids) if none is not None and np.isnan(none) else np.int64(ids)
    path = write_catalog(tmp_path / "c.fits", keys, columns)
    if none is None:
        number = list(columns).index("THING_ID") + 4
        fits.setval(path, f"TNULL{number}", value=999_999, ext=1)
    truth = read(path)
    assert (truth.ids["THING_ID"] == -1).all()
    names = np.array([b"%04d-%d-%04d" % key for key in keys])
    of_rows, _ = objects_of(truth, np.empty(0, np.int64), {})
    assert len(set(split_of(of_rows, names, 0).tolist())) == 3  # each by its own name
    assert (truth.fiber == fiber_key(*np.array(keys).T)).all()
