import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.physical_models import BlackBody

from data_prep.mock import photospheres, stars, white_dwarfs
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import REST

WAVELENGTH = GRID.centers.astype(np.float32)[None]
ONE, NO_VELOCITY = np.ones(1, np.float32), np.zeros(1, np.float32)


def depth(temperature: float) -> np.ndarray:
    return photospheres.absorption(
        GRID, WAVELENGTH, np.float32([temperature]), ONE, ONE, ONE, ONE, NO_VELOCITY
    )[0]


def bin_at(wavelength: float) -> int:
    return int(GRID.bin_of(np.array(np.log10(wavelength))))


@pytest.mark.parametrize("temperature", [2500.0, 5778.0, 40000.0])
def test_black_body_is_astropys(temperature):
    radiance = BlackBody(temperature * u.K, scale=1 * u.erg / (u.cm**2 * u.AA * u.s * u.sr))
    expected = radiance(WAVELENGTH[0] * u.AA) / radiance(5500 * u.AA)
    spectrum = photospheres.planck(WAVELENGTH, np.float32([temperature]))[0]
    np.testing.assert_allclose(spectrum, expected.value, rtol=2e-4)


def test_hydrogen_is_strongest_in_a_stars_and_calcium_in_k_stars():
    temperatures = [3500, 4500, 6000, 9500, 20000, 40000]
    hydrogen = [depth(t)[bin_at(REST["Hbeta"])] for t in temperatures]
    calcium = [depth(t)[bin_at(REST["CaII K"])] for t in temperatures]
    assert temperatures[int(np.argmax(hydrogen))] == 9500
    assert temperatures[int(np.argmax(calcium))] == 4500


def test_titanium_oxide_is_a_mark_of_m_stars():
    head = bin_at(7070)
    assert depth(3000)[head] > 0.5 > 0.05 > depth(4500)[head]


def test_the_balmer_jump_is_deepest_near_9500_kelvin():
    temperature = np.array([6000, 9500, 30000], np.float32)
    wavelength = np.broadcast_to(np.float32([3620, 3800]), (3, 2))
    spectrum = photospheres.continuum(wavelength, temperature, np.ones(3, np.float32))
    jump = np.log(spectrum[:, 1] / spectrum[:, 0])
    smooth = photospheres.planck(wavelength, temperature)
    jump -= np.log(smooth[:, 1] / smooth[:, 0])
    assert np.argmax(jump) == 1
    assert jump[1] > 0.5


@pytest.mark.parametrize("kind", stars.KINDS)
def test_every_kind_of_star_shines(kind, rng):
    flux = stars.KINDS[kind].draw(rng, 64, GRID)
    assert flux.shape == (64, GRID.size)
    assert flux.dtype == np.float32
    assert np.isfinite(flux).all()
    assert flux.min() >= 0
    assert (flux.max(axis=1) > 0).all()


def test_shares_of_stars_add_up():
    assert sum(kind.fraction for kind in stars.KINDS.values()) == pytest.approx(1)
    assert sum(white_dwarfs.FRACTIONS.values()) == pytest.approx(1)


def test_cataclysmic_variables_emit_where_white_dwarfs_absorb(rng):
    line, side = bin_at(REST["Hbeta"]), bin_at(5050)

    def contrast(kind: str) -> float:
        flux = stars.KINDS[kind].draw(rng, 400, GRID)
        return float(np.median(flux[:, line] / flux[:, side]))

    assert contrast("cataclysmic") > 1.2 > 1.0 > contrast("white dwarf")
