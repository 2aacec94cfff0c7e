import numpy as np
import pytest
import toy_runs
from naming import naming

from spectranet_jax.inference import load
from spectranet_jax.inference.reconfigure import reconfigured
from spectranet_jax.spectra import InputError
from spectranet_jax.tasks.linenet_options import PRIORS, parse_bal_threshold, parse_class_prior


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    linenet = toy_runs.untrained(folder / "linenet", toy_runs.LINENET, {"name": "linenet"})
    return [load(linenet), load(toy_runs.untrained(folder / "classify"))]


@pytest.mark.slow
def test_fields_reach_the_models_that_have_them(models):
    linenet, classifier = reconfigured(models, {"--bal-threshold": 0.8, "--threshold": None})
    assert linenet.task.config["bal_threshold"] == linenet.config["task"]["bal_threshold"] == 0.8
    assert linenet.sha256 == models[0].sha256  # the weights are the same
    assert classifier is models[1]


@pytest.mark.slow
def test_a_prior_reweighs_probabilities(models, rng):
    flux, ivar = rng.normal(2, 1, (5, 443)), np.ones((5, 443))
    (starry, _) = reconfigured(models, {"--class-prior": "0.7,0.1,0.1,0.1"})
    plain, weighted = (model.predict(flux, ivar) for model in (models[0], starry))
    odds = [np.asarray(t["P_STAR"] / t["P_GALAXY"], float) for t in (plain, weighted)]
    np.testing.assert_allclose(odds[1] / odds[0], 7, rtol=1e-4)


def test_a_flag_that_is_not_set_changes_no_model(models):
    assert reconfigured(models, {"--threshold": None}) == models


def test_a_flag_that_no_model_has_is_refused(models):
    with pytest.raises(InputError, match=naming("--threshold", "QuasarNET")):
        reconfigured(models, {"--threshold": 0.3})
    with pytest.raises(InputError, match=naming("--class-prior", "LineNet")):
        reconfigured(models[1:], {"--class-prior": "equal"})


def test_priors_by_name_and_by_number():
    assert (
        sum(parse_class_prior("survey")) == pytest.approx(1)
        and parse_class_prior("equal") == (0.25,) * 4
    )
    assert parse_class_prior("1,1,2,0") == (0.25, 0.25, 0.5, 0)
    # Plate 7102 of Superset_DR12Q: 44 stars, 9 galaxies, 79 quasars, 8 BALs.
    np.testing.assert_allclose(PRIORS["survey"], np.array([44, 9, 79, 8]) / 140, atol=0.006)


@pytest.mark.parametrize("text", ["often", "1,2,3", "1,1,1,-1", "0,0,0,0", "nan,1,1,1", ""])
def test_what_is_no_prior_is_refused(text):
    with pytest.raises(InputError, match=r"--class-prior .*give equal, survey"):
        parse_class_prior(text)


def test_a_threshold_is_a_probability():
    assert parse_bal_threshold(0.3) == 0.3
    with pytest.raises(InputError, match=r"--bal-threshold 1\.5 .*give 0 to 1"):
        parse_bal_threshold(1.5)
