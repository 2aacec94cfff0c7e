"""The page's list of contradictions and its intervals: numbers by independent means."""

import numpy as np
import pytest
from scipy import stats

from experiments.reporting.contradictions import contradictions
from experiments.reporting.estimate import difference, estimate
from experiments.reporting.layers_table import layers
from spectranet_jax.spectra import QUASARNET_GRID


def test_each_contradiction_shows_its_computation() -> None:
    text = [" ".join(sentence) for sentence in contradictions()]
    for numbers in (
        ("4,096", "16,000", "5,800"),
        ("48,000", "12 chunks", "24,000 are 6"),
        ("443 217 108 50 25 8 4", "18 × 100 = 1,800", "18 × 256 = 4,608"),
        ("84%", "93%", "89.76%"),
        ("0.8225", "0.8714", "that of QSO repeats"),
        ("16,144", "16,000"),
        ("STAR", "GALAXY", "QSO"),
        ("√0.0172 = 0.131", "√1.72 = 1.31 < 10.1"),
    ):
        assert sum(all(number in sentence for number in numbers) for sentence in text) == 1, numbers


def test_an_interval_is_students(rng: np.random.Generator) -> None:
    values = rng.normal(0.8, 0.02, 3)
    single = estimate(values.tolist())
    low, high = stats.t.interval(0.95, 2, loc=values.mean(), scale=stats.sem(values))
    assert (single.mean, single.low, single.high) == pytest.approx((values.mean(), low, high))
    shifted = difference(single, estimate((values + 0.1).tolist()))
    assert (shifted.low, shifted.mean, shifted.high) == pytest.approx((0.1, 0.1, 0.1))


@pytest.mark.slow
def test_layers_of_the_networks_as_built() -> None:
    built = layers("SpectraNetClassifier", QUASARNET_GRID)
    assert [layer.shape for layer in built[:5]] == [
        *((443,), (216, 100), (103, 100), (46, 100), (18, 100))
    ]
    assert built[-1].parameters == sum(layer.parameters for layer in built[:-1]) == 330_316
    assert layers("SpectraNetRegressor", QUASARNET_GRID)[-1].parameters == 1_658_593
