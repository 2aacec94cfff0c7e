import lick_indices
import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.physical_models import BlackBody

from data_prep.mock import (
    carbon_stars,
    cool_stars,
    giants,
    normal_stars,
    photospheres,
    rare_white_dwarfs,
    stars,
    white_dwarfs,
)
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT
from spectranet_jax.spectra.native import NATIVE_GRID

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


@pytest.mark.parametrize("kind", stars.all_kinds(EVERYTHING))
def test_every_kind_of_star_shines(kind, rng):
    flux = stars.all_kinds(EVERYTHING)[kind].draw(rng, 64, GRID)
    assert flux.shape == (64, GRID.size)
    assert flux.dtype == np.float32
    assert np.isfinite(flux).all()
    assert flux.min() >= 0
    assert (flux.max(axis=1) > 0).all()


def test_shares_of_stars_add_up():
    assert sum(kind.fraction for kind in stars.KINDS.values()) == pytest.approx(1)
    for ingredients in (EVERYTHING, Ingredients(frozenset({"wide range"}))):
        kinds = stars.all_kinds(ingredients).values()
        assert sum(kind.fraction for kind in kinds) == pytest.approx(1)
    assert sum(kind.fraction for kind in stars.RARE.values()) < 0.25
    assert sum(fraction for fraction, _ in rare_white_dwarfs.TYPES.values()) == pytest.approx(1)
    assert sum(white_dwarfs.FRACTIONS.values()) == pytest.approx(1)


def test_cataclysmic_variables_emit_where_white_dwarfs_absorb(rng):
    line, side = bin_at(REST["Hbeta"]), bin_at(5050)

    def contrast(kind: str) -> float:
        flux = stars.KINDS[kind].draw(rng, 400, GRID)
        return float(np.median(flux[:, line] / flux[:, side]))

    assert contrast("cataclysmic") > 1.2 > 1.0 > contrast("white dwarf")


def depth_at(flux: np.ndarray, wavelength: float, half: int = 4) -> np.ndarray:
    """1 - flux over the mean level of the two sides, (n,); negative in emission."""
    at = bin_at(wavelength)
    return 1 - flux[:, at] / flux[:, [at - half, at + half]].mean(axis=1)


def test_low_gravity_deepens_calcium_and_cyanogen_and_weakens_magnesium_and_sodium(rng):
    solar = np.ones(400)
    dwarfs = normal_stars.normal_stars(rng, GRID, 4600 * solar, solar)
    factor = giants.low_gravity(rng, dwarfs, GRID) / dwarfs
    for deeper in (8544.4, 8664.5, 4200.0, 3875.0):
        assert np.median(factor[:, bin_at(deeper)]) < 0.97
    for weaker in (REST["Mgb"], REST["NaD"]):
        assert np.median(factor[:, bin_at(weaker)]) > 1.02
    triplet = np.sum(
        (1 - factor) * np.diff(GRID.edges), axis=1, where=np.abs(WAVELENGTH - 8585) < 150
    )
    assert 1 < np.median(triplet) < 5  # Angstrom beyond a dwarf's 7; giants have 8 to 11


@pytest.mark.slow
def test_no_giant_emits_at_magnesium_or_sodium(rng):
    """At any metallicity and temperature; and each line is weaker than a dwarf's."""
    dwarfs = giants.giants(rng, 600, NATIVE_GRID)
    made = giants.low_gravity(rng, dwarfs, NATIVE_GRID)
    for name in ("Mgb", "NaD"):
        before, after = (
            lick_indices.equivalent_width(NATIVE_GRID.edges, flux, name) for flux in (dwarfs, made)
        )
        assert after.min() > 0
        assert np.all(after < before)
        assert 0.5 < np.median(after / before) < 0.95


def test_low_gravity_changes_no_line_that_is_not_there():
    """Of a star without lines, only the bands of cyanogen are left."""
    flux = np.ones((50, GRID.size), np.float32)
    made = giants.low_gravity(np.random.default_rng(1), flux, GRID)
    rest = GRID.centers
    np.testing.assert_array_equal(made[:, (rest > 4300) & (rest < 5650)], 1)
    assert made.max() <= 1


def test_giants_are_bright(rng):
    """Half of a survey of giants is brighter than 17."""
    only = stars.RARE["giant"]._replace(fraction=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stars, "all_kinds", lambda _: {"giant": only})
        magnitude = stars.stars(rng, 400, GRID)[1]
    assert np.median(magnitude) == pytest.approx(16.75, abs=0.6)
    _, plain = stars.stars(rng, 400, GRID, Ingredients(frozenset({"wide range"})))
    assert np.isnan(plain).all()


@pytest.mark.parametrize(
    "kind, wavelength, low, high",
    [
        ("emission-line", REST["Halpha"], -20, -0.1),
        ("L dwarf", 7684, 0.3, 1.0),  # potassium
        ("L dwarf", 8523.5, 0.02, 0.9),  # cesium
        ("M subdwarf", 6920, 0.05, 0.8),  # CaH
        ("polar", REST["HeII 4686"], -20, -0.2),
        ("dwarf nova", REST["Hgamma"], -20, -0.2),
        ("flaring", REST["Halpha"], -20, -0.1),
    ],
)
def test_rare_stars_show_their_lines(kind, wavelength, low, high, rng):
    flux = stars.RARE[kind].draw(rng, 300, GRID)
    assert low < np.median(depth_at(flux, wavelength, 10)) < high


def test_in_subdwarfs_calcium_hydride_outdoes_titanium_oxide(rng):
    """CaH3 and TiO5 of Lepine et al. (2007), which define the classes."""

    def bands(flux: np.ndarray) -> float:
        side, calcium, titanium = (flux[:, bin_at(at)] for at in (7044, 6975, 7130))
        return float(np.median(1 - titanium / side) / np.median(1 - calcium / side))

    dwarfs = stars.normal_stars(rng, GRID, rng.uniform(3000, 3900, 300), np.ones(300))
    assert bands(dwarfs) > 2 * bands(stars.RARE["M subdwarf"].draw(rng, 300, GRID))


def test_helium_rivals_hydrogen_in_polars_alone(rng):
    def ratio(kind: str) -> float:
        flux = stars.all_kinds(EVERYTHING)[kind].draw(rng, 300, GRID)
        lines = [depth_at(flux, REST[name], 3) for name in ("HeII 4686", "Hbeta")]
        return float(np.median(lines[0] / lines[1]))

    assert ratio("polar") > 0.5 > 2 * ratio("dwarf nova")


def test_a_disk_seen_edge_on_has_two_peaks(rng):
    """At native pixels, 700 to 2,000 km/s apart."""
    flux = stars.RARE["dwarf nova"].draw(rng, 100, NATIVE_GRID)
    velocity = np.log(NATIVE_GRID.centers / REST["Hbeta"]) * SPEED_OF_LIGHT
    near = np.abs(velocity) < 1600
    peaks = [velocity[near & side][flux[:, near & side].argmax(axis=1)]
             for side in (velocity < 0, velocity > 0)]  # fmt: skip
    separation = peaks[1] - peaks[0]
    assert np.percentile(separation, 20) > 500
    assert np.median(separation) == pytest.approx(1350, abs=350)


@pytest.mark.parametrize(
    "kind", ["cool", "carbon", "carbon giant", "L dwarf", "M subdwarf", "flaring", "emission-line"]
)
def test_all_features_of_a_star_share_its_velocity(kind, monkeypatch):
    """Ten native pixels of radial velocity move the whole spectrum by ten pixels."""

    def seen(pixels: int) -> np.ndarray:
        z = 10 ** (pixels * NATIVE_GRID.dloglam) - 1
        drawn = iter([np.full(20, z * SPEED_OF_LIGHT, np.float32)])  # a second draw would fail
        for module in (stars, normal_stars, cool_stars, carbon_stars):
            monkeypatch.setattr(module, "velocities", lambda *_: next(drawn))
        return stars.all_kinds(EVERYTHING)[kind].draw(np.random.default_rng(1), 20, NATIVE_GRID)

    # Its smooth error of all depths belongs to no frame.
    monkeypatch.setattr(normal_stars, "smooth_field", lambda *_: np.float32(0))
    at_rest, moving = seen(0)[:, 100:-110], seen(10)[:, 110:-100]
    np.testing.assert_allclose(moving, at_rest, rtol=2e-3, atol=1e-5 * at_rest.max())
