"""Identities of the rows in catalogs of DESI, and of redrock on BOSS plates."""

import numpy as np
import pytest
from astropy.io import fits
from make_fits import table
from naming import naming

from data_prep.truth import read
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.identity import FIBER, fiber_key
from spectranet_jax.spectra.labels import QSO

OF_BOSS = [7102 * 10**9 + 56666 * 10**4 + fiber for fiber in (1, 2, 3)]
OF_DESI = [39633345008634465, 39633345008634466]


def redrock(path, ids, **columns):
    n = len(ids)
    content = {"TARGETID": np.int64(ids), "Z": np.float64([1] * n), "ZWARN": np.int64([0] * n)}
    content |= {"SPECTYPE": ["QSO"] * n} | columns
    fits.HDUList([fits.PrimaryHDU(), table(content)]).writeto(path)
    return path


def test_a_number_of_a_boss_plate_names_a_spectrum_and_no_object(tmp_path):
    truth = read(redrock(tmp_path / "r.fits", [*OF_BOSS, -1]))
    fibers = fiber_key(np.full(3, 7102), np.full(3, 56666), np.array([1, 2, 3]))
    assert truth.keys[FIBER].tolist() == [*fibers, -1]
    assert truth.ids["TARGETID"].tolist() == [-1] * 4


def test_a_number_of_desi_that_looks_like_one_of_boss_is_an_object(tmp_path):
    ids = [OF_BOSS[0], *OF_DESI]
    truth = read(redrock(tmp_path / "r.fits", ids))
    assert truth.ids["TARGETID"].tolist() == ids
    assert (truth.fiber == -1).all()


def test_a_table_of_boss_with_another_number_is_reported_with_its_row(tmp_path):
    path = redrock(tmp_path / "r.fits", [*OF_BOSS, 7102 * 10**9 + 56666 * 10**4])
    with pytest.raises(InputError, match=naming(path, "row 4", 7102566660000, "remove the row")):
        read(path)


def test_the_mean_mjd_of_a_desi_catalog_names_nothing(tmp_path):
    truth = read(redrock(tmp_path / "r.fits", OF_DESI, MJD=np.float64([59146.5, 59147.2])))
    assert truth.ids["TARGETID"].tolist() == OF_DESI and (truth.fiber == -1).all()


def test_capitals_of_objtype_do_not_matter(tmp_path):
    truth = read(redrock(tmp_path / "r.fits", OF_DESI, OBJTYPE=["sky", "tgt"]))
    assert truth.label.tolist() == [-1, QSO]
