"""Conditions on a catalog's rows: what is selected, what is refused, and that nothing is run."""

from contextlib import suppress

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.inspection.selecting import select
from spectranet_jax.inspection.where import where
from spectranet_jax.spectra import InputError


@pytest.fixture
def table() -> Table:
    return Table(
        {
            "CLASS": np.array([b"QSO", b"STAR", b"GALAXY", b"QSO"]),
            "Z": MaskedColumn([2.5, 0.0, 0.4, 0.9], mask=[False, True, False, False]),
            "P_3000": MaskedColumn([0.9, 0.0, 0.6, 0.3], mask=[False, True, False, False]),
            "FLAGS": np.int32([0, 16, 4, 20]),
        }
    )


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("CLASS == 'QSO' and Z > 2", [0]),
        ("CLASS == 'QSO' or Z < 0.5", [0, 2, 3]),
        ("CLASS in ('QSO', 'STAR')", [0, 1, 3]),
        ("CLASS not in ['QSO']", [1, 2]),
        ("not Z > 0.5", [2]),  # a masked redshift is neither
        ("Z > 0.5 or CLASS == 'STAR'", [0, 1, 3]),  # masked or true is true
        ("not (Z > 0.5 and CLASS == 'QSO')", [1, 2]),  # masked and false is false
        ("0.3 < Z < 1", [2, 3]),
        ("FLAGS & 16 != 0", [1, 3]),
        ("abs(Z - 1) < 0.2", [3]),
        ("Z / P_3000 > 2.9", [3]),
        ("-Z < -1", [0]),
        ("Z / 0 > 1", []),
    ],
)
def test_rows_are_chosen(table, condition, rows):
    assert np.flatnonzero(where(table, condition)).tolist() == rows


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("", "--where"),
        ("Z >", "--where"),
        ("Z", "Z"),
        ("NOPE > 1", "NOPE"),
        ("CLASS > 1", "CLASS"),
        ("CLASS + 1 > 1", "CLASS"),
        ("__import__('os').system('touch hacked') == 0", "__import__"),
        ("Z.__class__ == 'x'", "__class__"),
        ("[x for x in 'a'] == 'a'", "for x"),
        ("(lambda: 1)() == 1", "lambda"),
        ("abs(Z, Z) > 1", "abs"),
        ("Z ** 9 > 1", "9"),
        ("Z is 1", "Z"),
        ("Z in 3", "3"),
        ("(" * 500 + "Z" + ")" * 500, "--where"),
        ("Z > 1\0", "--where"),
        ("Z > 1" + " or Z > 1" * 999, "--where"),
    ],
)
def test_what_is_no_condition_is_a_sentence(table, condition, names):
    with pytest.raises(InputError, match="--where") as refused:
        where(table, condition)
    assert names in str(refused.value) and "\n" not in str(refused.value)


@given(st.text(st.sampled_from("Z CLAS'<>=!&|()[]{}.,+-*/0123456789andortif_:@"), max_size=60))
def test_no_text_breaks_it(text):
    table = Table({"Z": [1.0], "CLASS": ["QSO"]})
    with suppress(InputError):
        assert where(table, text).shape == (1,)


def test_the_least_sure_come_first_and_those_without_prediction_last():
    p = np.float32([0.99, 0.5, 0.4, np.nan, 0.98])
    table = Table({"P_STAR": p, "P_GALAXY": 1 - p, "P_QSO": 0 * p, "P_QSO_BAL": 0 * p})
    table["P_3000"] = MaskedColumn([0.9, 0.9, 0.9, 0, 0.1], mask=[False, False, True, True, False])
    assert select(table).tolist() == [1, 4, 2, 0, 3]
    assert select(table, uncertain=2).tolist() == [1, 4]
    assert select(table, "P_STAR > 0.45", uncertain=2).tolist() == [1, 4]


def test_a_random_choice_is_repeatable_and_within_the_condition():
    table = Table({"P_3000": np.linspace(0, 1, 200)})
    rows = select(table, "P_3000 > 0.5", random=20, seed=3)
    assert len(set(rows.tolist())) == 20 and rows.min() >= 100
    assert rows.tolist() == select(table, "P_3000 > 0.5", random=20, seed=3).tolist()
    assert rows.tolist() != select(table, "P_3000 > 0.5", random=20, seed=4).tolist()
    assert len(select(table, random=999)) == 200


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"uncertain": 1, "random": 1}, "--random"),
        ({"uncertain": 0}, "--uncertain"),
        ({"condition": "Z > 5"}, "Z > 5"),
    ],
)
def test_an_empty_or_contradictory_choice_is_a_sentence(table, arguments, names):
    with pytest.raises(InputError, match=names):
        select(table, **arguments)


def test_a_column_with_a_like_name_is_advised_and_else_all_are_listed():
    table = Table({name: [1.0] for name in (*(f"EV_{i}" for i in range(30)), "P_3000", "Z")})
    with pytest.raises(InputError, match=r"P3000 is not a column.*P_3000\?"):
        select(table, "P3000 > 0.5")
    with pytest.raises(InputError, match=r"MAGNITUDE.*EV_0.*EV_29, P_3000, Z"):
        select(table, "MAGNITUDE > 1")
