"""Coverage and CRPS of p(z): closed forms, numerical integrals, and draws of the posteriors."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spectranet_jax.evaluation.posterior import cdf
from spectranet_jax.evaluation.posterior_scores import (
    central_level,
    crps,
    highest_density_level,
    scores,
)
from spectranet_jax.evaluation.scores_json import to_json
from spectranet_jax.spectra import InputError

EDGES = np.linspace(-0.005, 0.815, 821)
WIDTH = 1e-3
KMS = 299_792.458 * np.log(10)
"""km/s per unit of log10(1 + z)."""


def draws(p: np.ndarray, edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A redshift of each posterior, uniform in log10(1 + z) within its bin."""
    total = np.cumsum(p, axis=1) / p.sum(axis=1, keepdims=True)
    index = (total < rng.random((len(p), 1))).sum(axis=1)
    return 10 ** (edges[index] + rng.random(len(p)) * np.diff(edges)[index]) - 1


def lumpy(n: int, rng: np.random.Generator) -> np.ndarray:
    """Posteriors of a few bins each, several of them equal, two to four peaks."""
    p = np.zeros((n, 820))
    for _ in range(4):
        p[np.arange(n), rng.integers(0, 820, n)] += rng.integers(0, 3, n)
        at = rng.integers(0, 818, n)
        for k in range(3):
            p[np.arange(n), at + k] += rng.integers(1, 3, n)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pit", "central", "highest density"])
def test_levels_of_true_posteriors_are_uniform(kind: str, rng: np.random.Generator) -> None:
    p = lumpy(20_000, rng)
    z = draws(p, EDGES, rng)
    pit = cdf(p, EDGES, z)
    level = {
        "pit": pit,
        "central": central_level(pit),
        "highest density": highest_density_level(p, EDGES, z),
    }[kind]
    assert stats.kstest(level, "uniform").pvalue > 1e-3


@pytest.mark.slow
def test_levels_tell_posteriors_that_are_too_narrow(rng: np.random.Generator) -> None:
    """Gaussians that claim half their true sigma: 95% intervals hold 67% of the time."""
    n, sigma = 8000, 5e-3
    mean = rng.uniform(0.2, 0.6, n)
    p = np.diff(stats.norm.cdf(EDGES, mean[:, None], sigma / 2), axis=1)
    got = scores(p, EDGES, 10 ** (mean + sigma * rng.normal(size=n)) - 1)
    for name in ("central", "highest_density"):
        for level, held in getattr(got, name).items():
            claimed = stats.norm.ppf((1 + float(level)) / 2) / 2
            assert held.fraction == pytest.approx(2 * stats.norm.cdf(claimed) - 1, abs=0.02)
    below = stats.norm.cdf(stats.norm.ppf(1 / 20) / 2)  # 21% where 5% are due
    assert got.pit[0] / n == pytest.approx(below, abs=0.02)


def test_highest_density_levels_of_a_case_by_hand() -> None:
    """Bins of 0.1, 0.5, 0.1, 0.3: in from the middle of the densest, equal ones from the left."""
    p = np.tile([0.1, 0.5, 0.1, 0.3], (8, 1))
    edges = WIDTH * np.arange(5)
    at = np.array([1.5, 1.01, 1.75, 3.5, 0.5, 2.5, 2.9, 7.0])
    level = highest_density_level(p, edges, 10 ** (WIDTH * at) - 1)
    expected = [0, 0.49, 0.25, 0.5, 0.8, 0.9, 0.98, 1]
    assert level == pytest.approx(expected, abs=1e-9)
    assert np.isnan(highest_density_level(p[:1], edges, np.array([np.nan])))


@given(st.floats(0.2, 0.6), st.floats(0.005, 0.03), st.floats(-4, 4))
@settings(deadline=None, max_examples=50)
def test_crps_of_gaussians_is_the_closed_form(mean: float, sigma: float, off: float) -> None:
    """For Gaussians, and truths `off` sigma away (Gneiting & Raftery 2007, sec. 4.2)."""
    edges = np.linspace(-0.005, 0.815, 8201)
    p = np.diff(stats.norm.cdf(edges, mean, sigma))[None]
    p = np.maximum(p, 0)
    got = crps(p, edges, np.array([10 ** (mean + off * sigma) - 1]))[0]
    phi, cap = stats.norm.pdf(off), stats.norm.cdf(off)
    expected = sigma * (off * (2 * cap - 1) + 2 * phi - 1 / np.sqrt(np.pi))
    assert got / KMS == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=5, max_size=9), st.floats(-3, 12))
@settings(deadline=None)
def test_crps_is_the_integral_of_its_definition(values: list[float], at: float) -> None:
    p = np.array([values]) + 1e-3
    p /= p.sum()
    bins = p.shape[1]
    got = crps(p, WIDTH * np.arange(bins + 1), np.array([10 ** (WIDTH * at) - 1]))[0]
    v = np.linspace(-4, 13, 170_001)
    f = np.interp(v, np.arange(bins + 1), np.concatenate([[0], np.cumsum(p)]))
    expected = np.trapezoid((f - (v >= at)) ** 2, v) * WIDTH * KMS
    assert got == pytest.approx(expected, abs=2e-4 * WIDTH * KMS)


def test_crps_of_certainty_is_the_distance() -> None:
    """A bin of 0.7 km/s: a truth 1000 km/s off scores 1000 km/s, above and below."""
    edges = np.linspace(0, 0.4, 400_001)
    p = np.zeros((3, 400_000), np.float32)
    p[:, 200_000] = 1
    x = (edges[200_000] + edges[200_001]) / 2 + np.array([1000, -1000, 0]) / KMS
    assert crps(p, edges, 10**x - 1) == pytest.approx([1000, 1000, 0], abs=0.3)


@pytest.mark.slow
def test_the_true_posterior_scores_best(rng: np.random.Generator) -> None:
    """CRPS is proper: of claimed widths that of the draws has the lowest mean."""
    n, sigma = 4000, 5e-3
    mean = rng.uniform(0.2, 0.6, n)
    z = 10 ** (mean + sigma * rng.normal(size=n)) - 1
    claimed = [0.5, 0.8, 1.0, 1.25, 2.0]
    means = [
        crps(np.diff(stats.norm.cdf(EDGES, mean[:, None], k * sigma), axis=1), EDGES, z).mean()
        for k in claimed
    ]
    assert claimed[int(np.argmin(means))] == 1


def test_scores_are_json_and_count_what_has_no_truth(rng: np.random.Generator) -> None:
    p = lumpy(300, rng)
    z = draws(p, EDGES, rng)
    z[:20] = np.nan
    p[20:30] = 0
    p[30:40] = np.nan
    got = scores(p, EDGES, z)
    json.dumps(to_json(got), allow_nan=False)
    assert (got.n, got.unscored) == (260, 40)
    assert sum(got.pit) == 260
    assert got.central["0.95"].fraction == got.central["0.95"].count / 260
    assert got.crps_median == np.median(crps(p[40:], EDGES, z[40:]))
    with pytest.raises(InputError, match="known z"):
        scores(p, EDGES, np.full(300, np.nan))


def test_blocks_are_seamless(rng: np.random.Generator) -> None:
    p = lumpy(1030, rng)
    z = draws(p, EDGES, rng)
    for function in (crps, highest_density_level):
        together = function(p, EDGES, z)
        for i in (0, 511, 512, 1029):
            assert function(p[i : i + 1], EDGES, z[i : i + 1])[0] == together[i]
