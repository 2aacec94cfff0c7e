"""Files of a visual inspection: read, written, refused, and joined."""

import csv
import io

import pytest
from answers import FIBER, row, write
from hypothesis import given
from hypothesis import strategies as st

from spectranet_jax.inspection.merging import listed, merge
from spectranet_jax.readers import vi_file
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.labels import CLASSES

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(TEXT | st.sampled_from(["=1+1", "+a", "-b", "@c", "'d", "-0.5", 'a,"b', "é"]), TEXT)
def test_what_is_written_is_read(tmp_path_factory, comment, name):
    answer = row(comment=comment) | {"FILE": name}
    path = write(tmp_path_factory.mktemp("vi") / "a.csv", answer)
    assert vi_file.read(path) == [answer]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text):
    cells = next(csv.reader(io.StringIO(vi_file.written([row(comment=text)]).split("\r\n", 1)[1])))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_columns_of_any_case_and_a_mark_of_utf8_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfid,vi_class,vi_z,vi_quality\nx,STAR,,3\n\n")
    assert vi_file.read(path) == [{"ID": "x", "VI_CLASS": "STAR", "VI_Z": "", "VI_QUALITY": "3"}]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ID,VI_CLASS\nx,QSO\n", "VI_Z, VI_QUALITY"),
        ("ID,VI_CLASS,VI_Z,VI_QUALITY\nx,QUASAR,1,3\n", "'QUASAR'.*VI_CLASS, row 2"),
        ("ID,VI_CLASS,VI_Z,VI_QUALITY\nx,QSO,high,3\n", "'high'.*VI_Z, row 2"),
        ("ID,VI_CLASS,VI_Z,VI_QUALITY\nx,QSO,nan,3\n", "'nan'.*VI_Z"),
        ("ID,VI_CLASS,VI_Z,VI_QUALITY\nx,QSO,1,3\ny,QSO,1,5\n", "'5'.*VI_QUALITY, row 3"),
        ("ID,VI_CLASS,VI_Z,VI_QUALITY\nx,QSO,1\n", "3 cells in row 2"),
        ('ID,VI_CLASS,VI_Z,VI_QUALITY\n"x,QSO,1', "CSV"),
        ("ID,VI_CLASS,VI_Z,VI_QUALITY,vi_z\nx,QSO,1,4,2\n", "several columns VI_Z"),
        ("", "VI_CLASS"),
    ],
)
def test_what_is_no_such_file_is_a_sentence(tmp_path, text, names):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=f"a.csv.*{names}"):
        vi_file.read(path)


def test_a_missing_or_binary_file_is_a_sentence(tmp_path):
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("a.csv", "b.csv"):
        with pytest.raises(InputError, match=name):
            vi_file.read(tmp_path / name)


def test_those_who_agree_are_joined():
    agreed, others = merge(
        [
            [row(comment="BAL?")],
            [row(z="2.102", quality="3", who="ben") | {"FILE": "elsewhere/spec.fits"}],
        ]
    )
    assert others == []
    assert agreed == [
        row(z="2.101", quality="3", who="anna+ben", comment="BAL?") | {"FILE": "a/spec.fits"}
    ]


@pytest.mark.parametrize(
    ("other", "reasons"),
    [
        (row("GALAXY"), ["class"]),
        (row("QSO_BAL"), ["class"]),
        (row(z="2.2"), ["redshift"]),
        (row(z=""), ["redshift"]),
        (row(quality="2"), ["quality"]),
        (row("STAR", "0", "1"), ["class", "redshift", "quality"]),
        (row(z="2.11", quality="3"), []),  # 966 km/s, one step
        (row(z="2.1104"), ["redshift"]),  # 1005 km/s
    ],
)
def test_those_who_differ_are_reported(other, reasons):
    agreed, others = merge([[row()], [other]])
    assert [item.reasons for item in others] == ([reasons] if reasons else [])
    assert len(agreed) == (0 if reasons else 1)
    assert [item["DIFFERS"] for item in listed(others)] == [" ".join(reasons)] * 2 * bool(reasons)


def test_stars_need_no_redshift():
    assert merge([[row("STAR", "")], [row("STAR", "0.0001")]])[1] == []


def test_half_an_answer_is_none():
    agreed, others = merge([[row()], [row("", "", "")], [row("GALAXY", "", "")]])
    assert others == [] and len(agreed) == 1 and agreed[0]["VI_CLASS"] in CLASSES


def test_a_number_is_the_same_however_it_is_written():
    agreed, others = merge([[row()], [row(PLATE="7102", MJD="56666", FIBERID="0082")]])
    assert len(agreed) == 1 and others == []


def test_spectra_without_an_id_are_of_their_objects_and_not_all_one():
    rows = [row(TARGETID=str(number)) | {"ID": "", "FILE": ""} for number in (11, 12)]
    assert len(merge([rows])[0]) == 2
    with pytest.raises(InputError, match="names no spectrum"):
        merge([[row(NAME="x") | {"ID": "", "FILE": ""}]])


def test_exposures_of_one_name_are_reported_apart():
    assert len(merge([[row(ID="7", OCCURRENCE=which) for which in ("1", "2")]])[0]) == 2


def test_spectra_are_reported_apart_by_their_names():
    named = [{"TARGETID": "1", "SURVEY": "sv1"}, {"ID": "x"}, {"ID": "y"}, FIBER]
    assert len(merge([[row(**names) for names in named]])[0]) == 4
