"""Values decoded from p(z): against cases by hand, SciPy, and a search that is not vectorized."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naming import naming
from scipy import stats

from spectranet_jax.evaluation import redshift_scores
from spectranet_jax.evaluation.posterior import Decoded, cdf, decode, mass_within

C = 299_792.458
EDGES = np.linspace(-0.005, 0.815, 821)  # bins of 1e-3
WIDTH = 1e-3
BETA = 3000 / C
WINDOW = np.log10((1 + BETA) / (1 - BETA))
"""Half the window: 3000 km/s in log10(1 + z)."""


def gaussian(mean: np.ndarray, sigma: np.ndarray, edges: np.ndarray = EDGES) -> np.ndarray:
    """Exact masses of Gaussians in the bins, (n, bins)."""
    return np.diff(stats.norm.cdf(edges, np.c_[mean], np.c_[sigma]), axis=1)


def one_bin(index: int, bins: int = 820) -> np.ndarray:
    p = np.zeros((1, bins), np.float32)
    p[0, index] = 1
    return p


@pytest.mark.parametrize("index", [0, 1, 400, 819])
def test_a_single_bin_is_its_middle_and_the_width_of_a_uniform_density(index: int) -> None:
    got = decode(one_bin(index), EDGES)
    x = (EDGES[index] + EDGES[index + 1]) / 2
    assert got.z[0] == pytest.approx(10**x - 1, abs=1e-12)
    assert got.z_err[0] == pytest.approx(10**x * np.log(10) * WIDTH / 12**0.5)
    assert got.mass[0] == 1
    assert np.isnan(got.z_second[0])
    assert got.mass_second[0] == 0
    assert mass_within(one_bin(index), EDGES, got.z) == pytest.approx([1])


def test_two_bins_far_apart_are_first_and_second() -> None:
    p = 0.7 * one_bin(600) + 0.3 * one_bin(100)
    got = decode(p, EDGES)
    assert np.log10(1 + got.z) == pytest.approx([0.5955], abs=1e-9)
    assert np.log10(1 + got.z_second) == pytest.approx([0.0955], abs=1e-9)
    assert got.mass == pytest.approx([0.7])
    assert got.mass_second == pytest.approx([0.3])


def test_the_second_window_may_touch_the_first_and_not_overlap_it() -> None:
    """A flat stretch of exactly two windows: the greatest takes 1/2 of it wherever it lies."""
    edges = np.arange(41) * WINDOW / 8  # a window is 8 bins
    p = np.zeros((1, 40))
    p[0, 12:28] = 1 / 16
    p[0, 12:20] += 0.01  # so that it is clear which half is greater
    got = decode(p, edges)
    assert got.mass[0] == pytest.approx((0.5 + 0.08) / 1.08)
    assert got.mass_second[0] == pytest.approx(0.5 / 1.08)
    gap = np.log10(1 + got.z_second) - np.log10(1 + got.z)
    assert gap == pytest.approx(WINDOW)


def test_windows_of_gaussians_are_those_of_scipy(rng: np.random.Generator) -> None:
    mean, sigma = rng.uniform(0.1, 0.7, 50), rng.uniform(1e-3, 4e-3, 50)
    fine = np.linspace(-0.005, 0.815, 16_401)  # bins of 5e-5, far below every sigma
    got = decode(gaussian(mean, sigma, fine), fine)
    half = WINDOW / 2 / sigma
    inside = stats.truncnorm(-half, half, loc=mean, scale=sigma)
    # A bin in the window more or less is the limit of what can be asked of either.
    assert np.log10(1 + got.z) == pytest.approx(mean, abs=5e-5)
    assert got.mass == pytest.approx(2 * stats.norm.cdf(half) - 1, abs=3e-5)
    assert got.z_err == pytest.approx((1 + got.z) * np.log(10) * inside.std(), rel=1e-3)


def test_mass_within_is_the_share_of_draws_so_near(rng: np.random.Generator) -> None:
    """By |dv| itself, for true redshifts drawn from the posterior."""
    mean, sigma = np.array([0.4]), np.array([4e-3])
    p = gaussian(mean, sigma)
    z = 10 ** (mean + 1e-3) - 1
    truth = 10 ** (mean + sigma * rng.normal(size=200_000)) - 1
    near = np.abs(redshift_scores.dv(np.broadcast_to(z, truth.shape), truth)) <= 3000
    assert mass_within(p, EDGES, z)[0] == pytest.approx(near.mean(), abs=0.005)


def plain(p: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Greatest mass of a window, and of one beside it, by trying many places one at a time."""
    total = np.concatenate([[0], np.cumsum(p)]) / p.sum()

    def mass(start: float) -> float:
        return float(np.interp(start + WINDOW, edges, total) - np.interp(start, edges, total))

    tried = np.linspace(edges[0] - WINDOW, edges[-1], 4001)
    best = max(tried, key=mass)
    beside = [start for start in tried if abs(start - best) >= WINDOW]
    return mass(best), max(map(mass, beside), default=0.0)


posteriors = st.lists(st.sampled_from([0, 0, 0, 1e-30, 0.01, 0.3, 1, 5]), min_size=12, max_size=40)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(posteriors.filter(any), st.floats(3e-4, 4e-3))
def test_no_window_holds_more(values: list[float], width: float) -> None:
    edges = 0.1 + width * np.arange(len(values) + 1)
    p = np.array([values], np.float32)
    got = decode(p, edges)
    first, _ = plain(p[0].astype(np.float64), edges)
    assert got.mass[0] >= first - 1e-9
    # Within a step of the search, over which the mass cannot change by more than the densest bin.
    step = (edges[-1] - edges[0] + WINDOW) / 4000 / width * max(values) / sum(values)
    assert got.mass[0] <= first + 2 * step + 1e-9
    assert 0 <= got.mass_second[0] <= got.mass[0] + 1e-9
    assert got.mass[0] + got.mass_second[0] <= 1 + 1e-9
    assert edges[0] <= np.log10(1 + got.z[0]) <= edges[-1]
    assert 0 <= got.z_err[0] <= (1 + got.z[0]) * np.log(10) * WINDOW / 2 + 1e-12
    assert mass_within(p, edges, got.z)[0] <= got.mass[0] + 1e-9


@pytest.mark.slow
def test_the_second_window_is_the_greatest_beside_the_first(rng: np.random.Generator) -> None:
    """Where the first is clear, against the search beside it."""
    edges = np.arange(101) * WIDTH
    for _ in range(20):
        p = rng.gamma(0.2, size=(1, 100))
        got = decode(p, edges)
        first, second = plain(p[0], edges)
        step = (edges[-1] + WINDOW) / 4000 / WIDTH * p.max() / p.sum()
        assert got.mass[0] == pytest.approx(first, abs=2 * step)
        assert got.mass_second[0] == pytest.approx(second, abs=8 * step)


@settings(deadline=None)
@given(st.integers(-200, 200), st.integers(0, 2**32 - 1))
def test_a_shifted_posterior_has_a_shifted_redshift(by: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.zeros((1, 820))
    p[0, 300:520] = rng.gamma(0.3, size=220)
    moved = np.roll(p, by)
    before, after = decode(p, EDGES), decode(moved, EDGES)
    factor = 10 ** (by * WIDTH)
    assert (1 + after.z) / (1 + before.z) == pytest.approx([factor], rel=1e-10)
    assert (1 + after.z_second) / (1 + before.z_second) == pytest.approx([factor], rel=1e-10)
    assert after.z_err / before.z_err == pytest.approx([factor], rel=1e-9)
    assert after.mass == pytest.approx(before.mass, rel=1e-10)
    assert after.mass_second == pytest.approx(before.mass_second, rel=1e-10)


def test_a_symmetric_posterior_is_decoded_to_its_middle() -> None:
    """The mass is the same over a stretch of places; to take its end would be a bias."""
    x = np.arange(820) - 410
    p = np.exp(-0.5 * (x / 5) ** 2)[None]
    assert np.log10(1 + decode(p, EDGES).z) == pytest.approx([EDGES[410] + WIDTH / 2], abs=1e-12)


def test_the_distribution_function_at_known_places() -> None:
    p = np.zeros((5, 820), np.float32)
    p[:, 100:104] = 2  # not normalized
    at = EDGES[100] + WIDTH * np.array([0, 1, 2.5, 4, 9])
    assert cdf(p, EDGES, 10**at - 1) == pytest.approx([0, 0.25, 0.625, 1, 1], abs=1e-9)
    beyond = cdf(p[:4], EDGES, np.array([-0.5, 9.0, np.nan, -1.0]))
    assert beyond.tolist()[:2] == [0, 1]
    assert np.isnan(beyond[2])
    assert beyond[3] == 0


def test_no_posterior_has_no_redshift_and_spoils_no_other() -> None:
    p = np.concatenate([one_bin(7), np.zeros((1, 820)), np.full((1, 820), np.nan), one_bin(9)])
    p[3, 500] = np.nan
    got = decode(p, EDGES)
    alone = decode(one_bin(7), EDGES)
    for name in ("z", "z_err", "mass", "mass_second"):
        values = getattr(got, name)
        assert values[0] == getattr(alone, name)[0]
        assert np.isnan(values[1:]).all()
    assert np.isnan(cdf(p, EDGES, np.ones(4))[1:]).all()


def test_thousands_are_as_one_at_a_time(rng: np.random.Generator) -> None:
    """More than a block of them, and none at all."""
    p = rng.gamma(0.1, size=(1100, 60)).astype(np.float32)
    edges = np.arange(61) * WIDTH
    together = decode(p, edges)
    for i in (0, 511, 512, 1099):
        alone = decode(p[i : i + 1], edges)
        assert (alone.z[0], alone.mass_second[0]) == (together.z[i], together.mass_second[i])
    none = decode(p[:0], edges)
    assert isinstance(none, Decoded)
    assert none.z.shape == none.mass_second.shape == (0,)


def test_what_is_no_posterior_is_refused() -> None:
    p = one_bin(3, 20)
    edges = np.linspace(0, 1, 21)
    with pytest.raises(ValueError, match=naming("p", "edges", "(20,)")):
        decode(p, edges[:-1])
    with pytest.raises(ValueError, match=naming("edges", "equally spaced")):
        decode(p, edges**2)
    with pytest.raises(ValueError, match=naming("0 or more")):
        decode(p - 0.5, edges)
    with pytest.raises(ValueError, match=naming("z", "(2,)", "(1,)")):
        cdf(p, edges, np.ones(2))
