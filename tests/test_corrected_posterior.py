"""p(z) moved, widened, and with a Gaussian for its core, against sums by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from spectranet_jax.evaluation.corrected_posterior import (
    UNKNOWN,
    corrected,
    highest_density_level,
    likeliest_width,
    moved,
    with_core,
)
from spectranet_jax.evaluation.posterior import decode, mass_within
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT

STEP = 5e-4
EDGES = STEP * np.arange(1641)
KMS = SPEED_OF_LIGHT * np.log(10) * STEP
CENTERS = (EDGES[1:] + EDGES[:-1]) / 2


def posteriors(n: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    peaks = rng.uniform(0.1, 0.7, (2, n, 1))
    p = sum(np.exp(-0.5 * ((CENTERS - peak) / 6e-4) ** 2) for peak in peaks) + 1e-5
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("dex", [0.0, STEP, -3 * STEP])
def test_whole_steps_move_without_loss(dex: float) -> None:
    p = posteriors()
    got = moved(p, EDGES, np.full(6, dex), np.zeros(6))
    shift = round(dex / STEP)
    inside = slice(20, -20)
    np.testing.assert_allclose(got[:, inside], np.roll(p, shift, axis=1)[:, inside], rtol=2e-5)
    np.testing.assert_allclose(got.sum(axis=1), 1)


def test_parts_of_a_step_move_the_mean() -> None:
    p = posteriors()
    dex = np.linspace(-0.0475e-3, 0.0475e-3, 6)
    got = moved(p, EDGES, dex, np.zeros(6))
    np.testing.assert_allclose((got - p) @ CENTERS, dex, rtol=0.02, atol=1e-9)


def test_a_convolution_is_that_of_many_fine_steps() -> None:
    p, sigma, dex, fine = posteriors(2), 250 / KMS, 0.3 * STEP, 50
    got = moved(p, EDGES, np.full(2, dex), np.full(2, 250.0))
    kernel = norm.pdf(np.arange(-6 * fine, 6 * fine + 1) / fine, 0.3, sigma)
    kernel /= kernel.sum()
    for row, result in zip(p, got, strict=True):
        dense = np.convolve(np.repeat(row, fine) / fine, kernel, "same")
        np.testing.assert_allclose(result, dense.reshape(-1, fine).sum(axis=1), atol=2e-4)


def test_a_convolution_adds_its_variance() -> None:
    p = np.zeros((1, 1640))
    p[0, 800] = 1
    got = moved(p, EDGES, np.zeros(1), np.array([250.0]))
    variance = (got[0] * (CENTERS - CENTERS[800]) ** 2).sum()
    # The step itself adds twice the twelfth of a uniform density, less that of the result.
    assert variance == pytest.approx((250 / KMS * STEP) ** 2 + STEP**2 / 6, rel=0.01)


def test_a_core_keeps_the_mass_and_the_rest() -> None:
    p = posteriors()
    z = decode(p, EDGES).z
    z_err = (1 + z) * 60 / SPEED_OF_LIGHT
    got = with_core(p, EDGES, z, z_err)
    np.testing.assert_allclose(got.sum(axis=1), 1)
    np.testing.assert_allclose(mass_within(got, EDGES, z), mass_within(p, EDGES, z), rtol=1e-5)
    far = np.abs(CENTERS - np.log10(1 + z)[:, None]) > 3500 / KMS * STEP
    np.testing.assert_array_equal(got[far], p[far])
    for row in range(len(p)):
        place = (EDGES - np.log10(1 + z[row])) / (60 / KMS * STEP)
        expected = mass_within(p, EDGES, z)[row] * np.diff(norm.cdf(place))
        core = expected > 1e-12
        outside = p[row] * (np.abs(CENTERS - np.log10(1 + z[row])) > 3000 / KMS * STEP)
        np.testing.assert_allclose(got[row][core], (expected + outside)[core], rtol=1e-6)


def corrections(p: np.ndarray) -> tuple[np.ndarray, ...]:
    """Phase, refined or not, z and its error, and uncertain lines of as many rows."""
    n = len(p)
    refined = np.arange(n) % 3 == 0
    z = np.where(refined, decode(p, EDGES).z, np.nan)
    return np.full(n, 0.0475e-3), refined, z, (1 + z) * 50 / SPEED_OF_LIGHT, np.arange(n) % 3 == 1


def test_each_row_gets_what_it_needs() -> None:
    p = posteriors()
    phase, refined, z, z_err, uncertain = corrections(p)
    got = corrected(p, EDGES, phase, refined, z, z_err, uncertain)
    plain = moved(p, EDGES, phase, np.zeros(6))
    np.testing.assert_allclose(got.sum(axis=1), 1)
    np.testing.assert_array_equal(got[2::3], plain[2::3])
    assert (got[uncertain] >= 0.999 * UNKNOWN / 1640).all()
    widened = decode(got[uncertain], EDGES).z_err
    before = decode(plain[uncertain], EDGES).z_err
    one_plus_z = 1 + decode(plain[uncertain], EDGES).z
    assert (np.sqrt(widened**2 - before**2) / one_plus_z * SPEED_OF_LIGHT > 240).all()
    off = np.log10((1 + decode(got[refined], EDGES).z) / (1 + z[refined]))
    assert (np.abs(off) <= STEP / 2).all()  # steps are 345 km/s wide


@pytest.mark.parametrize("size", [1, 4])
def test_rows_do_not_depend_on_their_batch(size: int) -> None:
    p = posteriors(9)
    arguments = corrections(p)
    whole = corrected(p, EDGES, *arguments)
    pieces = [
        corrected(p[i : i + size], EDGES, *(values[i : i + size] for values in arguments))
        for i in range(0, 9, size)
    ]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_an_empty_posterior_stays_empty() -> None:
    p = posteriors(3)
    p[1] = 0
    no, nan = np.zeros(3, bool), np.full(3, np.nan)
    got = corrected(p, EDGES, np.zeros(3), no, nan, nan, np.array([False, True, False]))
    assert not got[1].any()
    np.testing.assert_allclose(got[::2], p[::2], rtol=1e-9)


@pytest.mark.slow
def test_levels_of_honest_errors_are_uniform() -> None:
    """Below a step, where the steps' own density has no information."""
    rng = np.random.default_rng(8)
    n = 2000
    z_true = rng.uniform(0.5, 1.5, n)
    z_err = (1 + z_true) * 40 / SPEED_OF_LIGHT
    z = z_true + rng.normal(0, 1, n) * z_err
    place = np.log10(1 + z)[:, None]
    p = np.diff(norm.cdf((EDGES[None] - place) / 4e-4), axis=1)
    refined = np.ones(n, bool)
    p = corrected(p, EDGES, np.zeros(n), refined, z, z_err, ~refined)
    level = highest_density_level(p, EDGES, z_true, refined, z, z_err)
    for wanted in (0.5, 0.68, 0.95):
        assert np.mean(level <= wanted) == pytest.approx(wanted, abs=0.035)
    beyond = highest_density_level(p[:1], EDGES, np.array([5.0]), refined[:1], z[:1], z_err[:1])
    assert beyond[0] > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.0, 250.0, 500.0])
def test_the_likeliest_width_is_that_of_the_scatter(width: float) -> None:
    rng = np.random.default_rng(9)
    n = 600
    x = rng.uniform(0.45, 0.6, n)
    p = np.diff(norm.cdf((EDGES[None] - x[:, None]) / 1.5e-4), axis=1)
    scatter = np.hypot(1.5e-4, width / KMS * STEP)
    true = 10 ** (x + rng.normal(0, 1, n) * scatter) - 1
    assert abs(likeliest_width(p, EDGES, true, np.zeros(n)) - width) <= 50
