import numpy as np
import pytest
from astropy.io import fits
from make_fits import superset, table, write_catalog

from data_prep.truth import read
from spectranet_jax.spectra.identity import FIBER, fiber_key
from spectranet_jax.spectra.labels import BAL, BAL_UNSURE, NOT_BAL, QSO, QSO_BAL

KEYS = [(7102, 56666, f) for f in range(1, 8)]


def test_classes_and_redshifts_of_a_superset(tmp_path):
    columns = superset(
        class_person=[1, 4, 3, 30, 0, 50, 3],
        z=[-0.001, 0.3, 2.5, 1.9, -1, 0.5, np.nan],
        z_conf=[3, 2, 3, 3, 0, 1, 3],
        thing_id=[11, 12, 13, 14, -1, 16, 17],
    )
    truth = read(write_catalog(tmp_path / "c.fits", KEYS, columns))
    assert truth.label.tolist() == [0, 1, 2, 3, -1, -1, 2]
    assert truth.bal.tolist() == [0, 0, NOT_BAL, BAL, 0, 0, NOT_BAL]
    np.testing.assert_array_equal(truth.z, [-0.001, 0.3, 2.5, 1.9, np.nan, 0.5, np.nan])
    assert truth.z_conf.tolist() == [3, 2, 3, 3, 0, 1, 0]  # a missing redshift is not secure
    assert truth.ids["THING_ID"].tolist() == [11, 12, 13, 14, -1, 16, 17]
    assert truth.classes == (0, 1, 2, 3) and len(truth) == 7


@pytest.mark.parametrize("with_class_person", [True, False])
def test_bal_follows_quasarnet_where_flag_and_balnicity_are_given(tmp_path, with_class_person):
    columns = superset(class_person=[30, 3, 3, 30]) | {
        "BAL_FLAG_VI": np.float64([1, 0, 0, 1]),
        "BI_CIV": np.float64([800, 0, 50, 0]),
    }
    if not with_class_person:
        del columns["CLASS_PERSON"], columns["Z_CONF_PERSON"]
    path = write_catalog(tmp_path / "c.fits", KEYS[:4], columns)
    assert read(path, bal="class").bal.tolist() == [BAL, NOT_BAL, NOT_BAL, BAL]
    truth = read(path, bal="flag-and-bi")
    assert truth.bal.tolist() == [BAL, NOT_BAL, BAL_UNSURE, BAL_UNSURE]
    assert truth.label.tolist() == [QSO_BAL, QSO, QSO, QSO_BAL]
    assert truth.z_conf.tolist() == [3] * 4
    assert truth.classes == ((0, 1, 2, 3) if with_class_person else (QSO, QSO_BAL))


@pytest.mark.parametrize("options", [{"lower": True}, {"hdu": 3}])
def test_columns_of_any_case_in_any_extension(tmp_path, options):
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:2], superset([1, 30]), **options))
    assert truth.label.tolist() == [0, 3]


def by_fiber(truth, keys):
    rows, by_object = truth.rows_of({FIBER: keys}, {})
    assert not by_object.any()
    return rows.tolist()


def by_object(truth, name, ids):
    rows, by_object = truth.rows_of({}, {name: np.array(ids)})
    assert (by_object == (rows >= 0)).all()
    return rows.tolist()


def test_join_on_fiber_and_on_object(tmp_path):
    columns = superset(class_person=[1, 4, 3, 30], thing_id=[9, -1, 5, 5])
    truth = read(write_catalog(tmp_path / "c.fits", [*KEYS[:3], (-1, -1, -1)], columns))
    wanted = fiber_key(*np.array([KEYS[2], KEYS[6], KEYS[0], (-1, -1, -1)]).T)
    assert by_fiber(truth, wanted) == [2, -1, 0, -1]
    assert by_object(truth, "THING_ID", [5, 9, -1, 7]) == [2, 0, -1, -1]


def test_fiber_keys_are_unique(rng):
    parts = [rng.integers(1, high, 5000) for high in (20_000, 70_000, 1001)]
    same = len(np.unique(np.stack(parts), axis=1).T)
    assert len(np.unique(fiber_key(*parts))) == same
    for none in (0, -1):
        assert fiber_key(np.array([10]), np.array([none]), np.array([3])).tolist() == [-1]


def test_the_excerpt_of_the_superset(shared):
    truth = read(shared / "boss-dr12-7102" / "Superset_DR12Q-excerpt.fits")
    assert np.bincount(truth.label).tolist() == [13, 2, 23, 2]  # 13 STAR, 2 GALAXY, ...
    assert (truth.bal == BAL).sum() == 2 and (truth.bal == NOT_BAL).sum() == 23
    assert (truth.z_conf == 3).all() and np.isfinite(truth.z).all()


def dr16q(n, **columns):
    return {
        "THING_ID": np.int64(np.arange(n) + 50),
        "Z": np.float64(np.arange(n) / 10),
        "SOURCE_Z": ["VI"] * n,
        "Z_CONF": np.int32([3] * n),
        "CLASS_PERSON": np.int32([3] * n),
        "IS_QSO_FINAL": np.int32([1] * n),
        "ZWARNING": np.int32([0] * n),
        **columns,
    }


def test_dr16q_takes_the_inspector_before_the_pipeline(tmp_path):
    columns = dr16q(
        6,
        CLASS_PERSON=np.int32([30, 3, 0, 0, 0, 50]),
        SOURCE_Z=["VI", "VI", "PIPE", "PIPE", "DR12Q", "VI"],
        Z_CONF=np.int32([2, 3, -1, -1, -1, 3]),
        ZWARNING=np.int32([4, 4, 0, 4, 4, 0]),
        BAL_PROB=np.float64([0.9, 0.9, 0.9, 0.1, -1, 0.9]),
        BI_CIV=np.float64([500, 0, 500, 0, 0, 500]),
    )
    path = write_catalog(tmp_path / "c.fits", KEYS[:6], columns)
    truth = read(path)
    assert truth.kinds == ("DR16Q",)
    assert truth.label.tolist() == [QSO_BAL, QSO, QSO, QSO, QSO, -1]
    assert truth.bal.tolist() == [BAL, NOT_BAL, 0, 0, 0, 0]
    assert truth.z_conf.tolist() == [2, 3, 3, 0, 3, 3]
    truth = read(path, bal="flag-and-bi")
    assert truth.bal.tolist() == [BAL, 0, BAL, NOT_BAL, 0, BAL]
    assert truth.label.tolist() == [QSO_BAL, QSO, QSO_BAL, QSO, QSO, -1]


def test_the_dr16q_superset_has_stars_and_galaxies(tmp_path):
    columns = dr16q(
        5,
        CLASS_PERSON=np.int32([1, 0, 0, 0, 0]),
        IS_QSO_FINAL=np.int32([0, 0, 0, 1, 0]),
        AUTOCLASS_PQN=["VI", "STAR", "GALAXY", "QSO", "UNK"],
        Z=np.float64([0, -999, 0.3, 2, 1]),
    )
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:5], columns))
    assert truth.kinds == ("DR16Q_Superset",) and truth.classes == (0, 1, 2, 3)
    assert truth.label.tolist() == [0, 0, 1, 2, -1]
    assert np.isnan(truth.z).tolist() == [False, True, False, False, False]


def test_further_spectra_of_an_object_are_found_by_their_fibers(tmp_path):
    columns = {
        "THING_ID": np.int64([1, 2]),
        "Z_VI": np.float64([2, 3]),
        "BAL_FLAG_VI": np.int32([0, 1]),
        "BI_CIV": np.float64([0, 9]),
        "PLATE_DUPLICATE": np.int32([[-1, -1], [4000, 4001]]),
        "MJD_DUPLICATE": np.int32([[-1, -1], [55000, 55001]]),
        "FIBERID_DUPLICATE": np.int32([[0, 0], [7, 8]]),
    }
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:2], columns))
    wanted = fiber_key(*np.array([KEYS[0], KEYS[1], (4001, 55001, 8), (4000, 55000, 8)]).T)
    assert by_fiber(truth, wanted) == [0, 1, 1, -1]
    rows, alone = truth.rows_of({FIBER: wanted}, {"THING_ID": np.array([2, 2, 2, 1])})
    assert rows.tolist() == [0, 1, 1, 0]  # the fiber first, then the object
    assert alone.tolist() == [False, False, False, True]


def test_several_catalogs_are_one_and_the_confident_row_counts(tmp_path):
    first, second = (
        superset([3], z=[2.0], z_conf=[1], thing_id=[5]),
        superset([3, 4], thing_id=[5, 6]),
    )
    a = write_catalog(tmp_path / "a.fits", KEYS[:1], first)
    b = write_catalog(tmp_path / "b.fits", KEYS[1:3], second)
    truth = read(a, b)
    assert len(truth) == 3 and by_object(truth, "THING_ID", [5, 6]) == [1, 2]


def test_a_pipeline_that_warns_tells_nothing(tmp_path):
    columns = {
        "CLASS": ["STAR", "GALAXY", "QSO", "QSO"],
        "Z": np.float32([0, 0.5, 2, 3]),
        "ZWARNING": np.int32([0, 0, 0, 4]),
    }
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:4], columns))
    assert truth.kinds == ("spAll",)
    assert truth.label.tolist() == [0, 1, 2, -1] and truth.z_conf.tolist() == [3, 3, 3, 0]


def test_dr18_is_joined_on_the_catalogid(tmp_path):
    columns = {
        "FIELD": np.int32([15000]),
        "CATALOGID": np.int64([27021598056513661]),
        "CLASS": ["QSO"],
        "Z": np.float32([1.5]),
        "ZWARNING": np.int32([0]),
    }
    fits.HDUList([fits.PrimaryHDU(), table(columns)]).writeto(tmp_path / "c.fits")
    truth = read(tmp_path / "c.fits")
    assert by_object(truth, "CATALOGID", [27021598056513661]) == [0]
    assert truth.fiber.tolist() == [-1]


@pytest.mark.slow
def test_real_catalogs_of_every_kind(shared):
    folder = shared / "formats"
    dr14 = read(folder / "DRQ_Pk1D.fits")  # an early DR14Q, without BI_CIV
    assert dr14.kinds == ("DR14Q",) and (dr14.label == QSO).all() and (dr14.z_conf == 3).all()
    np.testing.assert_allclose(dr14.z[0], 2.484, atol=1e-6)
    pipeline = read(folder / "spAll-plate3655.fits")
    assert pipeline.kinds == ("spAll",) and len(pipeline) == 93
    assert (pipeline.label >= 0).sum() == (pipeline.z_conf == 3).sum() == 92  # one has ZWARNING 4
    redrock = read(folder / "redrock-4-80613-thru20210324.fits")
    assert redrock.label.tolist() == [1] and redrock.ids["TARGETID"].tolist() == [39633345008634465]
    np.testing.assert_allclose(redrock.z, 0.36874355, atol=1e-8)
    quasars = read(folder / "QSO_cat_fuji_dark_tile.fits.gz")
    assert quasars.kinds == ("catalog of QSO alone",) and len(quasars) == 10
