"""Starlight against published indices of galaxies, and against redrock's galaxies."""

import lick_indices
import numpy as np
import pytest

from data_prep.mock import dust, galaxies, populations
from data_prep.mock.template_folder import templates
from spectranet_jax.spectra import QUASARNET_GRID
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST

FINE = LogGrid(3600.0, 2e-4, 1990)
COARSE = LogGrid(3600.0, 1e-3, 398)  # 690 km/s

# Range of the medians of old galaxies, Angstrom, after broadening by 270 km/s, which takes away a
# tenth to a fifth of the narrow indices: massive early-type galaxies of Trager et al. (1998) and
# Gallazzi et al. (2005), cited from memory.
OLD = {
    "HdeltaA": (-3.0, -1.0),
    "G4300": (4.0, 6.0),
    "Fe4383": (3.8, 5.6),
    "Mgb": (2.4, 4.8),
    "Fe5270": (2.2, 3.4),
    "Fe5335": (2.2, 3.4),
    "NaD": (2.2, 5.2),
}


def starlight(kind: str, n: int = 300, grid: LogGrid = FINE) -> np.ndarray:
    rng = np.random.default_rng(3)
    return populations.stellar_flux(rng, np.array([kind] * n), np.zeros(n), grid)


@pytest.mark.parametrize("index", OLD)
def test_old_galaxies_have_the_indices_of_early_types(index):
    low, high = OLD[index]
    widths = lick_indices.equivalent_width(FINE.edges, starlight("old"), index)
    assert low < np.median(widths) < high
    young = lick_indices.equivalent_width(FINE.edges, starlight("star-forming"), index)
    grows = index == "HdeltaA"
    assert (np.median(young) > np.median(widths)) == grows


@pytest.mark.slow
def test_break_and_h_delta_follow_the_sequence_of_ages():
    """Kauffmann et al. (2003, MNRAS 341, 33), figure 3: from (1.8, -2) to (1.2, 6)."""
    points = {
        kind: (
            np.median(lick_indices.break_4000(FINE.edges, starlight(kind))),
            np.median(lick_indices.equivalent_width(FINE.edges, starlight(kind), "HdeltaA")),
        )
        for kind in populations.MIXTURES
    }
    assert 1.65 < points["old"][0] < 2.0
    assert 1.1 < points["star-forming"][0] < 1.4
    assert 3 < points["star-forming"][1] < 7
    assert 5 < points["post-starburst"][1] < 10
    breaks = [point[0] for point in points.values()]
    assert breaks == sorted(breaks, reverse=True)


def test_strengths_of_metals_and_light_elements_scatter_apart():
    """Enhanced galaxies: Mg b changes at a given iron index (Trager et al. 2000)."""
    flux = starlight("old")
    iron, magnesium = (
        lick_indices.equivalent_width(FINE.edges, flux, name) for name in ("Fe5270", "Mgb")
    )
    correlation = np.corrcoef(iron, magnesium)[0, 1]
    assert 0.3 < correlation < 0.95


def test_mixtures_are_of_all_light():
    for mixture in populations.MIXTURES.values():
        assert len(mixture) == len(populations.TEMPERATURES)
        assert sum(mixture) == pytest.approx(1)
    assert set(populations.METALS) == set(populations.MIXTURES) == set(galaxies.FRACTIONS)


def test_starlight_is_about_1_at_5500_angstrom():
    for kind in populations.MIXTURES:
        flux = starlight(kind, grid=QUASARNET_GRID)
        assert flux.dtype == np.float32 and flux.min() >= 0
        near = flux[:, np.abs(QUASARNET_GRID.centers / 5500 - 1) < 0.005].mean(axis=1)
        np.testing.assert_allclose(near, 1, atol=0.2)


@pytest.mark.slow
def test_components_of_analytic_galaxies_describe_redrocks(shared):
    """Ten components leave 2.1% of the variance outside emission lines, 2.7% of old levels.

    With photospheres of five temperatures and few lines it was 4.4% and 5.0%.
    """
    bank = templates(shared / "templates" / "redrock").banks["GALAXY"]
    n = len(bank)
    rng = np.random.default_rng(1)
    kinds = rng.choice(list(galaxies.FRACTIONS), 2000, p=list(galaxies.FRACTIONS.values()))
    flux = populations.stellar_flux(rng, kinds, np.zeros(2000), COARSE)
    reddening = (rng.exponential(0.12, 2000) * (kinds != "old")).astype(np.float32)
    wavelength = np.broadcast_to(COARSE.centers.astype(np.float32), flux.shape)
    flux = flux * dust.dimming(dust.milky_way(wavelength), reddening)
    lines = ("[OII]", "[NeIII]", "Hdelta", "Hgamma", "Hbeta", "[OIII] 4960", "[OIII]", "HeI 5877",
             "[OI]", "[NII] 6549", "Halpha", "[NII]", "[SII] 6718", "[SII] 6732")  # fmt: skip
    away = [np.abs(COARSE.centers / REST[name] - 1) > 0.006 for name in lines]
    quiet = np.logical_and.reduce(away)
    analytic, observed = (
        part[:, quiet] / np.linalg.norm(part[:, quiet], axis=1, keepdims=True)
        for part in (flux, bank.seen(np.arange(n), np.zeros(n), COARSE))
    )
    mean = analytic.mean(axis=0)
    components = np.linalg.svd(analytic - mean, full_matrices=False)[2][:10]
    residual = (observed - mean) - (observed - mean) @ components.T @ components
    variance = np.sum((observed - observed.mean(axis=0)) ** 2)
    assert np.sum(residual**2) / variance < 0.025
    old = galaxies.break_4000(bank) > galaxies.PASSIVE_BREAK
    assert np.sqrt(np.mean(residual[old] ** 2)) / observed[old].mean() < 0.03
