"""A trained model: the catalog that it makes of arrays."""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import toy_runs
import toy_survey
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

import spectranet_jax
from spectranet_jax import networks
from spectranet_jax.inference import Model, load, predict, weights
from spectranet_jax.spectra import CLASSES, InputError, normalize, rebin
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.flags import Flag, median_sn


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_runs.untrained(tmp_path_factory.mktemp("model") / "clf", seed=1)


@pytest.fixture(scope="module")
def classifier(run: Path) -> Model:
    return load(run)


@pytest.fixture(scope="module")
def regressor(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("model") / "z"
    return load(toy_runs.untrained(folder, toy_runs.REGRESSOR, toy_runs.REDSHIFT))


def spectra(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    block = toy_survey.block(count, seed)
    return block.flux, block.ivar


def values(table: Table, *names: str) -> list[Any]:
    """The table's cells as Python values, masked ones as None."""
    return [table[name].tolist() for name in names or table.colnames]


@pytest.mark.slow
def test_predictions_are_the_networks_answers(classifier: Model, regressor: Model):
    flux, ivar = spectra(20)
    table = predict([classifier, regressor], flux, ivar)
    apply = jax.jit(networks.build(**toy_runs.CLASSIFIER, grid=GRID).apply)
    p = np.exp(np.asarray(apply(classifier.variables, normalize(flux, ivar)), np.float64))
    for i, name in enumerate(CLASSES):
        np.testing.assert_allclose(table[f"P_{name}"], p[:, i], atol=1e-6)
    assert table["CLASS"].tolist() == [CLASSES[i] for i in p.argmax(axis=1)]
    apply = jax.jit(networks.build(**toy_runs.REGRESSOR, grid=GRID).apply)
    z = apply(regressor.variables, normalize(flux, ivar))
    alone = predict([regressor], flux, ivar)["Z"]
    np.testing.assert_allclose(alone, np.asarray(z) * 0.5 + 1.25, atol=3e-6)
    np.testing.assert_array_equal(table["SN"], median_sn(flux, ivar, grid=GRID))


def test_neither_filling_nor_company_changes_a_row(classifier: Model, regressor: Model):
    """One spectrum at a time, three, or 300 in any order: the same answers to the last bit."""
    flux, ivar = spectra(300)
    models = [classifier, regressor]
    together = values(predict(models, flux, ivar))
    for rows in ([0], [299], [7, 255, 256], np.random.default_rng(0).permutation(300)):
        apart = values(predict(models, flux[rows], ivar[rows]))
        assert apart == [[column[row] for row in rows] for column in together]


def test_prediction_is_the_same_from_any_float_type_and_for_one_spectrum(classifier: Model):
    flux, ivar = spectra(3)
    expected = values(classifier.predict(flux, ivar))
    assert values(classifier.predict(flux.astype(np.float64), ivar.astype(">f8"))) == expected
    assert values(classifier.predict(flux.tolist(), ivar.tolist())) == expected
    assert values(classifier.predict(flux[0], ivar[0])) == [column[:1] for column in expected]


def test_three_lines_in_a_notebook(classifier: Model):
    loglam = np.log10(np.linspace(3500, 10500, 4000))
    flux = np.sin(loglam * 200) + np.random.default_rng(1).normal(3, 1, 4000)
    single = classifier.predict(*rebin(loglam, flux, np.ones(4000), grid=GRID))
    assert len(single) == 1 and single["FLAGS"][0] == 0
    stacked = np.stack([flux, 2 * flux]), np.stack([np.ones(4000), np.full(4000, 0.25)])
    catalog = classifier.predict(*rebin(loglam, *stacked, grid=GRID))
    assert catalog["FLAGS"].tolist() == [0, 0]
    assert catalog["CLASS"].tolist() == single["CLASS"].tolist() * 2


def test_what_is_never_known_from_arrays_is_masked(classifier: Model):
    table = classifier.predict(*spectra(4))
    for name in ("FILE", "ID", "Z", "Z_ERR", "P_3000", "P_BAL"):
        assert np.ma.getmaskarray(table[name]).all()
    for name in ("CLASS", "P_STAR", "SN", "FLAGS"):
        assert not np.ma.getmaskarray(table[name]).any()


def test_no_spectrum_gives_no_row(classifier: Model):
    assert len(classifier.predict(np.zeros((0, 443)), np.zeros((0, 443)))) == 0


def test_bad_pixels_count_for_nothing_and_are_flagged(classifier: Model):
    flux, ivar = spectra(4)
    ivar[:, 100:120] = 0
    clean = classifier.predict(flux, ivar)
    bad_flux, bad_ivar = flux.astype(np.float64), ivar.astype(np.float64)
    bad_flux[0, 100:120], bad_flux[1, 100:120], bad_flux[2, 100:120] = np.nan, -np.inf, 1e300
    bad_ivar[0, 100:120], bad_ivar[3, 100:110], bad_ivar[3, 110:120] = 1, -1, np.nan
    table = classifier.predict(bad_flux, bad_ivar)
    assert values(table, "CLASS", "P_QSO", "SN") == values(clean, "CLASS", "P_QSO", "SN")
    assert (table["FLAGS"] & Flag.BAD_PIXELS != 0).all()
    assert ((clean["FLAGS"] & Flag.BAD_PIXELS) == 0).all()


def test_dead_and_constant_spectra_are_kept_flagged_and_masked(classifier: Model):
    flux, ivar = spectra(4)
    good = values(classifier.predict(flux[3:], ivar[3:]))
    ivar[0] = 0
    flux[1] = 2.5
    flux[2] = np.nan
    table = classifier.predict(flux, ivar)
    assert len(table) == 4
    assert (table["FLAGS"][:3] & Flag.NO_DATA != 0).all()
    assert table["FLAGS"][3] == 0
    for name in ("CLASS", "P_STAR", "P_GALAXY", "P_QSO", "P_QSO_BAL"):
        assert np.ma.getmaskarray(table[name]).tolist() == [True, True, True, False]
    assert values(table[3:]) == good


EXTREME = st.sampled_from([1e17, -9e17, 1e19, 3e38, -3e38, 1e-40, np.nan, np.inf, 9e34, 0.0])
DAMAGE = st.tuples(st.integers(0, 2), st.slices(443), EXTREME | st.floats(), EXTREME | st.floats())


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.lists(DAMAGE, max_size=6))
def test_whatever_comes_in_what_goes_out_is_a_probability_or_masked(
    classifier: Model, damage: list[tuple[int, slice, float, float]]
):
    flux, ivar = (array.astype(np.float64) for array in spectra(3))
    for row, where, flux_value, ivar_value in damage:
        flux[row, where], ivar[row, where] = flux_value, ivar_value
    table = classifier.predict(flux, ivar)
    assert len(table) == 3
    p = np.ma.stack([table[f"P_{name}"] for name in CLASSES], axis=1)
    masked = np.ma.getmaskarray(p)
    assert (masked == (table["FLAGS"] & Flag.NO_DATA != 0)[:, None]).all()
    np.testing.assert_allclose(p.sum(axis=1).compressed(), 1, atol=1e-5)


def test_a_redshift_holds_for_the_classes_it_was_trained_on(classifier: Model, regressor: Model):
    flux, ivar = spectra(300)
    alone = regressor.predict(flux, ivar)
    assert not np.ma.getmaskarray(alone["Z"]).any()
    both = (predict(m, flux, ivar) for m in ([classifier, regressor], [regressor, classifier]))
    table, reversed_table = both
    assert values(table) == values(reversed_table)
    is_quasar = np.isin(table["CLASS"].tolist(), ["QSO", "QSO_BAL"])
    assert 0 < is_quasar.sum() < 300  # else this would show nothing
    assert (np.ma.getmaskarray(table["Z"]) == ~is_quasar).all()
    assert table["Z"][is_quasar].tolist() == alone["Z"][is_quasar].tolist()
    assert not np.ma.getmaskarray(table["CLASS"]).any()


@pytest.mark.slow
def test_the_redshifts_of_two_models_fill_one_column(tmp_path: Path, classifier: Model):
    quasars, bals = (
        load(toy_runs.untrained(tmp_path / target, toy_runs.REGRESSOR, task, seed=seed))
        for seed, target in enumerate(("qso", "bal"))
        for task in [toy_runs.REDSHIFT | {"target": target}]
    )
    block = toy_survey.block(60)
    table = predict([classifier, quasars, bals], block.flux, block.ivar)
    for name, model in (("QSO", quasars), ("QSO_BAL", bals)):
        rows = np.asarray(table["CLASS"]) == name
        alone = model.columns(block.flux, block.ivar)["Z"]
        np.testing.assert_array_equal(np.asarray(table["Z"])[rows], alone[rows])
        assert not table["Z"].mask[rows].any()
    others = ~np.isin(np.asarray(table["CLASS"]), ["QSO", "QSO_BAL"])
    assert table["Z"].mask[others].all()


def test_masked_pixels_count_for_nothing(classifier: Model):
    block = toy_survey.block(3)
    flux = np.ma.masked_array(block.flux.copy(), mask=False)
    flux[:, 7] = 1e9
    flux[:, 7] = np.ma.masked
    without = block.ivar.copy()
    without[:, 7] = 0
    table, expected = classifier.predict(flux, block.ivar), classifier.predict(block.flux, without)
    np.testing.assert_array_equal(table["P_STAR"], expected["P_STAR"])


@pytest.mark.slow
def test_two_answers_to_one_question_are_refused(tmp_path: Path, classifier: Model):
    other = load(toy_runs.untrained(tmp_path / "other", seed=2))
    flux, ivar = spectra(10)
    with pytest.raises(InputError, match=r"other.* CLASS .*give one"):
        predict([classifier, other], flux, ivar)


@pytest.mark.parametrize("unit", [1e-20, 1e-17, 1e-3, 1e20])
def test_any_unit_of_flux_will_do(classifier: Model, unit: float):
    block = toy_survey.block(20)
    flux, ivar = block.flux.astype(np.float64), block.ivar.astype(np.float64)
    expected = classifier.predict(flux, ivar)
    table = classifier.predict(flux * unit, ivar / unit**2)
    for name in ("P_STAR", "P_QSO", "SN"):
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(table["FLAGS"], expected["FLAGS"])


def test_the_header_tells_where_a_catalog_comes_from(classifier: Model, regressor: Model):
    header = predict([classifier, regressor], *spectra(1)).meta
    assert header["VERSION"] == f"spectranet-jax {spectranet_jax.__version__}"
    assert "443" in header["GRID"] and "3600" in header["GRID"]
    for number, model in enumerate((classifier, regressor), start=1):
        assert header[f"MODEL{number}"] == model.name
        assert header[f"SHA256_{number}"] == weights.sha256(model.variables)
        assert header[f"SEED{number}"] == model.config["seed"]
        assert header[f"DATA{number}"] == model.config["data"]["fingerprint"]
        config = json.loads(header[f"CONFIG{number}"])
        assert config == model.config and config["versions"]["jax"] == jax.__version__


@pytest.mark.parametrize(
    ("flux", "ivar"),
    [((2, 443), (3, 443)), ((2, 442), (2, 442)), ((443, 2), (443, 2)), ((2, 2, 443), (2, 2, 443))],
)
def test_arrays_of_another_shape_are_a_sentence(classifier: Model, flux: tuple, ivar: tuple):
    with pytest.raises(InputError, match=r"\(n, 443\).*from_arrays"):
        classifier.predict(np.ones(flux), np.ones(ivar))
