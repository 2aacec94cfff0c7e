import numpy as np
import pytest
from make_templates import write_folder

from data_prep.mock import galaxies, populations, survey
from data_prep.mock.ingredients import Ingredients
from data_prep.mock.template_folder import templates
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import REST
from spectranet_jax.spectra.native import NATIVE_GRID


def break_4000(kind: str, rng: np.random.Generator) -> float:
    """Median D4000 of Balogh et al. (1999): mean f_nu of 4000-4100 over that of 3850-3950."""
    n, z = 200, 0.3
    starlight = populations.stellar_flux(rng, np.array([kind] * n), np.full(n, z), GRID)
    rest = GRID.centers / (1 + z)
    f_nu = starlight * rest**2
    red = f_nu[:, (rest > 4000) & (rest < 4100)].mean(axis=1)
    return float(np.median(red / f_nu[:, (rest > 3850) & (rest < 3950)].mean(axis=1)))


def test_the_break_at_4000_angstrom_grows_with_age(rng):
    """Passive galaxies 1.6 to 2.0, star-forming ones 1.2 to 1.4 (Kauffmann et al. 2003)."""
    assert 1.5 < break_4000("old", rng) < 2.1
    assert 1.1 < break_4000("star-forming", rng) < 1.5
    order = [break_4000(kind, rng) for kind in populations.MIXTURES]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("name", ["CaII K", "G band", "Mgb", "NaD"])
def test_old_galaxies_absorb_where_metals_do(name, rng):
    z = np.full(100, 0.25)
    starlight = populations.stellar_flux(rng, np.array(["old"] * 100), z, GRID)
    line = int(GRID.bin_of(np.array(np.log10(REST[name] * 1.25))))
    sides = starlight[:, [line - 7, line + 7]].mean(axis=1)
    assert np.median(starlight[:, line] / sides) < 0.93


def test_moving_a_galaxy_moves_its_lines(rng):
    starlight = np.ones((2, GRID.size), np.float32)
    emission = galaxies.gas(rng, np.array([True, True]), starlight, np.array([0.1, 0.4]), GRID)
    for row, z in zip(emission, (0.1, 0.4), strict=True):
        around = np.log10(REST["Halpha"] * (1 + z))
        line = int(GRID.bin_of(np.array(around)))
        # At this resolution H-alpha stands amid [N II]; all three within two bins.
        assert abs(int(row[line - 12 : line + 12].argmax()) - 12) <= 2


def test_some_lines_are_narrower_than_a_spectrograph_makes_them(rng):
    """A native pixel is 69 km/s: at sigma 40 km/s the middle one holds up to 61% of a line, at 70
    km/s no more than 38%."""
    n = 400
    level = np.ones((n, NATIVE_GRID.size), np.float32)
    lines = galaxies.gas(rng, np.ones(n, bool), level, np.full(n, 0.1), NATIVE_GRID)
    at = int(NATIVE_GRID.bin_of(np.array(np.log10(REST["[OIII]"] * 1.1))))
    line = lines[:, at - 15 : at + 16]
    share = line.max(axis=1) / line.sum(axis=1)
    assert 0.5 < share.max() < 0.62
    assert np.mean(share < 0.38) > 0.5


def test_galaxies_cover_the_redshifts_of_the_survey(rng):
    flux, z, _ = galaxies.galaxies(rng, 2000, GRID)
    assert flux.shape == (2000, GRID.size)
    assert flux.dtype == np.float32
    assert np.isfinite(flux).all()
    assert flux.min() >= 0
    assert -0.0012 <= z.min() < 0
    assert 1.5 < z.max() <= 1.65
    kept = Ingredients(frozenset({"wide range"}))
    z = galaxies.galaxies(rng, 2000, GRID, kept)[1]
    assert 0 < z.min() < 0.02
    assert 1.1 < z.max() <= 1.4
    assert sum(galaxies.FRACTIONS.values()) == pytest.approx(1)


def test_templates_without_young_stars_go_to_galaxies_without_gas(rng, tmp_path):
    bank = templates(write_folder(tmp_path / "templates")).banks["GALAXY"]
    ionized = np.arange(200) < 100
    z = np.full(200, 0.1)
    starlight = galaxies.template_flux(rng, bank, ionized, z, GRID)
    rest = GRID.centers / 1.1
    line = starlight[:, np.abs(rest / REST["Halpha"] - 1) < 0.003].max(axis=1)
    ratio = line / starlight[:, np.abs(rest / 6650 - 1) < 0.004].mean(axis=1)
    assert np.median(ratio[ionized]) > 1.5
    assert np.percentile(ratio[~ionized], 95) < 1.2


def test_some_galaxies_are_bright_old_and_near(rng):
    z = np.concatenate([np.full(1000, 0.1), np.full(1000, 0.5)])
    magnitude = survey.galaxy_magnitudes(rng, np.full(2000, 21, np.float32), z)
    assert np.mean(magnitude[:1000] < 18.5) == pytest.approx(0.5, abs=0.06)
    assert np.all(magnitude[1000:] == 21)
