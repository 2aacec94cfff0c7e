"""Names of observations and objects, and the join of spectra with catalogs by them."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from make_fits import superset, table, write_catalog, write_coadd, write_spec

from data_prep import survey as surveys
from data_prep.objects import groups, objects_of, preferred
from data_prep.row_identity import fiber_of_boss_target
from data_prep.split import split_of
from data_prep.truth import read
from spectranet_jax.spectra.identity import (
    FIBER,
    OBJECTS,
    OBSERVATIONS,
    as_arrays,
    fiber_key,
    observation_keys,
    pair,
)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


PLAIN = st.fixed_dictionaries(
    {
        "TARGETID": st.integers(1, 3),
        "SURVEY": st.sampled_from(["sv3", "main"]),
        "PROGRAM": st.sampled_from(["dark", "bright"]),
        "HEALPIX": st.integers(0, 3),
        "TILEID": st.integers(1, 2),
        "NIGHT": st.integers(1, 2),
        "PAIR": st.sampled_from(["a", "b"]),
    }
)


@given(st.lists(PLAIN, min_size=2, max_size=12))
def test_keys_are_equal_where_all_fields_are(identities):
    keys, _ = as_arrays(identities)
    for number, fields in enumerate(OBSERVATIONS):
        told = [tuple(one.get(name) for name in fields) for one in identities]
        if None in told[0]:
            assert (keys[:, number] == -1).all()
            continue
        same = np.array([[a == b for a in told] for b in told])
        np.testing.assert_array_equal(keys[:, number, None] == keys[None, :, number], same)


@pytest.mark.parametrize("value", [0, -1, -999, -(2**31)])
def test_an_id_that_means_none_makes_no_key_and_no_object(value):
    identities = [{"FIELD": 7, "MJD": 59000, "CATALOGID": v, "SDSS_ID": v} for v in (value, 5)]
    keys, ids = as_arrays(identities)
    of_field = OBSERVATIONS.index(("FIELD", "MJD", "CATALOGID"))
    assert keys[0, of_field] == -1 < keys[1, of_field]
    assert ids[:, OBJECTS.index("SDSS_ID")].tolist() == [-1, 5]


def test_case_and_spaces_of_survey_and_program_do_not_count():
    columns = {
        "TARGETID": np.array([5, 5, 5]),
        "SURVEY": np.array(["main", " MAIN", ""]),
        "PROGRAM": np.array(["dark", "dark ", "dark"]),
        "HEALPIX": np.array([4, 4, 4]),
    }
    (key,) = observation_keys(columns).values()
    assert key[0] == key[1] > 0 and key[2] == -1


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("coadd-main-dark-100.fits", "redrock-main-dark-100.fits.gz", "main-dark-100"),
        ("/x/coadd-4-80613-thru2021.fits.gz", "zbest-4-80613-thru2021.fits", "4-80613-thru2021"),
        ("spec-1-2-3.fits", "spAll.fits", ""),
    ],
)
def test_files_of_spectra_and_their_redshifts_are_pairs(one, other, shared):
    assert pair(one) == pair(other) == shared


@given(st.integers(1, 19_999), st.integers(50_001, 69_999), st.integers(1, 1000))
def test_redrocks_numbers_of_boss_spectra_are_plate_mjd_and_fiber(plate, mjd, fiber):
    found = fiber_of_boss_target(np.array([plate * 10**9 + mjd * 10**4 + fiber]))
    assert [int(found[name][0]) for name in FIBER] == [plate, mjd, fiber]


def test_desis_own_numbers_are_no_fibers():
    found = fiber_of_boss_target(np.array([39633345008634465, 616088619186127404, 11, -5]))
    assert (found["PLATE"] == -1).all()


# Of an object: ids by which things know it. Things with one in common are of one object.
IDS = st.lists(st.tuples(*(st.integers(-1, 4) for _ in OBJECTS)), min_size=1, max_size=12).map(
    lambda rows: np.array(rows, np.int64)
)


@given(IDS)
def test_no_object_is_in_two_splits_however_it_is_called(rows):
    ids = {name: np.where(v > 0, v, -1) for name, v in zip(OBJECTS, rows.T, strict=True)}
    group = groups(ids, np.empty((0, 2), np.int64), len(rows))
    chosen = preferred(ids, group)
    for values in ids.values():
        for value in set(values[values > 0].tolist()):
            assert len({*group[values == value].tolist()}) == 1
            assert len({*chosen[values == value].tolist()}) == 1
    named = np.any([v > 0 for v in ids.values()], axis=0)
    assert (chosen[named] > 0).all() and (chosen[~named] == -1).all()
    names = np.array([b"%d" % i for i in range(len(rows))])
    split = split_of(chosen, names, 3)
    for values in ids.values():
        for value in set(values[values > 0].tolist()):
            assert len({*split[values == value].tolist()}) == 1


@given(IDS)
def test_things_without_an_id_in_common_are_of_other_objects(rows):
    """Against the plain closure: join two sets as long as they share a name."""
    ids = {name: np.where(v > 0, v, -1) for name, v in zip(OBJECTS, rows.T, strict=True)}
    names = [{(n, int(v[i])) for n, v in ids.items() if v[i] > 0} for i in range(len(rows))]
    sets = [({i}, set(called)) for i, called in enumerate(names)]
    joined = True
    while joined:
        joined = False
        for a in range(len(sets)):
            for b in range(a + 1, len(sets)):
                if sets[a][1] & sets[b][1]:
                    sets[a] = sets[a][0] | sets[b][0], sets[a][1] | sets[b][1]
                    del sets[b]
                    joined = True
                    break
            if joined:
                break
    group = groups(ids, np.empty((0, 2), np.int64), len(rows))
    expected = {frozenset(members) for members, _ in sets}
    found = {frozenset(np.flatnonzero(group == g).tolist()) for g in set(group.tolist())}
    assert found == expected


def test_sdss_id_and_catalogid_of_file_and_catalog_are_one_object(tmp_path):
    """A file tells SDSS_ID 7 and CATALOGID 70; the catalog, of CATALOGID 71, SDSS_ID 7 too."""
    columns = {
        "FIELD": np.int64([15000, 15000, 15000]),
        "MJD": np.int64([59000, 59001, 59002]),
        "CATALOGID": np.int64([70, 71, 72]),
        "SDSS_ID": np.int64([-999, 7, 8]),
        "CLASS": ["QSO"] * 3,
        "Z": [1.0, 1.0, 2.0],
        "ZWARNING": np.int64([0] * 3),
    }
    path = tmp_path / "spAll.fits"
    fits.HDUList([fits.PrimaryHDU(), table(columns)]).writeto(path)
    truth = read(path)
    fields = ("FIELD", "MJD", "CATALOGID")
    identities = [
        dict(zip(fields, (15000, 59000, 70), strict=True)) | {"SDSS_ID": 7},
        dict(zip(fields, (15000, 59001, 71), strict=True)),
        dict(zip(fields, (15000, 59002, 72), strict=True)),
    ]
    keys, ids = (a.T for a in as_arrays(identities))
    named = dict(zip(OBJECTS, ids, strict=True))
    rows, alone = truth.rows_of(dict(zip(OBSERVATIONS, keys, strict=True)), named)
    assert rows.tolist() == [0, 1, 2] and not alone.any()
    of_rows, of_spectra = objects_of(truth, rows, named)
    assert of_spectra.tolist() == of_rows.tolist() == [7, 7, 8]


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
    assert contents.report["reasons"][surveys.NO_TARGET] == 2


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
