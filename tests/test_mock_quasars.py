import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM
from make_templates import write_folder

from data_prep.mock import quasar_families, quasar_lines, quasars
from data_prep.mock.ingredients import Ingredients
from data_prep.mock.template_folder import templates
from spectranet_jax.spectra import QUASARNET_GRID as GRID
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT

FAINT = np.float32(20.8)


def draw(rng, z, magnitude=FAINT, n=600, bal=False):
    z = np.full(n, z)
    return quasars.quasars(rng, z, np.full(n, magnitude), GRID, bal)


@pytest.mark.parametrize("z", [0.3, 1.0, 2.5, 4.5])
def test_absolute_magnitude_is_astropys(z):
    cosmology = FlatLambdaCDM(H0=70, Om0=0.3)
    expected = 20 - cosmology.distmod(z).value + 2.5 * 0.5 * np.log10(1 + z)
    model = quasars.absolute_magnitude(np.array([20.0]), np.array([z]))[0]
    assert model == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    "z, name, tolerance",
    [(2.5, "Lya", 1200), (2.5, "CIV", 1500), (1.2, "MgII", 800), (0.2, "Halpha", 800)],
)
def test_lines_peak_where_the_redshift_puts_them(z, name, tolerance, rng):
    mean = np.median(draw(rng, z)[0], axis=0)
    expected = REST[name] * (1 + z)
    near = np.abs(np.log(GRID.centers / expected)) < 0.03
    peak = GRID.centers[near][mean[near].argmax()]
    assert abs(np.log(peak / expected)) * SPEED_OF_LIGHT < tolerance


def equivalent_width(flux, z, low, high):
    """Against a straight line between the ends, rest-frame Angstrom, (n,)."""
    rest = GRID.centers / (1 + z)
    inside = np.flatnonzero((rest > low) & (rest < high))
    ends = [flux[:, inside[i : i + 6 or None]].mean(axis=1) for i in (0, -6)]
    part = np.linspace(0, 1, len(inside))
    under = ends[0][:, None] * (1 - part) + ends[1][:, None] * part
    return np.sum((flux[:, inside] / under - 1) * np.gradient(rest[inside]), axis=1)


@pytest.mark.slow
def test_lines_are_as_strong_as_in_the_composite(rng):
    """Vanden Berk et al. (2001), at SDSS luminosities: C IV 24, Mg II 32 Angstrom."""
    carbon = equivalent_width(draw(rng, 2.2, np.float32(19))[0], 2.2, 1460, 1600)
    magnesium = equivalent_width(draw(rng, 1.2, np.float32(19))[0], 1.2, 2690, 2900)
    assert np.median(carbon) == pytest.approx(23.8, rel=0.35)
    assert np.median(magnesium) == pytest.approx(32.3, rel=0.35)


def test_bright_quasars_have_weaker_lines(rng):
    """Baldwin effect: 0.09 dex per magnitude in C IV, and a little more by faster outflows."""
    bright, faint = (
        np.median(equivalent_width(draw(rng, 2.2, np.float32(m))[0], 2.2, 1460, 1600))
        for m in (18, 21)
    )
    assert np.log10(faint / bright) / 3 == pytest.approx(0.11, abs=0.035)


@pytest.mark.slow
def test_c_iv_is_blueshifted_and_more_so_in_bright_quasars(rng):
    rest = GRID.centers / 3.2
    near = (rest > 1500) & (rest < 1600)
    velocity = np.log(rest[near] / REST["CIV"]) * SPEED_OF_LIGHT

    def shift(magnitude):
        flux = np.median(draw(rng, 2.2, np.float32(magnitude), 1500)[0], axis=0)[near]
        line = flux - np.interp(rest[near], rest[near][[0, -1]], flux[[0, -1]])
        return np.sum(velocity * line) / np.sum(line)

    bright, faint = shift(17.5), shift(21.5)
    assert bright < faint < 0


def test_hosts_shine_in_faint_nearby_quasars_alone(rng):
    z = np.array([0.2] * 300 + [2.5] * 300)
    continuum = np.ones((600, GRID.size), np.float32)
    luminosity = np.array([3.0, 0.0] * 300)
    fraction = np.median(quasars.host(rng, continuum, luminosity, z, GRID), axis=1)
    assert np.all(fraction[300:] == 0)
    assert np.median(fraction[:300:2]) > 1.5 * np.median(fraction[1:300:2]) > 0


def test_only_bal_quasars_have_balnicity(rng):
    assert not draw(rng, 2.4, n=50)[1].any()
    assert (draw(rng, 2.4, n=200, bal=True)[1] > 0).mean() > 0.5


def test_redshifts_are_those_of_a_boss_survey(rng):
    z = quasars.redshifts(rng, 20_000, Ingredients(frozenset({"wide range"})))
    assert 0.04 < z.min() < 0.1
    assert 5 < z.max() <= 5.3
    assert 0.45 < np.mean(z > 2.15) < 0.75


def test_a_fast_outflow_weakens_c_iv_and_strengthens_its_low_ionization_neighbors(rng):
    """Richards et al. (2011): C IV is weaker, and Al III over C III] stronger, where C IV is
    blueshifted most."""
    outflow = np.repeat(np.float32([0.3, 3.0]), 4000)
    strength = quasar_families.strengths(rng, np.zeros(8000), outflow)
    slow, fast = ({k: np.median(v[part]) for k, v in strength.items()}
                  for part in (slice(4000), slice(4000, None)))  # fmt: skip
    assert fast["high"] < 0.6 * slow["high"]
    assert fast["low"] / fast["semi"] > 2 * slow["low"] / slow["semi"]
    assert fast["magnesium"] == pytest.approx(slow["magnesium"], rel=0.1)


def test_high_ionization_lines_move_together_and_others_stay(rng):
    families = quasar_families.FAMILIES
    shifts = {line.name: line.shift for line in quasar_lines.BROAD}
    assert shifts["CIV"] < shifts["SiIV"] < shifts["NV"] < 0
    assert families["high"].blueshift > families["semi"].blueshift > 0
    assert families["magnesium"].blueshift == families["balmer"].blueshift == 0
    outflow = quasar_families.outflow_factor(rng, np.repeat([-3.0, 0.0, 3.0], 4000))
    bright, middle, faint = (outflow[i : i + 4000].mean() for i in (0, 4000, 8000))
    assert bright > 1.3 * middle > 1.3 * faint
    assert middle == pytest.approx(1, abs=0.06)


def test_some_nearby_quasars_show_narrow_lines_alone(rng):
    emission = quasar_lines.emission(rng, np.full(2000, 2.0), np.full(2000, 0.35), GRID)
    rest = GRID.centers / 1.35
    oxygen = emission[:, np.abs(rest / REST["[OIII]"] - 1) < 0.002].max(axis=1)
    wing = emission[:, np.abs(rest / 4820 - 1) < 0.003].mean(axis=1)  # of broad H-beta
    assert 0.02 < np.mean((oxygen > 3) & (wing < 0.06)) < 0.08


def test_templates_join_the_analytic_spectrum_without_a_step(rng, tmp_path):
    """Where a template of quasars begins, in Lyman-alpha, and where it ends, beyond [O III]."""
    bank = templates(write_folder(tmp_path / "templates")).banks["QSO"]
    for z, rest in ((2.4, bank.grid.start), (0.6, float(bank.grid.edges[-1]))):
        zs = np.full(50, z)
        continuum = quasars.power_law(rng, (GRID.centers / (1 + zs[:, None])).astype(np.float32))
        joined = quasars.template_flux(rng, bank, continuum, zs, GRID)
        seam = int(GRID.bin_of(np.array(np.log10(rest * (1 + z)))))
        step = np.abs(np.diff(np.log(joined[:, seam - 3 : seam + 4]), axis=1))
        assert np.median(step.max(axis=1)) < 0.25
        beyond = slice(0, seam - 30) if z > 1 else slice(seam + 10, None)
        slope = np.diff(np.log(joined[:, beyond] / continuum[:, beyond]), axis=1)
        assert np.abs(slope).max() < 0.02
