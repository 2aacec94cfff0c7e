import numpy as np
import pytest
from make_fits import superset, write_catalog
from naming import naming
from test_write import make_block

from data_prep import truth as truths
from data_prep.split_lists import by_lists
from data_prep.write import NOT_IN_LISTS, Plan, Provenance, write_dataset
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import InputError

KEYS = [(7000, 56000, fiber) for fiber in range(1, 13)]
NAMES = [f"{p}/spec-{p}-{m}-{f:04d}.fits" for p, m, f in KEYS]


@pytest.fixture
def truth(tmp_path):
    thing_id = [-1, *range(101, 112)]
    columns = superset([3] * 12, thing_id=thing_id)
    return truths.read(write_catalog(tmp_path / "c.fits", KEYS, columns))


def write_lists(folder, **lists):
    folder.mkdir(exist_ok=True)
    for split, names in lists.items():
        (folder / f"dr12q_superset_{split}.lst").write_text("".join(f"{n}\n" for n in names))
    return folder


def splits(division, object_id, names):
    return division.of(np.array(object_id), np.array([n.encode() for n in names])).tolist()


def test_objects_go_where_their_spectrum_is_listed(tmp_path, truth):
    lists = write_lists(tmp_path / "l", test=NAMES[:2], valid=["7000-56000-0003", NAMES[3]])
    division = by_lists(lists, truth.fiber, truth.ids["THING_ID"])
    # Row 0 has no object: its name counts. A repeat of object 101 has another name, and follows it.
    assert splits(division, [-1, 101], ["7000-56000-0001", "8000-57000-0009"]) == [2, 2]
    assert splits(division, [102, 103, 104, -1], ["x"] * 4) == [1, 1, 0, 0]
    np.testing.assert_allclose(division.fractions, [8 / 12, 2 / 12, 2 / 12])
    assert [(r["split"], r["spectra"]) for r in division.record["lists"]] == [
        ("valid", 2),
        ("test", 2),
    ]


def test_with_a_list_of_train_the_rest_belongs_to_none(tmp_path, truth):
    lists = write_lists(tmp_path / "l", test=NAMES[:2], train=NAMES[2:5])
    assert splits(
        by_lists(lists, truth.fiber, truth.ids["THING_ID"]), [101, 102, 109], ["a"] * 3
    ) == [2, 0, -1]


def test_an_object_of_two_rows_is_held_out(tmp_path):
    columns = superset([3, 3, 3], thing_id=[5, 5, 6])
    truth = truths.read(write_catalog(tmp_path / "c.fits", KEYS[:3], columns))
    lists = write_lists(tmp_path / "l", test=NAMES[1:2])
    assert splits(by_lists(lists, truth.fiber, truth.ids["THING_ID"]), [5, 6], ["a"] * 2) == [2, 0]


def test_the_dataset_follows_the_lists_and_counts_the_rest(tmp_path, truth):
    lists = write_lists(tmp_path / "l", test=NAMES[:4], train=NAMES[4:10])
    block = make_block(12)
    block.object_id[:] = truth.ids["THING_ID"]
    block.name[0] = b"n"  # without an object and in no list
    division = by_lists(lists, truth.fiber, truth.ids["THING_ID"])
    contents = write_dataset(tmp_path / "d", [block], Plan(GRID, 12, 0, division), Provenance({}))
    assert [sum(contents.counts[s].values()) for s in ("train", "valid", "test")] == [6, 0, 3]
    assert contents.report["reasons"] == {NOT_IN_LISTS: 3}
    assert contents.report["rows_in"] == 12 and contents.report["rows_out"] == 9
    assert contents.split["rule"].startswith("lists in")
    assert len(contents.split["lists"][0]["sha256"]) == 64


def no_test(folder):
    write_lists(folder, valid=NAMES[:1])


def two_of_a_split(folder):
    write_lists(folder, test=NAMES[:1], test_2=NAMES[1:2])


def not_a_name(folder):
    write_lists(folder, test=[NAMES[0], "quasar 7"])


def in_two(folder):
    write_lists(folder, test=NAMES[:3], valid=NAMES[2:4])


def binary(folder):
    write_lists(folder)
    (folder / "test.lst").write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (no_test, "has no list of test spectra"),
        (two_of_a_split, naming("test", "dr12q_superset_test.lst")),
        (not_a_name, naming("line 2", "'quasar 7'", "plate-mjd-fiber")),
        (in_two, naming("7000-56000-0003", "0 other spectra")),
        (binary, "cannot be read as a list"),
        (lambda folder: folder.touch(), "is not a folder; give the one that holds"),
    ],
)
def test_lists_that_cannot_be_used_are_reported(tmp_path, truth, make, sentence):
    make(tmp_path / "l")
    with pytest.raises(InputError, match=sentence):
        by_lists(tmp_path / "l", truth.fiber, truth.ids["THING_ID"])
