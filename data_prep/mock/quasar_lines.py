"""Emission of quasars: broad and narrow lines, iron and the Balmer continuum."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.draws import log_normal
from data_prep.mock.profiles import Array, add_line
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT


class Broad(NamedTuple):
    """A broad line: equivalent width and sigma in Angstrom, mean shift in km/s, family.

    Equivalent widths and widths after Vanden Berk et al. (2001), Table 2, with N V and the blend
    of C III] divided among their parts; shifts are the composite's. Lines of a family rise and
    fall together.
    """

    name: str
    equivalent_width: float
    sigma: float
    shift: float
    family: str


BROAD = (
    Broad("Lydelta", 3.0, 4.7, 0, "lya"),
    Broad("CIII 977", 6.5, 9.0, 0, "lya"),
    Broad("OVI", 13.0, 8.5, -230, "lya"),
    Broad("FeIII UV1", 3.7, 8.5, 0, "iron"),
    Broad("Lya", 80.0, 15.0, 0, "lya"),
    Broad("NV", 20.0, 15.0, -150, "high"),
    Broad("OI 1304", 1.9, 6.0, 0, "low"),
    Broad("CII 1335", 0.8, 5.0, 0, "low"),
    Broad("SiIV", 5.0, 12.0, -300, "high"),
    Broad("OIV]", 4.0, 12.0, -300, "high"),
    Broad("CIV", 33.0, 12.5, -560, "high"),
    Broad("HeII 1640", 6.0, 26.0, -600, "high"),
    Broad("OIII] 1664", 1.2, 9.0, -200, "high"),
    Broad("NIII] 1750", 0.8, 9.0, 0, "low"),
    Broad("AlIII", 3.0, 13.0, -200, "low"),
    Broad("SiIII]", 5.0, 13.0, -200, "low"),
    Broad("CIII]", 17.0, 19.0, -250, "semi"),
    Broad("FeIII UV48", 2.5, 17.0, 0, "iron"),
    Broad("FeII 2324", 4.0, 30.0, 0, "iron"),
    Broad("[NeIV]", 1.0, 12.0, 0, "semi"),
    Broad("MgII", 30.0, 22.0, 100, "magnesium"),
    Broad("FeII 2964", 4.9, 23.0, 0, "iron"),
    Broad("HeII 3203", 1.2, 13.0, 0, "low"),
    Broad("Hdelta", 6.5, 20.0, 0, "balmer"),
    Broad("Hgamma", 14.0, 24.0, 0, "balmer"),
    Broad("FeII 4564", 19.5, 55.0, 0, "iron"),
    Broad("HeII 4686", 4.0, 35.0, -300, "balmer"),
    Broad("Hbeta", 46.0, 33.0, 0, "balmer"),
    Broad("FeII 5306", 21.5, 65.0, 0, "iron"),
    Broad("HeI 5877", 6.0, 33.0, 0, "balmer"),
    Broad("Halpha", 195.0, 44.0, 0, "balmer"),
    Broad("HeI 7067", 3.1, 25.0, 0, "balmer"),
)

# Family -> Baldwin slope (log10 of the equivalent width a magnitude) and scatter (natural log).
FAMILIES = {
    "lya": (0.09, 0.45), "high": (0.095, 0.40), "semi": (0.03, 0.35), "low": (0.03, 0.40),
    "magnesium": (0.065, 0.35), "balmer": (0.02, 0.35), "iron": (0.0, 0.60),
}  # fmt: skip

NARROW = {"[NeV]": 0.06, "[OII]": 0.12, "[NeIII]": 0.10, "[OIII] 4364": 0.03, "HeII 4686": 0.03,
          "Hbeta": 0.10, "[OIII] 4960": 0.336, "[OIII]": 1.0, "[OI]": 0.06, "Halpha": 0.35,
          "[NII]": 0.20, "[NII] 6549": 0.066, "[SII] 6718": 0.11, "[SII] 6732": 0.10,
          "[ArIII]": 0.03}  # fmt: skip
"""Equivalent widths of narrow lines relative to [O III] 5008."""


def emission(
    rng: np.random.Generator,
    luminosity: NDArray[np.float64],
    z: NDArray[np.float64],
    grid: LogGrid,
) -> Array:
    """All emission relative to the power law under it, float32 (n, bins).

    Args:
        rng: of the scatter from quasar to quasar.
        luminosity: (n,), M_i + 26; negative is brighter.
        z: (n,), redshift.
        grid: the bins.
    """
    n = len(z)
    wavelength = (grid.centers / (1 + z[:, None])).astype(np.float32)
    strength, outflow = _families(rng, luminosity), _blueshift(rng, luminosity)
    width = log_normal(rng, n, 0.92, 0.38)  # of a quasar's broad lines over the composite's
    total = iron_and_balmer(rng, wavelength, strength["iron"])
    for line in BROAD:
        _add_broad(rng, total, grid, line, strength[line.family], width, outflow, z)
    narrow = log_normal(rng, n, 12, 0.9) * 10 ** (0.06 * luminosity)  # of [O III], Angstrom
    narrow_width = log_normal(rng, n, 200, 0.35)
    for name, ratio in NARROW.items():
        add_line(
            total, grid, REST[name], narrow * log_normal(rng, n, ratio, 0.4), narrow_width, z=z
        )
    return total


def iron_and_balmer(rng: np.random.Generator, wavelength: Array, iron: Array) -> Array:
    """Pseudo-continuum of Fe II and the Balmer continuum relative to the power law, (n, bins).

    Bumps where the ultraviolet multiplets stand (Vestergaard & Wilkes 2001) and the 3000 Angstrom
    bump (Grandi 1982).
    """
    bumps = ((2080, 60, 0.06), (2250, 70, 0.09), (2400, 60, 0.18), (2500, 60, 0.21),
             (2600, 45, 0.15), (2700, 50, 0.05), (2930, 60, 0.06), (3200, 120, 0.06),
             (4200, 90, 0.03), (4500, 60, 0.05), (4620, 60, 0.06), (5190, 50, 0.06),
             (5300, 70, 0.07))  # fmt: skip
    total = np.zeros_like(wavelength)
    for center, width, height in bumps:
        bump = np.exp(np.float32(-0.5) * ((wavelength - center) / np.float32(width)) ** 2)
        total += (iron * log_normal(rng, len(iron), height, 0.25))[:, None] * bump
    balmer = log_normal(rng, len(iron), 0.15, 0.5)[:, None]
    edge = 0.5 - 0.5 * np.tanh((wavelength - 3680) / np.float32(60))
    return total + balmer * edge * np.clip((wavelength / 3646) ** 3, 0, 1)


def _families(rng: np.random.Generator, luminosity: NDArray[np.float64]) -> dict[str, Array]:
    """Strength of each family of lines about 1: Baldwin effect, common and own scatter, (n,)."""
    n = len(luminosity)
    common = rng.normal(0, 0.25, n)
    weak = rng.random(n) < 0.03  # weak-line quasars
    baldwin = np.clip(luminosity, -3, 3.5)
    return {
        family: (
            np.exp(common * (family != "iron") + rng.normal(0, scatter, n) - 1.2 * weak)
            * 10 ** (slope * baldwin)
        ).astype(np.float32)
        for family, (slope, scatter) in FAMILIES.items()
    }


def _blueshift(rng: np.random.Generator, luminosity: NDArray[np.float64]) -> Array:
    """Outflow factor of the high-ionization lines: 1 in the composite, growing with luminosity.

    The blueshift of C IV runs from 0 to 3,000 km/s and rises with luminosity (Richards et al.
    2011, AJ 141, 167).
    """
    mean = np.clip(1.0 - 0.35 * luminosity, 0.3, 2.5)
    return (mean * rng.gamma(2.0, 0.5, len(luminosity))).astype(np.float32)


def _add_broad(
    rng: np.random.Generator,
    lines: Array,
    grid: LogGrid,
    line: Broad,
    strength: Array,
    width: Array,
    outflow: Array,
    z: NDArray[np.float64],
) -> None:
    """Paint one broad line of every quasar: a broad base and a narrower core."""
    n = len(z)
    rest = REST[line.name]
    scale: Array | float = outflow if line.family == "high" else 1.0
    shift = line.shift * scale + rng.normal(0, 150, n)
    total = strength * log_normal(rng, n, line.equivalent_width, 0.15)
    sigma = width * log_normal(rng, n, line.sigma / rest * SPEED_OF_LIGHT, 0.1)
    core = np.clip(rng.normal(0.5, 0.2, n), 0.05, 0.95)
    skew = log_normal(rng, n, 1, 0.12)
    if line.family == "high":
        skew = skew * (1 + 0.12 * outflow)
    at_base, at_core = ((1 + z) * (1 + shift * s / SPEED_OF_LIGHT) - 1 for s in (1.4, 0.6))
    base = np.minimum(1.6 * sigma, 9000)
    add_line(lines, grid, rest, total * (1 - core), base * skew, base / skew, z=at_base)
    narrower = 0.45 * sigma
    add_line(lines, grid, rest, total * core, narrower * skew, narrower / skew, z=at_core)
