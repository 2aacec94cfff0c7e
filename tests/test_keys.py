"""Keys are equal where spectra and rows are of the same observation, or object."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.spectra.identity import (
    FILE_TEXTS,
    OBJECTS,
    OBSERVATIONS,
    as_arrays,
    file_fields,
    observation_keys,
    pair,
)

PLAIN = ("SURVEY", "PROGRAM", "FOLDER", "PAIR")
TEXTS = {name: st.sampled_from(["a", "b"]) for name in (*PLAIN, *FILE_TEXTS)}
WHOLE = {name: st.integers(1, 2) for name in sorted({*sum(OBSERVATIONS, ())} - {*TEXTS})}
FIELDS = st.fixed_dictionaries(TEXTS | WHOLE | {"HEALPIX": st.integers(0, 1)})


@pytest.mark.slow
@given(FIELDS, st.data())
def test_keys_are_equal_where_all_their_fields_are(first, data):
    """For two spectra that differ in some fields."""
    changed = data.draw(st.sets(st.sampled_from(sorted(first)), max_size=3))
    second = first | {name: data.draw((TEXTS | WHOLE)[name]) for name in sorted(changed)}
    keys, _ = as_arrays([first, second])
    assert (keys >= 0).all()
    expected = [all(first[name] == second[name] for name in fields) for fields in OBSERVATIONS]
    assert (keys[0] == keys[1]).tolist() == expected


@pytest.mark.parametrize("fields", OBSERVATIONS)
def test_a_key_needs_every_one_of_its_fields(fields):
    whole = {name: "a" if name in TEXTS else 1 for name in fields}
    number = OBSERVATIONS.index(fields)
    for name in fields:
        for none in ("",) if name in TEXTS else (0, -1, -999, -(2**31)):
            keys, _ = as_arrays([whole, whole | {name: none}])
            assert keys[0, number] >= 0
            assert (keys[1, number] >= 0) == (name == "HEALPIX" and none == 0)


@pytest.mark.parametrize("odd", ["several", "2021-01-01", "", 10**20, "9" * 30, 12.5, True])
def test_what_is_no_whole_number_is_unknown_in_files_and_in_catalogs(odd):
    row = {"TARGETID": 5, "TILEID": 80, "NIGHT": odd}
    number = OBSERVATIONS.index(("TARGETID", "TILEID", "NIGHT"))
    assert as_arrays([row, row | {"NIGHT": 7}])[0][:, number].tolist()[0] == -1
    (key,) = observation_keys({k: np.full(2, v) for k, v in row.items()}).values()
    assert key.tolist() == [-1, -1]
    assert as_arrays([{"SDSS_ID": odd}])[1].max() == -1


def test_a_number_that_is_written_as_text_is_that_number():
    row = {"TARGETID": 5, "TILEID": 80, "NIGHT": 20210101}
    keys, ids = as_arrays([row, {name: f" {value} " for name, value in row.items()}])
    assert (keys[0] == keys[1]).all() and (ids[0] == ids[1]).all() and keys.max() > 0


@pytest.mark.parametrize("value", [0, -1, -999, -(2**31)])
def test_an_id_that_means_none_is_no_object(value):
    _, ids = as_arrays([{"SDSS_ID": value}, {"SDSS_ID": 5}])
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
    ("first", "second", "shared"),
    [
        ("coadd-main-dark-100.fits", "redrock-main-dark-100.fits.gz", "main-dark-100"),
        ("/x/coadd-4-80613-thru2021.fits.gz", "zbest-4-80613-thru2021.fits", "4-80613-thru2021"),
        ("spec-1-2-3.fits", "spAll.fits", ""),
    ],
)
def test_files_of_spectra_and_their_redshifts_are_pairs(first, second, shared):
    assert pair(first) == pair(second) == shared


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("a/spec.fits", "a/spec.fits.gz", {"FILE_PATH", "FILE_NAME"}),
        (" a/../a/spec.fits", "a/spec.fits", {"FILE_PATH", "FILE_NAME"}),
        ("a/spec.fits", "b/spec.fits", {"FILE_NAME"}),
        ("a/Spec.fits", "a/spec.fits", set()),
        ("", " ", set()),
    ],
)
def test_files_are_known_by_path_and_by_name(first, second, same):
    keys = as_arrays([file_fields(first), file_fields(second)])[0]
    for field in FILE_TEXTS:
        number = OBSERVATIONS.index((field,))
        assert (keys[0, number] == keys[1, number] != -1) == (field in same)
