"""Catalogs that do not tell classes, and columns that are stored as something else."""

import numpy as np
import pytest
from astropy.io import fits
from make_fits import superset, table, write_catalog

from data_prep.columns import meant
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
    [("LRG_N_clustering.dat.fits", ""), ("zall.fits", "ZCATALOG"), ("mine.fits", "")],
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
    [("QSO_cat_iron.fits", "ZCATALOG"), ("a.fits", "QSO_CAT"), ("dr1-quasars.fits", "")],
)
def test_a_quasar_catalog_is_known_by_its_name(tmp_path, name, extension):
    truth = read(write(tmp_path / name, IDS, extension))
    assert truth.label.tolist() == [QSO, QSO] and truth.bal.tolist() == [BAL_UNSURE] * 2


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
    ("stored", "found"),
    [
        (np.float64([7102, 7103]), [7102, 7103]),
        (np.float64([7102, np.nan]), [7102, -1]),
        (["7102", " 7103 "], [7102, 7103]),
        (["7102.0", "7103"], [7102, 7103]),
        (np.int32([7102, 7103]), [7102, 7103]),
    ],
)
def test_whole_numbers_are_whole_however_they_are_stored(tmp_path, stored, found):
    with open_fits(write(tmp_path / "c.fits", {"PLATE": stored})) as hdus:
        column = meant(hdus[1], "PLATE", slice(None))
    assert column.dtype == np.int64 and column.tolist() == found


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (np.float64([1, 7102.5]), "'7102.5' in column PLATE, row 2"),
        (["1", "none"], "'none' in column PLATE, row 2"),
        (["1", ""], "'' in column PLATE, row 2"),
        (np.float64([1, np.inf]), "'inf' in column PLATE, row 2"),
    ],
)
def test_what_is_no_whole_number_is_told_with_column_and_row(tmp_path, stored, told):
    path = write(tmp_path / "c.fits", {"PLATE": stored})
    with (
        open_fits(path) as hdus,
        pytest.raises(InputError, match=told) as error,
    ):
        meant(hdus[1], "PLATE", slice(None))
    assert str(error.value).startswith(str(path))


def test_large_ids_as_text_keep_every_digit(tmp_path):
    with open_fits(write(tmp_path / "c.fits", {"TARGETID": ["39633345008634465", "1"]})) as hdus:
        assert meant(hdus[1], "TARGETID", slice(None)).tolist() == [39633345008634465, 1]
