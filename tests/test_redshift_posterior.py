"""p(z) as an object: against quadrature, brute force and `posterior.cdf`."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from spectranet_jax.evaluation import posterior
from spectranet_jax.evaluation.redshift_posterior import HALF_CORE, Peak, Posterior

C = 299_792.458
LN10 = np.log(10)
STEPS = 60
EDGES = 0.3 + 5e-4 * np.arange(STEPS + 1)  # 345 km/s each
Z = 10**EDGES - 1


def random(seed: int, n: int = 4, narrow: bool = True, mass: float | None = None) -> Posterior:
    """Posteriors with empty steps and steep ones; refined ones among them, of 5 to 2000 km/s."""
    rng = np.random.default_rng(seed)
    p = rng.gamma(0.3, size=(n, STEPS)) * (rng.random((n, STEPS)) < 0.8)
    p[:, rng.integers(STEPS)] += 0.1
    if not narrow:
        return Posterior(p, EDGES)
    z = rng.uniform(Z[0] - 0.005, Z[-1] + 0.005, n)
    z_err = (1 + z) * np.exp(rng.uniform(np.log(5), np.log(2000), n)) / C
    z[rng.random(n) < 0.25] = np.nan
    core_mass = rng.uniform(0, 1, n) if mass is None else np.full(n, mass)
    return Posterior(p, EDGES, Peak(z, z_err, core_mass))


def sampled(single: Posterior, per_step: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middles in x of cells that no step and no core straddles, their widths, and densities in x.

    Near a peak the cells are a hundredth of its width.
    """
    low, high = EDGES[0] - 3 * HALF_CORE, EDGES[-1] + 3 * HALF_CORE
    corners = [low, high, *np.linspace(EDGES[0], EDGES[-1], STEPS * per_step + 1)]
    if single.peak is not None and np.isfinite(single.peak.z):
        x, sigma = np.log10(1 + single.peak.z), single.peak.z_err / (LN10 * (1 + single.peak.z))
        near = x + np.linspace(-8, 8, 1601) * sigma
        corners += [x - HALF_CORE, x + HALF_CORE, *near[np.abs(near - x) < HALF_CORE]]
        corners += list(x + np.linspace(-1, 1, 2001) * HALF_CORE)
    edges = np.unique(np.concatenate([corners, EDGES]))
    middle = (edges[1:] + edges[:-1]) / 2
    return middle, np.diff(edges), single.pdf(10**middle - 1) * LN10 * 10**middle


seeds = st.integers(0, 2**32 - 1)
fewer_examples = settings(max_examples=30, deadline=None)


@fewer_examples
@given(seeds)
def test_without_a_peak_it_is_the_posterior_of_the_steps(seed: int) -> None:
    made = random(seed, narrow=False)
    z = np.random.default_rng(seed).uniform(Z[0] - 0.1, Z[-1] + 0.1, 4)
    expected = posterior.cdf(made.p, EDGES, z)
    np.testing.assert_allclose(made.cdf(z), expected, atol=1e-12)
    unrefined = Posterior(made.p, EDGES, Peak(*np.full((3, 4), np.nan)))
    np.testing.assert_array_equal(unrefined.cdf(z), made.cdf(z))
    np.testing.assert_array_equal(unrefined.quantile(0.3), made.quantile(0.3))


@fewer_examples
@given(seeds)
def test_the_distribution_function_rises_from_0_to_1(seed: int) -> None:
    made = random(seed)
    z = np.linspace(Z[0] - 0.1, Z[-1] + 0.1, 3001)[None]
    below = made.cdf(z)
    assert below.shape == (4, 3001)
    assert (np.diff(below, axis=1) >= -1e-13).all()
    np.testing.assert_allclose(below[:, [0, -1]], [[0, 1]] * 4, atol=1e-14)


@pytest.mark.slow
@fewer_examples
@given(seeds)
def test_the_density_is_the_slope_of_the_distribution_function(seed: int) -> None:
    """By cells that are narrow against the narrowest peak; together they hold all."""
    for single in random(seed):
        x, width, density = sampled(single)
        mass = np.diff(single.cdf(10 ** np.array([x - width / 2, x + width / 2]) - 1), axis=0)[0]
        np.testing.assert_allclose(density * width, mass, rtol=1e-3, atol=1e-9)
        assert (density * width).sum() == pytest.approx(1, abs=1e-6)


def test_the_density_in_z_integrates_to_1() -> None:
    """By SciPy, which is shown where the corners are: a peak of 15 km/s, and 345 km/s steps."""
    p = np.exp(-0.5 * ((np.arange(STEPS) - 30) / 3) ** 2)
    z = 1.063
    single = Posterior(p, EDGES, Peak(np.float64(z), (1 + z) * 15 / C, np.float64(0.9)))
    sigma = (1 + z) * 15 / C
    ends = 10 ** (np.log10(1 + z) + HALF_CORE * np.array([-1, 1])) - 1
    corners = np.sort([*Z, *ends, *(z + sigma * np.arange(-10, 11))])
    parts = [integrate.quad(single.pdf, a, b)[0] for a, b in pairwise(corners)]
    assert sum(parts) == pytest.approx(1, abs=1e-8)
    inside = (corners[:-1] >= ends[0] - 1e-12) & (corners[1:] <= ends[1] + 1e-12)
    assert np.array(parts)[inside].sum() == pytest.approx(0.9, abs=1e-8)
    assert single.pdf(z) == pytest.approx(0.9 * stats.norm.pdf(0) / sigma, rel=1e-4)
    low, high = single.interval(0.5)
    quarter = stats.norm.ppf(0.5 + 0.25 / 0.9) * sigma
    assert [low, high] == pytest.approx([z - quarter, z + quarter], abs=0.2 * sigma)


@fewer_examples
@given(seeds, st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_quantiles_are_the_inverse(seed: int, q: list[float]) -> None:
    made = random(seed)
    z = made.quantile(q)
    assert z.shape == (4, len(q))
    np.testing.assert_allclose(made.cdf(z), np.broadcast_to(q, z.shape), atol=1e-11)
    ascending = made.quantile(np.sort(q))
    assert (np.diff(ascending, axis=1) >= -1e-12).all()


def test_the_ends_are_those_of_the_support() -> None:
    p = np.zeros((1, STEPS))
    p[0, 10:12] = 1
    np.testing.assert_allclose(Posterior(p, EDGES).quantile([0, 1]), [[Z[10], Z[12]]], rtol=1e-12)
    peak = Peak(np.array([Z[11]]), np.array([1e-4]), np.array([np.nan]))
    core = np.log10(1 + Z[11]) + HALF_CORE * np.array([[-1, 1]])
    made = Posterior(p, EDGES, peak)  # all that there is lies in the core
    np.testing.assert_allclose(made.quantile([0, 1]), 10**core - 1, rtol=1e-9)
    assert made.cdf(peak.z) == pytest.approx([0.5])


@pytest.mark.slow
@fewer_examples
@given(seeds, st.floats(0.01, 0.999))
def test_a_highest_density_set_holds_its_level_and_none_is_smaller(seed: int, level: float) -> None:
    for single in random(seed):
        sets = np.asarray(single.highest_density(level))
        x = np.log10(1 + sets)
        assert (np.diff(x.ravel()) > 0).all()
        mass = np.diff(single.cdf(sets), axis=1).sum()
        assert mass == pytest.approx(level, abs=1e-9)
        _, width, density = sampled(single)
        order = np.argsort(-density)
        needed = np.cumsum((density * width)[order])
        cells = np.searchsorted(needed, level) + 1
        brute = width[order][:cells]
        # A cell more or less, and what the sampled densities lack of 1.
        close = 2 * brute.max() + 2 * abs(needed[-1] - 1) / density[order][cells - 1]
        assert np.diff(x, axis=1).sum() == pytest.approx(brute.sum(), abs=close + 1e-9)


@fewer_examples
@given(seeds, st.floats(0.05, 0.9), st.floats(0.02, 0.09))
def test_a_greater_level_has_a_greater_set(seed: int, level: float, more: float) -> None:
    for single in random(seed):
        lengths = [
            np.diff(np.log10(1 + np.asarray(single.highest_density(at))), axis=1).sum()
            for at in (level, level + more)
        ]
        assert lengths[0] < lengths[1]


def test_sets_of_known_densities() -> None:
    """Of the step at the threshold, the part that touches a denser one is taken."""
    p = np.zeros((3, STEPS))
    p[0, 10:15] = [0.1, 0.2, 0.4, 0.2, 0.1]
    p[1, [10, 40]] = [0.6, 0.4]
    p[2] = 1 / STEPS
    sets = Posterior(p, EDGES).highest_density(0.7)
    assert isinstance(sets, list)
    bins = [(np.log10(1 + part) - EDGES[0]) / 5e-4 for part in sets]
    np.testing.assert_allclose(bins[0], [[11, 13.5]], atol=1e-9)
    np.testing.assert_allclose(bins[1], [[10, 11], [40.375, 40.625]], atol=1e-9)
    np.testing.assert_allclose(bins[2], [[0, 42]], atol=1e-9)


def test_a_narrow_peak_is_not_lost_in_the_steps() -> None:
    """15 km/s among 345 km/s: its set is that of the Gaussian, and its median the redshift."""
    p = np.zeros((2, STEPS))
    p[:, 25:36] = stats.norm.pdf(np.arange(-5, 6) / 2)
    z = np.array([10 ** (EDGES[30] + 2e-4) - 1, np.nan])
    sigma = (1 + z) * 15 / C
    made = Posterior(p, EDGES, Peak(z, sigma, np.full(2, np.nan)))
    (low, high), *others = np.asarray(made[0].highest_density(0.6))
    assert not others
    reach = stats.norm.ppf(0.8)
    expected = z[0] + reach * sigma[0] * np.array([-1, 1])
    assert [low, high] == pytest.approx(expected, abs=0.05 * sigma[0])
    assert made.quantile(0.5)[0] == pytest.approx(z[0], abs=0.05 * sigma[0])
    wide = np.diff(np.asarray(made[1].highest_density(0.6)))
    assert wide > 20 * (high - low)


def test_mass_of_the_core() -> None:
    """By default that of the steps; else the rest is scaled, and is all the core's if empty."""
    p = np.ones((4, STEPS))
    p[3] = np.eye(STEPS)[30]
    z = np.full(4, 10 ** (EDGES[30] + 1e-4) - 1)
    mass = np.array([np.nan, 0.5, 1.0, 0.5])
    made = Posterior(p, EDGES, Peak(z, np.full(4, 1e-4), mass))
    ends = 10 ** (np.log10(1 + z[0]) + HALF_CORE * np.array([[-1, 1]])) - 1
    inside = np.diff(made.cdf(ends), axis=1)[:, 0]
    assert inside == pytest.approx([2 * HALF_CORE / (EDGES[-1] - EDGES[0]), 0.5, 1, 1])
    before = made.cdf(np.full(4, Z[2]))
    assert before == pytest.approx([2 / 60, 0.5 * (2 / 60) / (1 - inside[0]), 0, 0], abs=1e-12)


def test_one_is_a_row_of_many() -> None:
    made = random(5, n=6)
    z = np.linspace(Z[0], Z[-1], 7)
    for row, single in enumerate(made):
        assert single.shape == ()
        np.testing.assert_array_equal(single.cdf(z), made.cdf(z[None])[row])
        np.testing.assert_array_equal(single.pdf(z.reshape(7, 1))[:, 0], made.pdf(z[None])[row])
        np.testing.assert_array_equal(single.quantile([0.1, 0.9]), made.quantile([0.1, 0.9])[row])
        np.testing.assert_array_equal(single.highest_density(0.5), made.highest_density(0.5)[row])
    assert np.ndim(made[0].quantile(0.5)) == np.ndim(made[0].cdf(1.0)) == 0
    assert len(made) == 6
    assert len(made[[1, 2]]) == len(made[:2]) == 2
    assert made.cdf(1.1).shape == made.cdf(np.full(6, 1.1)).shape == (6,)
    none = made[:0]
    assert none.quantile([0.5, 0.6]).shape == (0, 2)
    assert none.cdf(np.zeros(0)).shape == none.pdf(1.0).shape == (0,)
    assert none.highest_density(0.5) == []
    for act in (len, iter, lambda single: single[0]):
        with pytest.raises((TypeError, IndexError), match="one spectrum"):
            list(act(made[0])) if act is iter else act(made[0])


def test_no_posterior_is_nan_and_spoils_no_other() -> None:
    good = random(3, n=1, mass=0.5).p
    p = np.concatenate([good, np.zeros((1, STEPS)), np.full((1, STEPS), np.nan)])
    peak = Peak(np.full(3, Z[30]), np.full(3, 1e-3), np.full(3, np.nan))
    for made in (Posterior(p, EDGES), Posterior(p, EDGES, peak)):
        z = np.full(3, Z[20] + 1e-5)
        for answer in (made.cdf(z), made.pdf(z), made.quantile(0.4), made.interval(0.5)[1]):
            assert np.isfinite(answer[0])
            assert np.isnan(answer[1:]).all()
        sets = made.highest_density(0.5)
        assert [len(part) > 0 for part in sets] == [True, False, False]
        assert np.isnan(made.cdf(np.full(3, np.nan))).all()
        assert made.pdf(np.array([9.0, 9, 9]))[0] == made.pdf(np.array([-0.9, 9, 9]))[0] == 0


def test_what_is_refused() -> None:
    p = np.ones((2, STEPS))
    ok = np.array([0.5, 0.5])
    cases = [
        ((p, EDGES[:-1]), "must be"),
        ((p, EDGES**2), "equally spaced"),
        ((-p, EDGES), "0 or more"),
        ((p, EDGES, Peak(ok[:1], ok, ok)), r"must be \(2,\)"),
        ((p, EDGES, Peak(ok, 0 * ok, ok)), "z_err"),
        ((p, EDGES, Peak(ok, np.nan * ok, ok)), "z_err"),
        ((p, EDGES, Peak(ok, ok, 3 * ok)), "mass"),
    ]
    for arguments, sentence in cases:
        with pytest.raises(ValueError, match=sentence):
            Posterior(*arguments)
    made = Posterior(p, EDGES)
    with pytest.raises(ValueError, match=r"\(3,\)"):
        made.cdf(np.zeros(3))
    for level in (0, 1.1):
        with pytest.raises(ValueError, match="level"):
            made.highest_density(level)
    with pytest.raises(ValueError, match="0 to 1"):
        made.quantile([0.5, 1.5])
