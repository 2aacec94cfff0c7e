"""Galaxies of the wide range: nearest ones, H II galaxies, DESI's targets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.mock import emission_galaxies, galaxies, populations, survey
from data_prep.mock.ingredients import Ingredients
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra import noise
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.native import NATIVE_GRID
from spectranet_jax.spectra.spectrographs import Spectrographs


def of_kind(rng, kind: str, z: np.ndarray, grid: LogGrid = GRID) -> np.ndarray:
    return galaxies.spectra(rng, np.full(len(z), kind, "U16"), z, grid)


def test_starlight_covers_what_is_observed_at_every_redshift():
    highest = max(1.65, 1.4)
    for grid in (GRID, NATIVE_GRID):
        for rest in (populations.REST_GRID, populations.FINE_REST_GRID):
            assert rest.edges[-1] > grid.edges[-1] / (1 + galaxies.NEAREST)
            assert rest.edges[0] < grid.edges[0] / (1 + highest)


@pytest.mark.parametrize("grid", [GRID, NATIVE_GRID], ids=["bins", "native"])
@pytest.mark.parametrize("z", [galaxies.NEAREST, 0.0, 0.01])
def test_no_spectrum_of_the_nearest_galaxies_ends_flat(z, grid, rng):
    for kind in ("old", "star-forming", "H II"):
        flux = of_kind(rng, kind, np.full(40, z), grid)
        steps = np.diff(flux[:, -grid.bins(2000) :], axis=1)
        assert np.all(np.abs(steps).max(axis=1) > 0)
        # A clipped end repeats one value; three equal ones in a row do not occur otherwise.
        assert not np.any((steps[:, 1:] == 0) & (steps[:, :-1] == 0))


def test_groups_are_as_many_as_stated_and_the_common_ones_prevail(rng):
    assert sum(group.fraction for group in galaxies.GROUPS.values()) < 0.35
    z, magnitude = galaxies.galaxies(rng, 6000, GRID)[1:]
    own = np.isfinite(magnitude)
    expected = sum(group.fraction for group in galaxies.GROUPS.values())
    assert own.mean() == pytest.approx(expected, abs=0.025)
    faint = magnitude > 22.4
    assert faint.mean() > 0.03
    assert z[faint].min() > 0.5
    assert np.mean(z < 0) > 0.003
    _, _, plain = galaxies.galaxies(rng, 200, GRID, Ingredients(frozenset({"wide range"})))
    assert np.isnan(plain).all()


def line_flux(flux: np.ndarray, z: float, name: str, half: int = 3) -> np.ndarray:
    """Flux of a line above the level beside it, (n,), per unit of rest wavelength."""
    at = int(GRID.bin_of(np.array(np.log10(REST[name] * (1 + z)))))
    near = slice(at - half, at + half + 1)
    level = np.minimum(flux[:, at - half - 2], flux[:, at + half + 2])[:, None]
    return np.sum((flux[:, near] - level) * np.diff(GRID.edges)[near], axis=1) / (1 + z)


def test_equivalent_widths_of_oxygen_are_what_is_drawn(rng):
    """Log-normal about 50 Angstrom, against the continuum beside the doublet."""
    n, z = 800, 1.0
    painted = emission_galaxies.oxygen_emitters(
        rng, np.ones((n, GRID.size), np.float32), np.full(n, z), GRID
    )
    width = line_flux(painted, z, "[OII]")
    assert np.median(width) == pytest.approx(50, rel=0.1)
    assert np.std(np.log(width)) == pytest.approx(0.8, abs=0.1)
    assert width.min() > 4.5 and width.max() < 410


def test_oxygen_is_found_in_most_emission_line_galaxies_and_the_continuum_in_few(rng):
    z = rng.uniform(0.6, 1.6, 400)
    magnitude = galaxies.GROUPS["emission-line"].magnitude(rng, 400)
    flux = survey.calibrated(of_kind(rng, "emission-line", z), magnitude, GRID, z)
    boss = Spectrographs.of(("boss",), GRID).rows(np.zeros(400, np.int64))
    sigma = noise.variance(flux, np.ones((400, 1), np.float32), boss) ** 0.5
    at = GRID.bin_of(np.log10(REST["[OII]"] * (1 + z)))
    columns = at[:, None] + np.arange(-1, 2)
    signal = np.take_along_axis(flux / sigma, columns, 1)
    signal -= np.median(flux / sigma, axis=1, keepdims=True)
    found = np.sqrt(np.sum(np.maximum(signal, 0) ** 2, axis=1))
    assert 0.5 < np.mean(found > 6) < 0.9
    assert np.median(np.median(flux / sigma, axis=1)) < 3


@given(st.floats(7.0, 8.4))
@settings(max_examples=25, deadline=None)
def test_line_ratios_of_h_ii_galaxies_keep_to_physics(abundance):
    """[O III] 5008 / 4960 of 2.98 and [N II] 3.05 hold at any abundance; H-alpha / H-beta is case
    B or redder, and nitrogen falls with oxygen."""
    rng = np.random.default_rng(0)
    ratios = emission_galaxies.hii_ratios(rng, np.full(300, abundance))
    np.testing.assert_allclose(ratios["[OIII]"] / ratios["[OIII] 4960"], 2.98, rtol=0.02)
    np.testing.assert_allclose(ratios["[NII]"] / ratios["[NII] 6549"], 3.05, rtol=0.02)
    assert ratios["Halpha"].min() >= 2.79 and np.median(ratios["Halpha"]) < 3.1
    nitrogen = np.median(ratios["[NII]"] / ratios["Halpha"])
    assert nitrogen < 0.12
    assert nitrogen < 0.01 or abundance > 7.55


def test_a_galaxy_as_i_zw_18_lies_well_within_the_distribution(rng):
    """z 0.0025, H-alpha wider than 400 Angstrom, [O III] / H-beta 1.5 to 4, no [N II], blue."""
    z = np.full(1500, 0.0025)
    flux = of_kind(rng, "H II", z)
    width = line_flux(flux, 0.0025, "Halpha") / flux[:, [400]].mean(axis=1)
    hbeta = line_flux(flux, 0.0025, "Hbeta", 2)
    ratio = line_flux(flux, 0.0025, "[OIII]", 2) / hbeta
    alike = (width > 400) & (ratio > 1.5) & (ratio < 4)
    assert alike.mean() > 0.1
    blue = flux[:, 40] / flux[:, 400]
    assert np.median(blue) > 3
    drawn = galaxies.GROUPS["H II"].redshift(rng, np.full(2000, "H II"))
    assert np.mean((drawn > 0) & (drawn < 0.005)) > 0.15


@given(
    st.lists(st.floats(galaxies.NEAREST, 1.65), min_size=1, max_size=6),
    st.sampled_from([*galaxies.FRACTIONS, *galaxies.EMITTERS]),
    st.integers(0, 100),
)
@settings(max_examples=40, deadline=None)
def test_every_kind_shines_at_every_redshift(z, kind, seed):
    """Finite, never negative, and on every part of the grid."""
    flux = of_kind(np.random.default_rng(seed), kind, np.array(z))
    assert flux.dtype == np.float32
    assert np.isfinite(flux).all() and flux.min() >= 0
    assert np.all(flux[:, GRID.size // 2 :].max(axis=1) > 0)
