"""Instruments as data: the noise, the arms and the resolution of SDSS, BOSS and DESI spectra.

A new instrument is one table here. `python -m data_prep.noise FILES` measures its noise and
coverage from any spectra.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.lines import SKY

KNOT_WIDTH = 1e-3
"""Width in log10(wavelength) of the bins that sigma and photons refer to: 690 km/s."""

Knots = Mapping[int | float, int | float]
"""Wavelength, Angstrom -> a value there; between them values are interpolated."""


@dataclass(frozen=True)
class Instrument:
    """A spectrograph with its pipeline, as far as they affect spectra.

    Attributes:
        sigma: of a bin of `KNOT_WIDTH` without source light, 1e-17 erg/s/cm^2/Angstrom.
        photons: variance of such a bin per unit of flux.
        inflation: true sigma over the sigma that ivar gives.
        scatter: standard deviation (natural log) of sigma from spectrum to spectrum, below the
            median sigma and above it.
        coverage: first and last wavelength, Angstrom.
        jitter: largest shift of the two ends from spectrum to spectrum, km/s in either direction.
        arms: wavelengths of each arm from blue to red, Angstrom; where two overlap they are
            averaged.
        resolution: wavelength over the full width at half maximum of the line spread.
        ends: noise relative to the table at the blue and at the red end, natural log: mean and
            standard deviation of each.
        sky_lines: factor on the variance at the wavelength of a sky line, by name.
        too_blue: fraction of spectra that atmospheric dispersion makes too blue.
        brightness: flux of its targets relative to that of BOSS targets.
        share: relative number of its spectra in a survey of several instruments.
    """

    sigma: Knots
    photons: Knots
    inflation: Knots
    scatter: tuple[float, float]
    coverage: tuple[float, float]
    jitter: float
    arms: tuple[tuple[float, float], ...]
    resolution: Knots
    ends: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
    sky_lines: Mapping[str, float] = field(default_factory=dict)
    too_blue: float = 0.0
    brightness: float = 1.0
    share: float = 1.0

    @property
    def seams(self) -> tuple[float, ...]:
        """Wavelengths of the transition from one arm to the next, Angstrom."""
        return tuple(
            (left[1] + right[0]) / 2
            for left, right in zip(self.arms[:-1], self.arms[1:], strict=True)
        )


_SKY_LINES = dict.fromkeys(SKY, 1.7) | {"sky OI 5579": 2.6, "sky OH 9378": 4, "sky OH 9442": 3}

BOSS = Instrument(
    sigma={3605: 1.3, 3650: 0.87, 3700: 0.58, 3800: 0.34, 4000: 0.18, 4250: 0.13, 4500: 0.105,
           5000: 0.085, 5500: 0.073, 5700: 0.085, 5900: 0.093, 6050: 0.093, 6300: 0.088,
           6500: 0.063, 7000: 0.050, 7500: 0.047, 8000: 0.055, 8250: 0.050, 8500: 0.057,
           8750: 0.055, 9000: 0.068, 9200: 0.044, 9500: 0.060, 9700: 0.070, 9900: 0.120,
           9980: 0.17},
    photons={3605: 0.03, 3800: 0.016, 4000: 0.0089, 4500: 0.0042, 5500: 0.0028, 6500: 0.0021,
             7500: 0.0016, 8500: 0.0023, 9200: 0.0017, 9980: 0.006},
    inflation={3600: 1.35, 3800: 1.25, 4200: 1.12, 5500: 1.08, 6500: 1.03, 7500: 1.0},
    scatter=(0.22, 0.22),
    coverage=(3600.0, 10_400.0),
    jitter=0.0,
    arms=((3600.0, 6350.0), (5750.0, 10_400.0)),
    resolution={3700: 1400, 4000: 1561, 4500: 1784, 5000: 1922, 5500: 2011, 6000: 1948,
                7000: 2049, 8000: 2215, 9000: 2355, 10000: 2238},
    ends=((-0.15, 0.2), (0.2, 0.3)),
    sky_lines=_SKY_LINES,
    too_blue=0.5,
    share=3.0,
)  # fmt: skip
"""BOSS and eBOSS.

The knots are from the median sigma and from fits of variance against flux, for 140 spectra of plate
7102 (v5_7_0); sky lines and the red end were then adjusted to plates 3650, 3655, 9367 and 10656,
too. Half of the fibers, those of quasar targets, are centered for light of 4000 Angstrom (Margala
et al. 2016, ApJ 831, 157). The noise at the blue and the red end differs from plate to plate, by
factors of 0.6 to 1.1 and of 1 to 1.8 in five plates.
"""

SDSS = Instrument(
    sigma={3800: 0.98, 3900: 0.55, 4000: 0.44, 4250: 0.326, 4500: 0.267, 5000: 0.203, 5500: 0.18,
           5700: 0.20, 5900: 0.21, 6050: 0.168, 6300: 0.127, 6500: 0.096, 7000: 0.092, 7500: 0.094,
           7650: 0.12, 8000: 0.14, 8250: 0.132, 8500: 0.15, 8750: 0.18, 9000: 0.24, 9200: 0.28},
    photons={3800: 0.016, 4000: 0.0051, 4500: 0.0044, 5500: 0.0040, 6050: 0.0025, 7000: 0.0028,
             8000: 0.0034, 9200: 0.0054},
    inflation={3800: 1.15, 4500: 1.05, 6000: 1.0},
    scatter=(0.37, 0.19),
    coverage=(3815.0, 9200.0),
    jitter=2070.0,
    arms=((3800.0, 6150.0), (5800.0, 9220.0)),
    resolution={3800: 1850, 6000: 2000, 6100: 1850, 9200: 2200},
    sky_lines=_SKY_LINES,
    brightness=2.4,
)  # fmt: skip
"""SDSS-I/II, measured on 154 spectra of many plates with `python -m data_prep.noise`.

The noise is that of the sky between lines only. The inflation is a guess, because residuals of
bright objects hide what ivar leaves out. The resolution is the 1800 to 2200 that the survey states.
"""

DESI = Instrument(
    sigma={3605: 0.52, 3650: 0.424, 3700: 0.286, 3800: 0.195, 4000: 0.115, 4250: 0.083, 4500: 0.073,
           5000: 0.051, 5500: 0.047, 5577: 0.055, 5700: 0.048, 5780: 0.049, 5900: 0.038,
           6000: 0.034, 6300: 0.033, 6500: 0.025, 7000: 0.0205, 7500: 0.0222, 7650: 0.0225,
           8000: 0.0185, 8250: 0.0148, 8400: 0.0168, 8850: 0.0168, 9000: 0.0168, 9250: 0.0129,
           9400: 0.0208, 9600: 0.0178, 9800: 0.0258},
    photons={3605: 0.0063, 3700: 0.0029, 3800: 0.0018, 4000: 0.00087, 4500: 0.00047, 5000: 0.00029,
             5780: 0.00023, 6000: 0.00013, 7000: 0.00009, 8000: 0.00006, 9800: 0.00005},
    inflation={3600: 1.0, 3800: 1.1, 4500: 1.1, 6000: 1.05, 9800: 1.05},
    scatter=(0.06, 0.43),
    coverage=(3600.0, 9824.0),
    jitter=0.0,
    arms=((3600.0, 5800.0), (5760.0, 7620.0), (7520.0, 9824.0)),
    resolution={3600: 2000, 5780: 3000, 5800: 3200, 7570: 4600, 7600: 4000, 9824: 5100},
    sky_lines=dict.fromkeys(SKY, 1.2)
    | {"sky OI 5579": 1.5, "sky OH 9378": 1.8, "sky OH 9442": 1.6},
    brightness=0.5,
    share=2.0,
)  # fmt: skip
"""DESI, measured on 39 coadds of everest, fuji and main-dark fibers; photons with `python -m
data_prep.noise` on 32 of them. A tenth of them have 1.7 times the median noise, and a twentieth
2.05 times, because of shorter exposures. The resolution is that of papers on the instrument (cited
from memory).
"""

INSTRUMENTS: Mapping[str, Instrument] = {"boss": BOSS, "sdss": SDSS, "desi": DESI}
"""Every instrument, by the name that `--instrument` takes."""


def fractions(names: tuple[str, ...]) -> dict[str, float]:
    """Return the fraction of each of these instruments in a survey of them.

    Raises:
        InputError: if a name is not that of an instrument, is given twice, or none is given.
    """
    unknown = [name for name in names if name not in INSTRUMENTS]
    if unknown or not names:
        raise InputError(
            f"there is no instrument {' '.join(unknown)!r}; choose among {', '.join(INSTRUMENTS)}"
        )
    if len(set(names)) < len(names):
        raise InputError(f"--instrument {' '.join(names)} names one twice; give each once")
    total = sum(INSTRUMENTS[name].share for name in names)
    return {name: INSTRUMENTS[name].share / total for name in names}
