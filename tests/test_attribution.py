"""Integrated gradients: they add up, stay where there are data, and mark what matters."""

import jax
import numpy as np
import pytest

import spectranet_jax as snj
from spectranet_jax.inference import Model
from spectranet_jax.inference.attribution import attributions, log_probability
from spectranet_jax.inference.clean import clean
from spectranet_jax.readers import rebin_all
from spectranet_jax.spectra.labels import CLASSES


@pytest.fixture(scope="module", params=["linenet", "classifier"])
def model(request: pytest.FixtureRequest) -> Model:
    return snj.load(request.param)


def quasars(model, count, rng):
    """Broad lines on a blue continuum, with noise and a gap."""
    wavelength = model.grid.centers
    z = np.linspace(1.8, 2.4, count)[:, None]
    flux = (wavelength / 6000) ** -1.5 + sum(
        strength * np.exp(-0.5 * ((wavelength / (1 + z) - rest) / 20) ** 2)
        for rest, strength in ((1215.7, 4), (1549.1, 2), (1908.7, 1), (2798.8, 1))
    )
    flux = flux + rng.normal(0, 0.1, flux.shape)
    ivar = np.full_like(flux, 100)
    ivar[:, 200:210] = 0
    return clean(flux, ivar, model.grid)[:2]


def test_the_parts_of_the_bins_add_up(model, rng):
    flux, ivar = quasars(model, 5, rng)
    found = attributions(model, flux, ivar)
    assert found.shape == flux.shape and (found[ivar == 0] == 0).all()
    kinds = model.columns(flux, ivar)["CLASS"].tolist()
    truth = {
        "label": np.array([CLASSES.index(kind) for kind in kinds], np.int8),
        **{name: np.zeros(5, np.int8) for name in ("bal", "z_conf")},
        "z": np.full(5, np.nan),
    }
    batch = model.task.targets(truth)
    normalized, *others = model.task.inputs(flux, ivar)
    with jax.default_matmul_precision("float32"):
        ends = [
            np.asarray(log_probability(model, model.variables, (inputs, *others), batch))
            for inputs in (normalized, 0 * normalized)
        ]
    np.testing.assert_allclose(found.sum(axis=1), ends[0] - ends[1], rtol=0.05, atol=0.1)


def test_other_spectra_of_the_batch_change_nothing(model, rng):
    flux, ivar = quasars(model, 3, rng)
    every = attributions(model, flux, ivar)
    np.testing.assert_allclose(attributions(model, flux[1:2], ivar[1:2])[0], every[1], atol=1e-4)
    assert attributions(model, flux[:0], ivar[:0]).shape == (0, flux.shape[1])


def drop(model, flux, ivar, marked, column):
    """Probability that is lost where marked bins are removed, (n,)."""
    without = np.where(marked, 0, ivar)
    rows = np.arange(len(flux))
    before, after = (
        np.stack([model.columns(flux * (weight > 0), weight)[f"P_{name}"] for name in CLASSES])
        for weight in (ivar, without)
    )
    return before[column, rows] - after[column, rows]


@pytest.mark.long
def test_what_is_marked_matters_more_than_what_is_not(model, shared, rng, capsys):
    """Of 200 real spectra the 10% of bins that speak most for the class are removed."""
    folders = ("boss-dr16-quasars", "boss-dr12-galaxies", "sdss-mixed", "broad-line-quasars")
    files = [p for f in (*folders, "boss-dr12-7102") for p in sorted((shared / f).glob("spec-*"))]
    spectra = [spectrum for path in files[:200] for spectrum in snj.read(path)]
    flux, ivar, _ = clean(*rebin_all(spectra, model.grid), model.grid)
    assert len(flux) == 200
    kinds = model.columns(flux, ivar)["CLASS"].tolist()
    column = np.array([CLASSES.index(kind) for kind in kinds])
    marks = np.where(ivar > 0, attributions(model, flux, ivar), -np.inf)
    counts = np.ceil(0.1 * (ivar > 0).sum(axis=1))[:, None]
    marked = marks.argsort(axis=1)[:, ::-1].argsort(axis=1) < counts
    ours = drop(model, flux, ivar, marked, column)
    others = []
    for _ in range(4):
        order = np.where(ivar > 0, rng.random(ivar.shape), 2).argsort(axis=1).argsort(axis=1)
        others.append(drop(model, flux, ivar, order < counts, column))
    difference = ours - np.mean(others, axis=0)
    draws = rng.choice(difference, (4000, 200)).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    with capsys.disabled():
        print(
            f"\n{model.name}: removing the marked 10% of bins lowers P(class) by {ours.mean():.3f},"
            f" random ones by {np.mean(others):.3f}; difference {difference.mean():.3f}"
            f" ({low:.3f} to {high:.3f}, 95%)"
        )
    assert low > 0
