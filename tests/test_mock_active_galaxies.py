"""Seyfert 2 galaxies and LINERs: what tells them from quasars and from star-forming galaxies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.mock import active_galaxies, galaxies
from data_prep.mock.active_galaxies import LINER, SEYFERT, Nucleus
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

PIXELS = LogGrid(3600.0, 1e-4, 4400)
"""Pixels of 69 km/s, which part [N II] from H-alpha in the narrowest lines."""


def lines_of(rng: np.random.Generator, nucleus: Nucleus, n: int, z: float) -> np.ndarray:
    """Lines on starlight of 1 everywhere, (n, bins)."""
    level = np.ones((n, PIXELS.size), np.float32)
    return active_galaxies.gas(rng, nucleus, level, np.full(n, z), PIXELS)


def flux_within(lines: np.ndarray, z: float, low: float, high: float) -> np.ndarray:
    """Flux between two rest wavelengths in Angstrom, per unit of rest wavelength, (n,)."""
    rest = PIXELS.centers / (1 + z)
    inside = (rest > low) & (rest < high)
    return lines[:, inside] @ np.diff(PIXELS.edges)[inside] / (1 + z)


@pytest.mark.parametrize("nucleus", [SEYFERT, LINER])
def test_h_alpha_and_its_neighbors_are_as_wide_as_drawn(nucleus, rng):
    """With [N II] 6549 and 6585 they hold 1 + [N II] / H-alpha (1 + 1 / 3.05) times H-alpha."""
    z = 0.05
    total = flux_within(lines_of(rng, nucleus, 900, z), z, 6480, 6650)
    blend = 1 + nucleus.to_halpha["[NII]"] * (1 + 1 / 3.05)
    low, high = nucleus.halpha
    assert np.median(total) == pytest.approx(blend * np.sqrt(low * high), rel=0.15)
    assert total.max() < high * 8


def test_seyferts_and_liners_part_at_oxygen(rng):
    """[O III] 5008 / H-beta above 3 in Seyfert 2 galaxies and below 3 in LINERs, mostly."""
    above = []
    for nucleus in (SEYFERT, LINER):
        lines = lines_of(rng, nucleus, 400, 0.03)
        hbeta, oxygen = flux_within(lines, 0.03, 4840, 4885), flux_within(lines, 0.03, 4985, 5030)
        above.append(np.mean(oxygen > 3 * hbeta))
    assert above[0] > 0.9 > 0.2 > above[1]


@given(st.sampled_from([SEYFERT, LINER]), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_no_line_is_as_broad_as_a_quasars(nucleus, seed):
    """[O III], alone between 4985 and 5030 Angstrom, keeps half its flux within 600 km/s."""
    rng, z = np.random.default_rng(seed), 0.1
    lines = lines_of(rng, nucleus, 5, z)
    reach = REST["[OIII]"] * 600 / SPEED_OF_LIGHT
    inner = flux_within(lines, z, REST["[OIII]"] - reach, REST["[OIII]"] + reach)
    assert np.all(inner > 0.5 * flux_within(lines, z, 4985, 5030))


def test_without_h_alpha_on_the_grid_there_is_no_gas(rng):
    assert not lines_of(rng, SEYFERT, 5, 0.6).any()


def test_active_galaxies_are_near_and_have_h_alpha_on_the_grid(rng):
    group = galaxies.GROUPS["active"]
    z = group.redshift(rng, np.full(3000, "LINER", "U16"))
    assert z.min() > 0.004 and z.max() <= 0.3
    assert np.median(z) == pytest.approx(np.sqrt(0.005 * 0.3), rel=0.15)
