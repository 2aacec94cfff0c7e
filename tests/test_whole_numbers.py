"""Whole numbers: one rule for files and for catalogs, which differ in data alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.spectra.whole_numbers import (
    NONE,
    OF_CATALOGS,
    OF_FILES,
    whole_number,
    whole_numbers,
)

NO_WHOLE_NUMBER = (None, 7.5, np.inf, 2.0**53, 2**63, "2021-01-01", "9" * 19, "abc", "1 2")


@pytest.mark.parametrize("rule", [OF_FILES, OF_CATALOGS])
@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7), (-7, -7), (7.0, 7), (" 7 ", 7), ("-7", -7), ("+7", 7), (np.int64(7), 7)]
    + [(2**63 - 1, 2**63 - 1), (2.0**53 - 1, 2**53 - 1)]
    + [(value, None) for value in NO_WHOLE_NUMBER],
)
def test_a_number_is_known_in_every_form(rule, value, number):
    assert whole_number(value, rule) == number


@pytest.mark.parametrize(
    ("value", "of_file", "of_catalog"),
    [("12.0", None, 12), ("1e3", None, 1000), ("3.96e16", None, None), (True, None, 1)],
)
def test_what_catalogs_alone_hold(value, of_file, of_catalog):
    assert whole_number(value, OF_FILES) == of_file
    assert whole_number(value, OF_CATALOGS) == of_catalog
    numbers, wrong = whole_numbers(np.array([value]), OF_CATALOGS)
    assert wrong[0] == (of_catalog is None)
    assert numbers[0] == (NONE if of_catalog is None else of_catalog)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("rule", [OF_FILES, OF_CATALOGS])
def test_the_limit_of_a_float_is_where_it_skips_a_number(dtype, rule):
    limit = {np.float16: 2**11, np.float32: 2**24, np.float64: 2**53}[dtype]
    assert dtype(limit) == dtype(limit + 1)
    cells = np.array([limit - 1, limit, limit + 2, 1 - limit, np.nan, np.inf, 0.5], dtype)
    numbers, wrong = whole_numbers(cells, rule)
    assert wrong.tolist() == [False, True, True, False, False, True, True]
    assert numbers.tolist() == [limit - 1, NONE, NONE, 1 - limit, NONE, NONE, NONE]


@pytest.mark.parametrize(
    ("rule", "missing", "wrong"),
    [(OF_FILES, ["", " NaN", "None", "null", "n/a", "--"], ["12.0", "x"]),
     (OF_CATALOGS, ["", "NAN "], ["none", "null", "inf"])],
)  # fmt: skip
def test_which_texts_mean_none_is_data(rule, missing, wrong):
    numbers, unusable = whole_numbers(np.array([*missing, *wrong, "5"]), rule)
    assert unusable.tolist() == [False] * len(missing) + [True] * len(wrong) + [False]
    assert numbers.tolist() == [NONE] * (len(missing) + len(wrong)) + [5]


def test_null_is_missing_and_large_unsigned_numbers_are_wrong():
    assert whole_numbers(np.int32([1, 9]), null=9)[0].tolist() == [1, NONE]
    numbers, wrong = whole_numbers(np.uint64([1, 2**63, 2**64 - 1]))
    assert wrong.tolist() == [False, True, True] and numbers.tolist() == [1, NONE, NONE]
    assert whole_numbers(np.array([True]))[1].tolist() == [True]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6))
def test_text_keeps_every_digit_in_any_shape(values):
    cells = np.array([str(value) for value in values])
    numbers, wrong = whole_numbers(cells.reshape(1, -1), OF_CATALOGS)
    assert numbers.tolist() == [values] and not wrong.any()
