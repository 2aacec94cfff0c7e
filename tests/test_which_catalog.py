"""Which catalog a file is recognized as, and the errors for files with none."""

import numpy as np
import pytest
from astropy.io import fits
from make_fits import superset, table, write_catalog, write_coadd, write_spec
from naming import naming

from data_prep.truth import read
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, NOT_BAL, QSO, QSO_BAL

RNG = np.random.default_rng(0)
KEYS = [(7102, 56666, f) for f in range(1, 8)]


def dr12q(n, **columns):
    return {
        "THING_ID": np.int64(np.arange(n) + 50),
        "Z_VI": np.float64([2] * n),
        "BAL_FLAG_VI": np.int32([0] * n),
        "BI_CIV": np.float64([0] * n),
        **columns,
    }


def test_a_null_bal_flag_of_dr12q_is_unsure(tmp_path):
    columns = dr12q(3, BAL_FLAG_VI=np.float64([1, 0, np.nan]))
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:3], columns))
    assert truth.bal.tolist() == [BAL, NOT_BAL, BAL_UNSURE]
    assert truth.label.tolist() == [QSO_BAL, QSO, QSO]


@pytest.mark.parametrize("name", ["DR12Q", "DR14Q"])
def test_a_catalog_of_quasars_has_no_classes(tmp_path, name):
    columns = dr12q(2) | {"Z": np.float64([1, 2]), "ZWARNING": np.int32([0, 0])}
    if name == "DR14Q":
        del columns["BAL_FLAG_VI"]
        columns["SOURCE_Z"] = ["PIPE", "VI"]
    assert read(write_catalog(tmp_path / "q.fits", KEYS[:2], columns)).kinds == (name,)
    columns["CLASS"] = ["STAR", "QSO"]
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:2], columns))
    assert truth.kinds == ("spAll",) and truth.label.tolist() == [0, QSO]


@pytest.mark.parametrize("without", ["", "BI_CIV"])
def test_a_table_that_tells_classes_is_not_said_to_be_of_quasars(tmp_path, without):
    columns = dr12q(1) | {"CLASS_PERSON": np.int32([3])}
    columns.pop(without, None)
    path = write_catalog(tmp_path / "c.fits", KEYS[:1], columns)
    with pytest.raises(InputError, match=naming("Superset_DR12Q", "Z_CONF_PERSON")):
        read(path)


def lacking_a_column(path):
    columns = superset([1, 3])
    del columns["Z_CONF_PERSON"]
    write_catalog(path, KEYS[:2], columns)


def of_numbers_as_text(path):
    write_catalog(path, KEYS[:2], superset([1, 3]) | {"THING_ID": ["1", "none"]})


def a_row_in_a_spectrum(path):
    """A spec file's SPALL says the same as an spAll."""
    columns = {name: np.zeros(9, np.float32) for name in ("flux", "loglam")}
    row = {"CLASS": ["QSO"], "Z": np.float64([2]), "ZWARNING": np.int32([0])}
    write_catalog(path, KEYS[:1], row)
    assert len(read(path)) == 1
    with fits.open(path) as hdus:
        spall = hdus[1].copy()
    hdus = fits.HDUList([fits.PrimaryHDU(), table(columns, "COADD"), spall])
    hdus.writeto(path, overwrite=True)


def without_a_table(path):
    fits.PrimaryHDU(np.zeros(4)).writeto(path)


def of_another_table(path):
    fits.HDUList([fits.PrimaryHDU(), table({"RA": np.float64([1, 2])})]).writeto(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lacking_a_column, "for Superset_DR12Q it lacks Z_CONF_PERSON; give Superset_DR12Q, "),
        (without_a_table, "holds no table; give a catalog like Superset_DR12Q"),
        (of_another_table, "is not a catalog that is read; give Superset_DR12Q"),
        (lambda path: path.write_text("PLATE,MJD\n"), "is not a FITS file"),
        (lambda path: write_spec(path, key_in="table"), "is a spectrum, not a catalog; give a cat"),
        (a_row_in_a_spectrum, "is a spectrum, not a catalog"),
        (lambda path: write_coadd(path, [1], RNG, step=80), "is a spectrum, not a catalog"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda _: None, "does not exist"),
        (of_numbers_as_text, "'none' in column THING_ID, row 2"),
    ],
)
def test_what_is_no_catalog_is_reported(tmp_path, make, sentence):
    make(tmp_path / "c.fits")
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "c.fits")


def test_a_rule_that_a_catalog_cannot_follow_is_reported(tmp_path):
    path = write_catalog(tmp_path / "c.fits", KEYS[:2], superset([1, 3]))
    with pytest.raises(InputError, match=r"BAL flag.*--bal class"):
        read(path, bal="flag-and-bi")


@pytest.mark.parametrize(
    ("rows", "redshift", "sentence"),
    [(0, 1.0, "holds no rows"), (1, "unknown", "'unknown' in column Z_VI, row 1")],
)
def test_a_catalog_that_tells_nothing_is_a_sentence(tmp_path, rows, redshift, sentence):
    content = superset(class_person=[3] * rows) | {"Z_VI": np.array([redshift] * rows)}
    path = write_catalog(tmp_path / "c.fits", KEYS[:rows], content)
    with pytest.raises(InputError, match=sentence):
        read(path)
