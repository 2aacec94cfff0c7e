"""Grouping of spectra by object, whatever files and catalogs call it."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from make_fits import table, write_spec
from stored_spectra import stored

from data_prep import survey_files as surveys
from data_prep.division import split_of
from data_prep.objects import groups, objects_of, preferred
from data_prep.truth import Truth, read
from spectranet_jax.readers import read as read_spectra
from spectranet_jax.spectra.identity import FIBER, OBJECTS, OBSERVATIONS, as_arrays


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(surveys, "contact_sheet", lambda *_: None)


# Of an object: ids by which things know it. Things with one in common are of one object.
IDS = st.lists(st.tuples(*(st.integers(-1, 4) for _ in OBJECTS)), min_size=1, max_size=12).map(
    lambda rows: np.array(rows, np.int64)
)


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([], [4, 5]),
        ([(3, -1), (4, -1)], [4, 5]),  # another object, and another spectrum of one
        ([(5, 9)], [4, 9]),  # its SDSS_ID
        ([(4, 9), (5, 9)], [9, 9]),  # that the two are one
    ],
)
def test_further_data_keep_an_objects_id_unless_they_tell_a_preferred_one(later, expected):
    known = np.int64([(4, -1), (5, -1), *later]).T
    ids = dict(zip(("CATALOGID", "SDSS_ID"), known, strict=True))
    group = groups(ids, np.empty((0, 2), np.int64), known.shape[1])
    assert preferred(ids, group)[:2].tolist() == expected


@pytest.mark.slow
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
    groups_found = {frozenset(np.flatnonzero(group == g).tolist()) for g in set(group.tolist())}
    assert groups_found == expected


def test_sdss_id_and_catalogid_of_file_and_catalog_are_one_object(tmp_path):
    """A file has SDSS_ID 7 and CATALOGID 70; the catalog, for CATALOGID 71, SDSS_ID 7 too."""
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


def truth_of(thing_ids, fibers, others=(), other_rows=()):
    """Return rows with a THING_ID alone, one spectrum, and duplicate ones."""
    n = len(fibers)
    return Truth(
        keys={FIBER: np.int64(fibers)},
        ids={"THING_ID": np.int64(thing_ids)},
        label=np.zeros(n, np.int8),
        bal=np.zeros(n, np.int8),
        z=np.ones(n),
        z_conf=np.full(n, 3, np.int8),
        classes=(0,),
        other_fiber=np.int64(others),
        other_row=np.int64(other_rows),
        kinds=("x",),
    )


def test_a_spectrum_is_of_the_object_of_its_row():
    of_rows, of_spectra = objects_of(truth_of([7, -1], [10, 11]), np.array([0, -1, 1]), {})
    assert of_rows.tolist() == [7, -1] and of_spectra.tolist() == [7, -1, -1]


def test_a_row_joins_all_ids_of_its_spectra():
    """One file has CATALOGID 4, the other SDSS_ID 5; both are spectra of the same row."""
    ids = {"CATALOGID": np.int64([4, -1]), "SDSS_ID": np.int64([-1, 5])}
    of_rows, of_spectra = objects_of(truth_of([-1], [10], [11], [0]), np.array([0, 0]), ids)
    assert of_rows.tolist() == [5] and of_spectra.tolist() == [5, 5]


def test_several_spectra_of_a_row_without_an_id_are_one_object():
    truth = truth_of([-1, -1, -1], [10, 20, 30], others=[11, 21], other_rows=[0, 1])
    rows, _ = truth.rows_of({FIBER: np.int64([10, 11, 20, 21, 30])}, {})
    _, of_spectra = objects_of(truth, rows, {})
    assert of_spectra.tolist() == [-12, -12, -22, -22, -1]


def write_dr18(path, number, **values):
    """A spec file of field 15000, MJD 59000 and a CATALOGID, with further integers in SPALL."""
    write_spec(path, (15000, 59000, number), key_in="dr18")
    columns = {"FIELD": 15000, "MJD": 59000, "CATALOGID": number} | values
    with fits.open(path, mode="update") as hdus:
        hdus[2] = table({name: np.int64([value]) for name, value in columns.items()}, "SPALL")


def write_spall(path, numbers, **values):
    """A catalog of such spectra, all quasars but for the first, a star."""
    columns = {"FIELD": 15000, "MJD": 59000, "ZWARNING": 0} | values
    columns = {name: np.full(len(numbers), value) for name, value in columns.items()}
    columns |= {"CATALOGID": np.int64(numbers), "Z": np.arange(len(numbers)) + 0.5}
    columns["CLASS"] = ["STAR"] + ["QSO"] * (len(numbers) - 1)
    fits.HDUList([fits.PrimaryHDU(), table(columns)]).writeto(path)
    return str(path)


def test_spectra_whose_plate_and_fiber_are_0_are_reported_apart_by_field_and_catalogid(tmp_path):
    """SPALL of SDSS-V has PLATE and FIBERID, but they are empty."""
    numbers = (70, 71, 72)
    for number in numbers:
        write_dr18(tmp_path / f"x{number}.fits", number, PLATE=0, FIBERID=0)
    names = [read_spectra(tmp_path / f"x{number}.fits")[0].name for number in numbers]
    assert names == [f"015000-59000-{number}" for number in numbers]
    catalog = write_spall(tmp_path / "spAll.fits", numbers, PLATE=0, FIBERID=0)
    settings = surveys.Config((catalog,), (f"{tmp_path}/x*.fits",), tmp_path / "d")
    contents = surveys.prepare(settings, "data_prep.sdss")
    assert contents.report["rows_out"] == 3 and not contents.report["reasons"]
    assert sum(counts["STAR"] for counts in contents.counts.values()) == 1


@pytest.mark.parametrize(("sdss_id", "objects"), [({}, 8), ({"SDSS_ID": 7}, 1)])
def test_one_sdss_id_of_files_makes_one_object_of_many_catalogids(tmp_path, sdss_id, objects):
    """The catalog knows none."""
    numbers = range(70, 78)
    for number in numbers:
        write_dr18(tmp_path / f"x{number}.fits", number, **sdss_id)
    catalog = write_spall(tmp_path / "spAll.fits", numbers)
    settings = surveys.Config((catalog,), (f"{tmp_path}/x*.fits",), tmp_path / "d")
    surveys.prepare(settings, "data_prep.sdss")
    block, splits = stored(tmp_path / "d")
    assert len(block) == 8 and len({*block.object_id.tolist()}) == objects
    assert (len({*splits.tolist()}) == 1) == (objects == 1)
