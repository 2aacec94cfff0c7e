"""Catalogs without classes, and columns stored with another type."""

import numpy as np
import pytest
from astropy.io import fits
from make_fits import superset, table, write_catalog
from naming import naming

from data_prep.catalog_columns import read_column
from data_prep.truth import read
from spectranet_jax.readers.fits import open_fits
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.labels import BAL_UNSURE, NOT_BAL, QSO

IDS = {"TARGETID": np.int64([11, 12]), "Z": np.float64([0.5, 0.9])}
KEYS = [(7102, 56666, 1), (7102, 56666, 2)]


def write(path, columns, name=""):
    fits.HDUList([fits.PrimaryHDU(), table(columns, name)]).writeto(path)
    return path


@pytest.mark.parametrize(
    ("name", "extension"),
    [("LRG_N_clustering.dat.fits", ""), ("zall.fits", "ZCATALOG"), ("mine.fits", "")]
    + [(f"{name}.fits", "") for name in ("not_qso", "non-QSO", "galaxies_without_quasars")]
    + [("QSO_targets_rejected.fits", ""), ("DR16Q_Superset_v3.fits", "")],
)
def test_a_table_that_does_not_tell_is_refused(tmp_path, name, extension):
    path = write(tmp_path / name, IDS, extension)
    with pytest.raises(InputError, match=rf"^{path} .*--all-are QSO"):
        read(path)
    truth = read(path, every="GALAXY")
    assert truth.label.tolist() == [1, 1] and truth.bal.tolist() == [NOT_BAL] * 2
    assert truth.ids["TARGETID"].tolist() == [11, 12] and truth.classes == (1,)


@pytest.mark.parametrize(
    ("name", "extension"),
    [("QSO_cat_iron.fits", "ZCATALOG"), ("a.fits", "QSO_CAT"), ("DR16Q_v4.fits", "")],
)
def test_a_quasar_catalog_is_known_by_its_name(tmp_path, name, extension):
    truth = read(write(tmp_path / name, IDS, extension))
    assert truth.label.tolist() == [QSO, QSO] and truth.bal.tolist() == [BAL_UNSURE] * 2


@pytest.mark.parametrize("every", ["", "STAR"])
def test_a_table_that_tells_classes_is_of_no_class_alone(tmp_path, every):
    columns = IDS | {"SPECTYPE": ["GALAXY", "STAR"]}
    path = write_catalog(tmp_path / "QSO_cat.fits", KEYS, columns)
    with pytest.raises(InputError, match=naming("DESI redrock", "ZWARN")):
        read(path, every=every)


def test_plates_and_redshifts_alone_do_not_tell_either(tmp_path):
    path = write_catalog(tmp_path / "c.fits", KEYS, {"Z": np.float64([1, 2])})
    with pytest.raises(InputError, match="--all-are QSO"):
        read(path)
    assert read(path, every="STAR").label.tolist() == [0, 0]


def test_a_warning_beside_the_redshift_counts(tmp_path):
    path = write(tmp_path / "c.fits", IDS | {"ZWARN": np.int64([4, 0])})
    assert read(path, every="QSO").label.tolist() == [-1, QSO]


def test_saying_it_of_a_catalog_that_tells_is_refused(tmp_path):
    path = write_catalog(tmp_path / "c.fits", KEYS, superset([1, 3]))
    with pytest.raises(InputError, match="--all-are STAR"):
        read(path, every="STAR")


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.float64([7102, 7103]), [7102, 7103]),
        (np.float64([7102, np.nan]), [7102, -1]),
        (["7102", " 7103 "], [7102, 7103]),
        (["7102.0", "7103"], [7102, 7103]),
        (["7102", "", "nan"], [7102, -1, -1]),
        (np.int32([7102, 7103]), [7102, 7103]),
    ],
)
def test_whole_numbers_are_whole_however_they_are_stored(tmp_path, stored, expected):
    with open_fits(write(tmp_path / "c.fits", {"PLATE": stored})) as hdus:
        column = read_column(hdus[1], "PLATE")
    assert column.dtype == np.int64 and column.tolist() == expected


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        (np.float64([1, 7102.5]), "'7102.5' in column PLATE, row 2"),
        (["1", "none"], "'none' in column PLATE, row 2"),
        (["1", "9" * 19], "'9{19}' in column PLATE, row 2"),
        (np.float64([1, np.inf]), "'inf' in column PLATE, row 2"),
    ],
)
def test_what_is_no_whole_number_is_reported_with_column_and_row(tmp_path, stored, sentence):
    path = write(tmp_path / "c.fits", {"PLATE": stored})
    with (
        open_fits(path) as hdus,
        pytest.raises(InputError, match=sentence) as error,
    ):
        read_column(hdus[1], "PLATE")
    assert str(error.value).startswith(str(path))


LARGE = 39633345008634465


def test_large_ids_as_text_keep_every_digit_beside_a_missing_one(tmp_path):
    path = write(tmp_path / "c.fits", {"TARGETID": [str(LARGE), "nan"]})
    with open_fits(path) as hdus:
        assert read_column(hdus[1], "TARGETID").tolist() == [LARGE, -1]


@pytest.mark.parametrize(
    "stored",
    [
        np.float64([11, LARGE]),
        np.float32([11, (1 << 24) + 2]),
        ["11", f"{LARGE:.6e}"],
    ],
)
def test_ids_that_a_float_has_rounded_are_refused(tmp_path, stored):
    path = write(tmp_path / "c.fits", {"TARGETID": stored, "Z": np.float64([1, 2])})
    with pytest.raises(InputError, match=naming("column TARGETID", "row 2", "integers")):
        read(path, every="QSO")


@pytest.mark.parametrize(("name", "missing"), [("Z", np.nan), ("TARGETID", -1)])
def test_a_masked_integer_is_none_in_any_column(tmp_path, name, missing):
    column = fits.Column(name, "K", null=999999, array=np.int64([1, 999999]))
    path = tmp_path / "c.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])]).writeto(path)
    with open_fits(path) as hdus:
        np.testing.assert_array_equal(read_column(hdus[1], name), [1, missing])


def written_class(path, code, values):
    column = fits.Column("SPECTYPE", code, array=values)
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])]).writeto(path)
    return path


def test_text_with_bytes_that_are_none_is_read(tmp_path):
    path = written_class(tmp_path / "c.fits", "4A", np.array([b"qso ", b"G\xe9L"]))
    with open_fits(path) as hdus:
        assert read_column(hdus[1], "SPECTYPE").tolist() == ["QSO", "G\ufffdL"]


def test_text_of_variable_length_is_refused(tmp_path):
    """Damage of its lengths would cause gigabytes to be allocated."""
    path = written_class(tmp_path / "c.fits", "PA()", np.array(["QSO", "Stars"], object))
    with open_fits(path) as hdus, pytest.raises(InputError, match=naming("c.fits", "SPECTYPE")):
        read_column(hdus[1], "SPECTYPE")
