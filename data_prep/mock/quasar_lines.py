"""Emission of quasars: broad and narrow lines, iron and the Balmer continuum."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.mock.displaced_lines import MOVED, PEAKED, Displaced, add_peaks
from data_prep.mock.doublets import add_named_line
from data_prep.mock.draws import log_normal, log_uniform
from data_prep.mock.ingredients import EVERYTHING, Ingredients
from data_prep.mock.profiles import Array, add_line
from data_prep.mock.quasar_families import FAMILIES, outflow_factor, strengths, weaken
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST, SPEED_OF_LIGHT


class Broad(NamedTuple):
    """A broad line: equivalent width and sigma in Angstrom, mean shift in km/s, family.

    Equivalent widths and widths after Vanden Berk et al. (2001), Table 2, with N V and the blend of
    C III] divided among their parts, and brought nearer to medians of some hundred BOSS quasars; so
    are the shifts, relative to the redshift that inspectors and pipelines give. Lines of a family
    rise, fall and move together.
    """

    name: str
    equivalent_width: float
    sigma: float
    shift: float
    family: str


BROAD = (
    Broad("Lydelta", 3.0, 4.7, 0, "lya"),
    Broad("CIII 977", 6.5, 9.0, 0, "lya"),
    Broad("OVI", 22.0, 11.0, -230, "lya"),
    Broad("FeIII UV1", 3.7, 8.5, 0, "iron"),
    Broad("Lya", 88.0, 16.0, -500, "lya"),
    Broad("NV", 17.0, 15.0, -200, "high"),
    Broad("OI 1304", 1.9, 6.0, 0, "low"),
    Broad("CII 1335", 0.8, 5.0, 0, "low"),
    Broad("SiIV", 5.0, 13.0, -380, "high"),
    Broad("OIV]", 4.0, 13.0, -380, "high"),
    Broad("CIV", 37.0, 14.3, -700, "high"),
    Broad("HeII 1640", 8.0, 30.0, -700, "high"),
    Broad("OIII] 1664", 1.2, 9.0, -200, "high"),
    Broad("NIII] 1750", 0.8, 9.0, 0, "low"),
    Broad("AlIII", 3.5, 13.0, -220, "low"),
    Broad("SiIII]", 6.0, 13.0, -170, "low"),
    Broad("CIII]", 20.0, 19.0, -190, "semi"),
    Broad("FeIII UV48", 2.5, 17.0, 0, "iron"),
    Broad("FeII 2324", 4.0, 30.0, 0, "iron"),
    Broad("[NeIV]", 1.0, 12.0, 0, "semi"),
    Broad("MgII", 35.0, 22.0, 130, "magnesium"),
    Broad("FeII 2964", 4.9, 23.0, 0, "iron"),
    Broad("HeII 3203", 1.2, 13.0, 0, "low"),
    Broad("Hdelta", 6.5, 20.0, 0, "balmer"),
    Broad("Hgamma", 18.0, 24.0, 0, "balmer"),
    Broad("FeII 4564", 11.0, 55.0, 0, "iron"),
    Broad("HeII 4686", 4.0, 35.0, -300, "balmer"),
    Broad("Hbeta", 62.0, 33.0, -60, "balmer"),
    Broad("FeII 5306", 11.0, 65.0, 0, "iron"),
    Broad("HeI 5877", 6.0, 33.0, 0, "balmer"),
    Broad("Halpha", 310.0, 44.0, 0, "balmer"),
    Broad("HeI 7067", 3.1, 25.0, 0, "balmer"),
)


LYMAN_ALPHA = sum(line.equivalent_width for line in BROAD if line.name in ("Lya", "NV"))
"""Equivalent width of Lyman-alpha with N V in the composite, Angstrom."""

TYPE_TWO = 0.05
"""Fraction of quasars at redshifts of 0.3 to 1.2 whose narrow lines outshine weak broad ones.

Nearer ones are galaxies to surveys: `active_galaxies`."""

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
    ingredients: Ingredients = EVERYTHING,
    displaced: Displaced | None = None,
) -> Array:
    """Draw all emission relative to the power law under it, float32 (n, bins).

    Args:
        rng: of the scatter from quasar to quasar.
        luminosity: (n,), M_i + 26; negative is brighter.
        z: (n,), redshift.
        grid: the bins.
        ingredients: what it is made of; without blueshifts every line stands at its rest
            wavelength.
        displaced: displacement of the broad lines from the narrow ones; none by default.
    """
    n = len(z)
    wavelength = (grid.centers / (1 + z[:, None])).astype(np.float32)
    moving = ingredients.has("blueshifts")
    outflow = outflow_factor(rng, luminosity) if moving else np.ones(n, np.float32)
    strength = strengths(rng, luminosity, outflow)
    if ingredients.has("wide range"):
        weaken(rng, strength, LYMAN_ALPHA)
    family_shift = {name: rng.normal(0, f.velocity, n) * moving for name, f in FAMILIES.items()}
    width = log_normal(rng, n, 1.0, 0.35)  # of a quasar's broad lines over the composite's
    type_two = (rng.random(n) < TYPE_TWO) & (z > 0.3) & (z < 1.2)
    hidden = np.where(type_two, rng.uniform(0.02, 0.3, n), 1.0).astype(np.float32)

    displaced = Displaced.none(n) if displaced is None else displaced
    in_peaks: dict[str, Array] = {}

    total = np.zeros_like(wavelength)
    iron = ingredients.has("host and iron")
    if iron:
        total += hidden[:, None] * iron_and_balmer(rng, wavelength, strength["iron"])
    for line in BROAD:
        if line.family != "iron" or iron:
            family = FAMILIES[line.family]
            shift = moving * line.shift * outflow**family.blueshift + family_shift[line.family]
            shift += rng.normal(0, 60, n) * moving + displaced.shift * (line.family in MOVED)
            high = line.family == "high"
            lean, wider = (outflow, outflow**0.2) if high else (np.zeros_like(outflow), 1.0)
            member, spread = strength[line.family] * hidden, width * wider
            if line.name in PEAKED:
                in_peaks[line.name] = member * line.equivalent_width * displaced.in_disk(line.name)
                member = member * (1 - displaced.in_disk(line.name))
            _add_broad(rng, total, grid, line, member, spread, shift, lean, z)
    add_peaks(rng, total, grid, in_peaks, z)

    narrow = log_normal(rng, n, 12, 0.9) * 10 ** (0.06 * luminosity)  # of [O III], Angstrom
    narrow = np.where(type_two, log_uniform(rng, n, 40, 700), narrow)
    narrow_width = log_normal(rng, n, 200, 0.35)
    narrow_z = (1 + z) * (1 + rng.normal(0, 40, n) / SPEED_OF_LIGHT) - 1
    for name, ratio in NARROW.items():
        member = narrow * log_normal(rng, n, ratio, 0.4)
        add_named_line(rng, total, grid, name, member, narrow_width, narrow_z)
    return total


def iron_and_balmer(rng: np.random.Generator, wavelength: Array, iron: Array) -> Array:
    """Draw the Fe II pseudo- and the Balmer continuum relative to the power law, (n, bins).

    Bumps where the ultraviolet multiplets stand (Vestergaard & Wilkes 2001; cited from memory) and
    the 3000 Angstrom bump (Grandi 1982, ApJ 255, 25; checked in a second source); heights were set
    by eye.
    """
    bumps = ((1610, 35, 0.04), (1790, 60, 0.07), (1860, 35, 0.03), (2080, 60, 0.06),
             (2250, 70, 0.09), (2400, 60, 0.18), (2500, 60, 0.21),
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


def _add_broad(
    rng: np.random.Generator,
    lines: Array,
    grid: LogGrid,
    line: Broad,
    strength: Array,
    width: Array,
    shift: Array,
    lean: Array,
    z: NDArray[np.float64],
) -> None:
    """Paint one broad line of every quasar: a broad base and a narrower core.

    `shift` is in km/s; `lean` skews the line to the blue; both (n,).
    """
    n = len(z)
    rest = REST[line.name]
    total = strength * log_normal(rng, n, line.equivalent_width, 0.15)
    sigma = width * log_normal(rng, n, line.sigma / rest * SPEED_OF_LIGHT, 0.1)
    core = np.clip(rng.normal(0.5, 0.2, n), 0.05, 0.95)
    skew = log_normal(rng, n, 1, 0.12) * (1 + 0.12 * lean)
    at_base, at_core = ((1 + z) * (1 + shift * s / SPEED_OF_LIGHT) - 1 for s in (1.4, 0.6))
    base = np.minimum(1.8 * sigma, 9000)
    add_line(lines, grid, rest, total * (1 - core), base * skew, base / skew, z=at_base)
    narrower = 0.45 * sigma
    add_line(lines, grid, rest, total * core, narrower * skew, narrower / skew, z=at_core)
