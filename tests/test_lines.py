import numpy as np
import pytest

from spectranet_jax.spectra.lines import BALMER, REST, SKY

RYDBERG_HYDROGEN = 1.0967758e-3  # 1/Angstrom


@pytest.mark.parametrize("upper, name", list(enumerate(BALMER, start=3)))
def test_balmer_lines_follow_the_rydberg_formula(upper, name):
    expected = 1 / (RYDBERG_HYDROGEN * (1 / 4 - 1 / upper**2))
    assert REST[name] == pytest.approx(expected, rel=2e-5)


def test_lyman_lines_follow_the_rydberg_formula():
    assert REST["Lya"] == pytest.approx(1 / (RYDBERG_HYDROGEN * (1 - 1 / 4)), rel=2e-5)
    assert REST["Lyb"] == pytest.approx(1 / (RYDBERG_HYDROGEN * (1 - 1 / 9)), rel=2e-5)
    assert REST["Lyman limit"] == pytest.approx(1 / RYDBERG_HYDROGEN, rel=2e-5)


def vacuum(air: float) -> float:
    """Ciddor (1996) as SDSS gives it, the inverse of air = vacuum / (1 + ...)."""
    wavelength = air
    for _ in range(5):
        k2 = (1e4 / wavelength) ** 2
        wavelength = air * (1 + 0.05792105 / (238.0185 - k2) + 0.00167917 / (57.362 - k2))
    return wavelength


@pytest.mark.parametrize(
    "name, air",
    [
        ("CaII K", 3933.66),
        ("CaII 8544", 8542.09),
        ("HeI 4473", 4471.50),
        ("HeII 4686", 4685.70),
        ("HeI 6680", 6678.15),
        ("KI 7668", 7664.90),
        ("MgI 8809", 8806.76),
        ("[OIII]", 5006.84),
        ("[NII]", 6583.45),
        ("SrII 4079", 4077.71),
        ("SrII 4217", 4215.52),
        ("BaII 4555", 4554.03),
        ("BaII 4935", 4934.08),
        ("FeI 3736", 3734.86),
        ("[SIII] 9071", 9068.6),
        ("[SIII] 9533", 9530.6),
        ("sky OI 5579", 5577.34),
        ("sky OH 8888", 8885.85),
        ("sky OH 9378", 9375.96),
    ],
)
def test_wavelengths_are_in_vacuum(name, air):
    assert REST[name] == pytest.approx(vacuum(air), abs=0.25)


def test_every_sky_line_stands_on_the_grid():
    from spectranet_jax.spectra import QUASARNET_GRID as GRID

    assert all(GRID.edges[0] < REST[name] < GRID.edges[-1] for name in SKY)
    assert all(np.isfinite(w) and w > 900 for w in REST.values())
