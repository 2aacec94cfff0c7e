"""Integrated gradients add up, are 0 without data, and mark what matters."""

import csv

import jax
import numpy as np
import pytest

import spectranet_jax as snj
from spectranet_jax.inference import Model
from spectranet_jax.inference.attribution import answers, attributions, log_probability
from spectranet_jax.inference.clean import clean
from spectranet_jax.readers import rebin_all
from spectranet_jax.spectra.labels import BAL, CLASSES, NOT_BAL


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


@pytest.mark.slow
def test_the_parts_of_the_bins_add_up(model, rng):
    flux, ivar = quasars(model, 5, rng)
    values = attributions(model, flux, ivar)
    assert values.shape == flux.shape and (values[ivar == 0] == 0).all()
    kinds = model.columns(flux, ivar)["CLASS"].tolist()
    truth = {
        "label": np.array([CLASSES.index(kind) for kind in kinds], np.int8),
        "bal": np.array([BAL if kind == "QSO_BAL" else NOT_BAL for kind in kinds], np.int8),
        "z_conf": np.zeros(5, np.int8),
        "z": np.full(5, np.nan),
    }
    batch = model.task.targets(truth)
    normalized, *others = model.task.inputs(flux, ivar)
    with jax.default_matmul_precision("float32"):
        ends = [
            np.asarray(log_probability(model, model.variables, (inputs, *others), batch))
            for inputs in (normalized, 0 * normalized)
        ]
    np.testing.assert_allclose(values.sum(axis=1), ends[0] - ends[1], rtol=0.1, atol=0.1)


@pytest.mark.long
def test_other_spectra_of_the_batch_change_nothing(model, rng):
    flux, ivar = quasars(model, 3, rng)
    every = attributions(model, flux, ivar)
    np.testing.assert_allclose(attributions(model, flux[1:2], ivar[1:2])[0], every[1], atol=1e-4)
    assert attributions(model, flux[:0], ivar[:0]).shape == (0, flux.shape[1])


def deletion(marks, ivar, answer, rng):
    """Check marks by deletion of the 10% of bins that are marked most, and of random ones.

    Args:
        marks: (n, bins).
        ivar: (n, bins).
        answer: ivar -> how sure the model is of its answer, (n,).
        rng: of the random bins.

    Returns:
        mean loss by the marked bins, by random ones, the difference, and its 95% interval.
    """
    counts = np.ceil(0.1 * (ivar > 0).sum(axis=1))[:, None]

    def loss(order):
        ranks = np.where(ivar > 0, order, -np.inf).argsort(axis=1)[:, ::-1].argsort(axis=1)
        return answer(ivar) - answer(np.where(ranks < counts, 0, ivar))

    by_marks, by_chance = loss(marks), [loss(rng.random(ivar.shape)) for _ in range(4)]
    difference = by_marks - np.mean(by_chance, axis=0)
    draws = rng.choice(difference, (4000, len(difference))).mean(axis=1)
    interval = np.quantile(draws, [0.025, 0.975])
    return by_marks.mean(), np.mean(by_chance), difference.mean(), *interval


def show(capsys, name, what, losses):
    with capsys.disabled():
        print(
            f"\n{name}: removing the marked 10% of bins lowers {what} by {losses[0]:.3f},"
            f" random ones by {losses[1]:.3f}; difference {losses[2]:.3f}"
            f" ({losses[3]:.3f} to {losses[4]:.3f}, 95%)"
        )


@pytest.mark.long
def test_what_is_marked_matters_more_than_what_is_not(model, shared, rng, capsys):
    """In 200 real spectra the 10% of bins that contribute most to the class are removed."""
    folders = ("boss-dr16-quasars", "boss-dr12-galaxies", "sdss-mixed", "broad-line-quasars")
    files = [p for f in (*folders, "boss-dr12-7102") for p in sorted((shared / f).glob("spec-*"))]
    spectra = [spectrum for path in files[:200] for spectrum in snj.read(path)]
    flux, ivar, _ = clean(*rebin_all(spectra, model.grid), model.grid)
    assert len(flux) == 200
    kinds = model.columns(flux, ivar)["CLASS"].tolist()
    column = np.array([CLASSES.index(kind) for kind in kinds])

    def probability(weight):
        columns = model.columns(flux * (weight > 0), weight)
        return np.stack([columns[f"P_{name}"] for name in CLASSES])[column, np.arange(200)]

    losses = deletion(attributions(model, flux, ivar), ivar, probability, rng)
    show(capsys, model.name, "P(class)", losses)
    assert losses[3] > 0


@pytest.mark.long
def test_what_is_marked_matters_more_to_quasarnet(shared, rng, capsys):
    """It gives no class: of real quasars that it finds, how sure it is of its redshift."""
    model = snj.load(str(shared / "quasarnp" / "test_weights.h5"))
    with (shared / "index.csv").open() as index:
        files = [row["file"] for row in csv.DictReader(index) if row["label"].startswith("QSO")]
    spectra = [spectrum for file in files for spectrum in snj.read(str(shared / file))]
    flux, ivar, _ = clean(*rebin_all(spectra, model.grid), model.grid)
    quasars = model.columns(flux, ivar)["IS_QSO"]
    assert quasars.sum() > 150
    flux, ivar = flux[quasars], ivar[quasars]
    batch = model.task.targets(answers(model.columns(flux, ivar), len(flux)))

    def certainty(weight):
        normalized, *others = model.task.inputs(flux * (weight > 0), weight)
        return np.asarray(log_probability(model, model.variables, (normalized, *others), batch))

    losses = deletion(attributions(model, flux, ivar), ivar, certainty, rng)
    show(capsys, "quasarnet", "ln P(its redshift)", losses)
    assert losses[3] > 0
