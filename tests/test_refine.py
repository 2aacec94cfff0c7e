"""Redshifts refined at native pixels, on spectra whose redshift is known by construction."""

import numpy as np
import pytest

from spectranet_jax.inference.basis import Basis
from spectranet_jax.inference.refine import KINDS, PIXEL_KMS, STATISTICAL, Refined, refine
from spectranet_jax.inference.scan import POLYNOMIALS, Prior, Scan
from spectranet_jax.spectra.lines import SPEED_OF_LIGHT
from spectranet_jax.spectra.native import FIRST, STEP

START = 32500  # 1778 Angstrom
REST = START + np.arange(7500)
LINES = {3728.5: 1.5, 3934.8: -0.6, 4862.7: 0.8, 5008.2: 2.0, 6564.6: 3.0}
EDGES = 5e-4 * np.arange(1641)


def shapes(places: np.ndarray) -> np.ndarray:
    """Three shapes against log10(rest wavelength) in native steps."""
    lines = np.zeros((2, *places.shape))
    for wavelength, strength in LINES.items():
        center = np.log10(wavelength) / STEP
        lines[int(strength < 1)] += strength * np.exp(-0.5 * ((places - center) / 2.5) ** 2)
    return np.stack([1 + 0.3 * np.sin(places / 700), *lines])


BASES = {"GALAXY": Basis(START, shapes(REST)), "QSO": Basis(START, shapes(REST))}


def spectra(z: np.ndarray, sn: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Flux and ivar at redshifts, with noise unless `sn`, per pixel, is infinite."""
    rng = np.random.default_rng(seed)
    places = (FIRST + STEP * np.arange(4750) - np.log10(1 + z[:, None])) / STEP
    flux = np.einsum("nk,knp->np", rng.uniform(0.7, 1.3, (len(z), 3)), shapes(places))
    noise = 0 if np.isinf(sn) else rng.normal(0, 1 / sn, flux.shape)
    return np.float32(flux + noise), np.full(flux.shape, min(sn, 1e3) ** 2, np.float32)


def flat(n: int) -> np.ndarray:
    return np.full((n, len(EDGES) - 1), 1 / (len(EDGES) - 1), np.float32)


def dv(z: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return SPEED_OF_LIGHT * (z - truth) / (1 + truth)


def off_by(z: np.ndarray, kms: np.ndarray | float) -> np.ndarray:
    return z + (1 + z) * kms / SPEED_OF_LIGHT


TRUTH = np.random.default_rng(1).uniform(0.02, 0.7, 40)


def refined(flux: np.ndarray, ivar: np.ndarray, z: np.ndarray, kind: str = "GALAXY") -> Refined:
    n = len(flux)
    return refine(flux, ivar, z, flat(n), EDGES, np.array([kind] * n), BASES)


def test_noise_free_redshifts_come_back() -> None:
    """From anywhere within 1,300 km/s, to a hundredth of a pixel of 69 km/s."""
    offsets = np.linspace(-1300, 1300, len(TRUTH))
    got = refined(*spectra(TRUTH, np.inf), off_by(TRUTH, offsets))
    assert got.refined.all()
    assert not got.at_edge.any()
    assert np.abs(dv(got.z, TRUTH)).max() < 0.7


@pytest.mark.slow
def test_errors_hold() -> None:
    truth = np.random.default_rng(2).uniform(0.02, 0.7, 300)
    got = refined(*spectra(truth, 3.0), off_by(truth, 150))
    floor = KINDS["GALAXY"].floor / SPEED_OF_LIGHT * (1 + truth)
    pull = np.abs(got.z - truth) / np.sqrt(got.z_err**2 - floor**2) * STATISTICAL
    assert 0.6 < np.mean(pull < 1) < 0.76
    assert 0.91 < np.mean(pull < 2) < 0.985
    np.testing.assert_allclose(np.median(got.chi2), 1, atol=0.02)


def test_chi2_is_that_of_the_best_fit_and_not_of_the_nearest_pixel() -> None:
    """At S/N 100 a third of a pixel costs 2 in chi2 per degree of freedom, the parabola 0.3."""
    third = 10 ** (STEP * (np.arange(700, 740) + 1 / 3)) - 1
    got = refined(*spectra(third, 100.0), third)
    assert got.refined.all()
    np.testing.assert_allclose(got.chi2, 1, atol=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 7, 39])
def test_rows_do_not_depend_on_their_batch(size: int) -> None:
    """Bit for bit, whatever else is refined in the same call."""
    flux, ivar = spectra(TRUTH, 5.0)
    ivar[::3, :900] = 0
    kind = np.array(["GALAXY", "QSO", "", "GALAXY"] * 10)
    z, p = off_by(TRUTH, 300), np.random.default_rng(5).random((40, 1640))

    def rows(where: slice) -> Refined:
        return refine(flux[where], ivar[where], z[where], p[where], EDGES, kind[where], BASES)

    whole = rows(slice(None))
    for name in ("z", "z_err", "chi2", "refined", "at_edge"):
        pieces = [getattr(rows(slice(i, i + size)), name) for i in range(0, 40, size)]
        np.testing.assert_array_equal(np.concatenate(pieces), getattr(whole, name))


def test_what_is_not_refined() -> None:
    """Other kinds, no redshift, hardly any pixel: no number, and not at the edge."""
    flux, ivar = spectra(np.full(4, 0.3), 20.0)
    ivar[2, 150:] = 0
    got = refine(
        flux,
        ivar,
        np.array([0.3, np.nan, 0.3, 0.3]),
        flat(4),
        EDGES,
        np.array(["", "GALAXY", "GALAXY", "GALAXY"]),
        BASES,
    )
    assert got.refined.tolist() == [False, False, False, True]
    for values in (got.z, got.z_err, got.chi2):
        assert np.isfinite(values).tolist() == [False, False, False, True]
    assert not got.at_edge.any()


def test_a_minimum_beyond_the_scan_is_at_the_edge() -> None:
    got = refined(*spectra(TRUTH[:5], 20.0), off_by(TRUTH[:5], 1900))
    assert got.at_edge.all()
    assert not got.refined.any()
    assert np.isnan(got.z).all()
    assert np.isfinite(got.chi2).all()


def test_quasars_keep_a_part_of_the_network() -> None:
    """And the difference between both counts as an error."""
    offset = 500.0
    flux, ivar = spectra(TRUTH, np.inf)
    got = refined(flux, ivar, off_by(TRUTH, offset), "QSO")
    how = KINDS["QSO"]
    np.testing.assert_allclose(dv(got.z, TRUTH), how.network * offset, atol=1.5)
    expected = np.hypot(how.doubt * offset, how.floor)
    np.testing.assert_allclose(dv(got.z_err + TRUTH, TRUTH), expected, rtol=0.02)


def test_the_prior_decides_where_the_spectrum_does_not() -> None:
    """Of a spectrum of noise alone, the refined redshift is that of p(z)."""
    ivar = np.ones((1, 4750), np.float32)
    flux = np.float32(np.random.default_rng(3).normal(0, 1, (1, 4750)))
    center = np.log10(1.3) + 5e-4
    x = (EDGES[1:] + EDGES[:-1]) / 2
    p = np.exp(-0.5 * ((x - center) / 2e-4) ** 2)[None]
    got = refine(flux, ivar, np.array([0.3]), p, EDGES, np.array(["GALAXY"]), BASES)
    assert abs(np.log10(1 + got.z[0]) - center) < 2e-4


def test_several_minima_widen_the_error() -> None:
    """Two lines in the basis, one in the spectrum: it may be either."""
    places = np.arange(7500)
    two = sum(np.exp(-0.5 * ((places - at) / 2) ** 2) for at in (4000, 4012))
    basis = {"GALAXY": Basis(START, np.stack([np.ones(7500), two]))}
    errors = []
    pixels = 35500 + np.arange(4750) - START
    for centers in ((4000, 4012), (4006,)):
        line = sum(np.exp(-0.5 * ((pixels - 1000 - at) / 2) ** 2) for at in centers)
        flux = np.float32(1 + 2 * line)[None]
        z = np.array([10**0.1 - 1])
        ivar = np.full((1, 4750), 4, np.float32)
        got = refine(flux, ivar, z, flat(1), EDGES, np.array(["GALAXY"]), basis)
        errors.append(float(got.z_err[0] / (1 + got.z[0]) * SPEED_OF_LIGHT))
    assert errors[1] > 4 * errors[0]
    assert errors[1] > 4 * PIXEL_KMS


def test_chi2_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(6)
    vectors, flux = rng.normal(0, 1, (4, 400)), rng.normal(0, 1, 300)
    weight = rng.uniform(0, 2, 300) * (rng.random(300) > 0.1)
    chi2 = Scan(flux, weight, vectors, start=50).chi2(np.array([-7, 0, 12]))
    polynomials = np.polynomial.legendre.legvander(np.linspace(-1, 1, 300), POLYNOMIALS - 1)
    for shift, got in zip((-7, 0, 12), chi2, strict=True):
        terms = np.column_stack([vectors[:, 50 - shift : 350 - shift].T, polynomials])
        root = np.sqrt(weight)
        best = np.linalg.lstsq(terms * root[:, None], flux * root, rcond=None)[0]
        assert got == pytest.approx((weight * (flux - terms @ best) ** 2).sum(), rel=1e-7)


def test_the_prior_is_smooth_and_exact_for_a_parabola() -> None:
    """-2 ln p of a Gaussian is a parabola, which the spline meets up to its constant."""
    x = (EDGES[1:] + EDGES[:-1]) / 2
    p = np.exp(-0.5 * ((x - 0.1) / 5e-4) ** 2)
    shifts = np.arange(990, 1011)
    got = Prior(p, EDGES)(shifts)
    exact = ((shifts * STEP - 0.1) / 5e-4) ** 2
    np.testing.assert_allclose(got - got.min(), exact - exact.min(), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-17, 1e17])
def test_units_do_not_matter(scale: float) -> None:
    flux, ivar = spectra(TRUTH[:3], 20.0)
    plain, other = (refined(flux * k, ivar / np.float32(k) ** 2, TRUTH[:3]) for k in (1.0, scale))
    np.testing.assert_allclose(other.z, plain.z, atol=1e-8)
    np.testing.assert_allclose(other.z_err, plain.z_err, rtol=1e-4)


def test_the_largest_numbers_do_no_harm() -> None:
    flux, ivar = spectra(TRUTH[:2], 20.0)
    flux[0, 2000], ivar[0, 2000:2002] = 3e38, 3e38
    got = refined(flux, ivar, TRUTH[:2], "QSO")
    assert got.refined[1]


def test_a_vector_that_is_nowhere_seen_does_no_harm() -> None:
    unseen = np.where(np.arange(7500) < 50, 1.0, 0.0)
    bases = {"GALAXY": Basis(START, np.concatenate([shapes(REST), unseen[None]]))}
    flux, ivar = spectra(TRUTH[:3], 20.0)
    kind = np.array(["GALAXY"] * 3)
    got = refine(flux, ivar, TRUTH[:3], flat(3), EDGES, kind, bases)
    expected = refined(flux, ivar, TRUTH[:3])
    assert got.refined.all()
    np.testing.assert_allclose(got.z, expected.z, atol=1e-6)
