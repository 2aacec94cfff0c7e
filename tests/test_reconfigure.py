import numpy as np
import pytest
import toy_runs
from naming import naming

from spectranet_jax.inference import load
from spectranet_jax.inference.reconfigure import class_prior, probability, reconfigured
from spectranet_jax.spectra import InputError
from spectranet_jax.tasks.linenet import PRIORS


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    linenet = toy_runs.untrained(folder / "linenet", toy_runs.LINENET, {"name": "linenet"})
    return [load(linenet), load(toy_runs.untrained(folder / "classify"))]


def test_fields_reach_the_models_that_have_them(models):
    linenet, classifier = reconfigured(models, {"bal_threshold": 0.8, "threshold": None})
    assert linenet.task.config["bal_threshold"] == linenet.config["task"]["bal_threshold"] == 0.8
    assert linenet.sha256 == models[0].sha256  # the weights are the same
    assert classifier is models[1]


def test_a_prior_reweighs_probabilities(models, rng):
    flux, ivar = rng.normal(2, 1, (5, 443)), np.ones((5, 443))
    prior = class_prior("0.7,0.1,0.1,0.1")
    (starry, _) = reconfigured(models, {"prior": prior})
    plain, weighted = (model.predict(flux, ivar) for model in (models[0], starry))
    odds = [np.asarray(t["P_STAR"] / t["P_GALAXY"], float) for t in (plain, weighted)]
    np.testing.assert_allclose(odds[1] / odds[0], 7, rtol=1e-4)


@pytest.mark.parametrize(
    "field, value, words",
    [("threshold", 0.3, ("--threshold", "QuasarNET")), ("nothing", None, ())],
)
def test_a_field_that_no_model_has_is_told(models, field, value, words):
    if value is None:
        assert reconfigured(models, {field: value}) == models
        return
    with pytest.raises(InputError, match=naming(*words)):
        reconfigured(models, {field: value})


def test_priors_by_name_and_by_number():
    assert class_prior(None) is None
    assert sum(class_prior("survey")) == pytest.approx(1) and class_prior("equal") == (0.25,) * 4
    assert class_prior("1,1,2,0") == (0.25, 0.25, 0.5, 0)
    # Plate 7102 of Superset_DR12Q: 44 stars, 9 galaxies, 79 quasars, 8 BALs.
    np.testing.assert_allclose(PRIORS["survey"], np.array([44, 9, 79, 8]) / 140, atol=0.006)


@pytest.mark.parametrize("text", ["often", "1,2,3", "1,1,1,-1", "0,0,0,0", "nan,1,1,1", ""])
def test_what_is_no_prior_is_told(text):
    with pytest.raises(InputError, match=naming("give equal", "survey", "four numbers")):
        class_prior(text)


def test_a_threshold_is_a_probability():
    assert probability("--bal-threshold", 0.3) == 0.3 and probability("--x", None) is None
    with pytest.raises(InputError, match=naming("--bal-threshold", 1.5, "0 to 1")):
        probability("--bal-threshold", 1.5)
