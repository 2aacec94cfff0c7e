import numpy as np
import pytest
from make_fits import superset, table, write_catalog

from data_prep.truth import fiber_key, read
from spectranet_jax.spectra import InputError
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
    assert truth.object_id.tolist() == [11, 12, 13, 14, -1, 16, 17]
    assert truth.classes == (0, 1, 2, 3) and len(truth) == 7


@pytest.mark.parametrize("with_class_person", [True, False])
def test_bal_follows_quasarnet_where_flag_and_balnicity_are_given(tmp_path, with_class_person):
    columns = superset(class_person=[30, 3, 3, 30]) | {
        "BAL_FLAG_VI": np.float64([1, 0, 0, 1]),
        "BI_CIV": np.float64([800, 0, 50, 0]),
    }
    if not with_class_person:
        del columns["CLASS_PERSON"], columns["Z_CONF_PERSON"]
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:4], columns))
    assert truth.bal.tolist() == [BAL, NOT_BAL, BAL_UNSURE, BAL_UNSURE]
    assert truth.label.tolist() == [QSO_BAL, QSO, QSO, QSO_BAL]
    assert truth.z_conf.tolist() == [3] * 4
    assert truth.classes == ((0, 1, 2, 3) if with_class_person else (QSO, QSO_BAL))


@pytest.mark.parametrize("options", [{"lower": True}, {"hdu": 3}])
def test_columns_of_any_case_in_any_extension(tmp_path, options):
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:2], superset([1, 30]), **options))
    assert truth.label.tolist() == [0, 3]


def test_join_on_fiber_and_on_object(tmp_path):
    columns = superset(class_person=[1, 4, 3, 30], thing_id=[9, -1, 5, 5])
    truth = read(write_catalog(tmp_path / "c.fits", [*KEYS[:3], (-1, -1, -1)], columns))
    wanted = fiber_key(*np.array([KEYS[2], KEYS[6], KEYS[0], (-1, -1, -1)]).T)
    assert truth.rows_of_fibers(wanted).tolist() == [2, -1, 0, -1]
    assert truth.rows_of_objects(np.array([5, 9, -1, 7])).tolist() == [2, 0, -1, -1]


def test_join_on_an_empty_catalog(tmp_path):
    truth = read(write_catalog(tmp_path / "c.fits", KEYS[:0], superset([])))
    assert truth.rows_of_objects(np.array([5, -1])).tolist() == [-1, -1]


def test_fiber_keys_are_unique(rng):
    parts = [rng.integers(0, high, 5000) for high in (20_000, 70_000, 1001)]
    same = len(np.unique(np.stack(parts), axis=1).T)
    assert len(np.unique(fiber_key(*parts))) == same
    assert fiber_key(np.array([10]), np.array([-1]), np.array([3])).tolist() == [-1]


def test_the_excerpt_of_the_superset(shared):
    truth = read(shared / "boss-dr12-7102" / "Superset_DR12Q-excerpt.fits")
    assert np.bincount(truth.label).tolist() == [13, 2, 23, 2]  # FACTS: 13 STAR, 2 GALAXY, ...
    assert (truth.bal == BAL).sum() == 2 and (truth.bal == NOT_BAL).sum() == 23
    assert (truth.z_conf == 3).all() and np.isfinite(truth.z).all()


def lacking_a_column(path):
    columns = superset([1, 3])
    del columns["Z_CONF_PERSON"]
    write_catalog(path, KEYS[:2], columns)


def without_a_table(path):
    from astropy.io import fits

    fits.PrimaryHDU(np.zeros(4)).writeto(path)


def of_another_table(path):
    from astropy.io import fits

    fits.HDUList([fits.PrimaryHDU(), table({"RA": np.float64([1, 2])})]).writeto(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lacking_a_column, "for Superset_DR12Q it lacks Z_CONF_PERSON; give Superset_DR12Q or"),
        (without_a_table, "holds no table; give a catalog like Superset_DR12Q"),
        (of_another_table, "is not a catalog that is read.*lacks"),
        (lambda path: path.write_text("PLATE,MJD\n"), "cannot be read as FITS"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda _: None, "does not exist"),
    ],
)
def test_what_is_no_catalog_is_told(tmp_path, make, sentence):
    make(tmp_path / "c.fits")
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "c.fits")
