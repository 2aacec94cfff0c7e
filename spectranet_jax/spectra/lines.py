"""Rest wavelengths of spectral lines, in vacuum and in Angstrom, by name.

Sources: quasar lines, laboratory wavelengths of Vanden Berk et al. (2001, AJ 122, 549), Table 2;
hydrogen, the Rydberg formula; nebular and stellar lines, the SDSS list of galaxy lines, the NIST
Atomic Spectra Database, and the index bands of Worthey et al. (1994, ApJS 94, 687); sky lines, the
air wavelengths of Osterbrock et al. (1996) brought to vacuum. Blends carry the wavelength of their
strength-weighted mean. Lines of Sr II, Ba II and [S III], Fe I 3736, and Fe II 2344, 2587 and 2750
are cited from memory.
"""

import math

REST: dict[str, float] = {
    # Hydrogen
    "Lyman limit": 911.75,
    "Lyb": 1025.72,
    "Lya": 1215.67,
    "H12": 3751.22,
    "H11": 3771.70,
    "H10": 3798.98,
    "H9": 3836.47,
    "H8": 3890.15,
    "Hepsilon": 3971.20,
    "Hdelta": 4102.89,
    "Hgamma": 4341.68,
    "Hbeta": 4862.68,
    "Halpha": 6564.61,
    # Ultraviolet lines of quasars
    "Lydelta": 940.93,
    "CIII 977": 985.46,
    "OVI": 1033.83,
    "FeIII UV1": 1117.26,
    "NV": 1240.14,
    "OI 1304": 1305.42,
    "CII 1335": 1335.30,
    "SiIV": 1396.76,
    "OIV]": 1402.06,
    "CIV": 1549.06,
    "HeII 1640": 1640.42,
    "OIII] 1664": 1663.48,
    "NIII] 1750": 1750.26,
    "AlIII": 1857.40,
    "SiIII]": 1892.03,
    "CIII]": 1908.73,
    "FeIII UV48": 2076.62,
    "FeII 2324": 2324.58,
    "FeII 2344": 2344.21,
    "FeII 2383": 2382.77,
    "[NeIV]": 2423.83,
    "FeII 2587": 2586.65,
    "FeII 2600": 2600.17,
    "FeII 2750": 2750.00,  # a multiplet
    "MgII": 2798.75,
    "FeII 2964": 2964.28,
    "HeII 3203": 3204.03,
    # Optical lines of ionized gas
    "[NeV]": 3426.84,
    "[OII]": 3728.48,
    "[NeIII]": 3869.85,
    "[NeIII] 3968": 3968.58,
    "[OIII] 4364": 4364.44,
    "FeII 4564": 4564.71,
    "HeII 4686": 4687.02,
    "[OIII] 4960": 4960.30,
    "[OIII]": 5008.24,
    "FeII 5306": 5305.97,
    "HeI 5877": 5877.29,
    "[OI]": 6302.05,
    "[NII] 6549": 6549.85,
    "[NII]": 6585.28,
    "[SII] 6718": 6718.29,
    "[SII] 6732": 6732.67,
    "[ArIII]": 7137.77,
    "[SIII] 9071": 9071.10,
    "[SIII] 9533": 9533.20,
    # Helium in stars
    "HeI 3820": 3820.69,
    "HeI 4027": 4027.33,
    "HeI 4145": 4144.93,
    "HeI 4389": 4389.16,
    "HeI 4473": 4472.76,
    "HeI 4714": 4714.46,
    "HeI 4923": 4923.31,
    "HeI 5017": 5017.08,
    "HeI 6680": 6679.99,
    "HeI 7067": 7067.20,
    "HeII 5413": 5413.02,
    # Metals in stars
    "FeI 3736": 3735.93,
    "FeI 3738": 3738.20,
    "MgI 3835": 3835.00,
    "CaII K": 3934.78,
    "CaII H": 3969.59,
    "FeI 4047": 4046.96,
    "FeI 4145": 4145.04,
    "SrII 4079": 4078.86,
    "SrII 4217": 4216.71,
    "CaI 4228": 4227.92,
    "FeI 4262": 4261.68,
    "G band": 4305.61,
    "FeI 4385": 4384.78,
    "CaI 4464": 4464.25,
    "FeI 4538": 4537.90,
    "BaII 4555": 4555.31,
    "FeI 4669": 4669.00,
    "BaII 4935": 4935.45,
    "FeI 5017": 5017.30,
    "MgH": 5120.00,  # the band below 5211
    "Mgb": 5176.70,
    "FeI 5272": 5271.50,
    "FeI 5330": 5329.53,
    "FeI 5372": 5372.98,
    "FeI 5403": 5402.50,
    "FeI 5711": 5711.00,
    "FeI 5789": 5789.20,
    "NaD": 5895.60,
    "CaI 6104": 6104.41,
    "CaI 6164": 6163.88,
    "BaII 6498": 6498.69,
    "KI 7668": 7667.02,
    "KI 7701": 7701.08,
    "NaI 8191": 8191.60,
    "CaII 8500": 8500.36,
    "CaII 8544": 8544.44,
    "CaII 8665": 8664.52,
    "FeI 8691": 8691.01,
    "MgI 8809": 8809.18,
    # Night sky
    "sky OI 5579": 5578.89,
    "sky Na 5893": 5894.60,
    "sky OI 6302": 6302.05,
    "sky OI 6366": 6365.54,
    "sky OH 7278": 7278.30,
    "sky OH 7343": 7342.90,
    "sky OH 7753": 7752.80,
    "sky OH 7796": 7796.30,
    "sky OH 7824": 7823.80,
    "sky OH 7966": 7966.80,
    "sky OH 8347": 8346.90,
    "sky OH 8402": 8401.50,
    "sky OH 8433": 8432.50,
    "sky OH 8830": 8829.50,
    "sky OH 8888": 8888.30,
    "sky OH 8922": 8922.10,
    "sky OH 9378": 9378.50,
    "sky OH 9442": 9442.30,
    "sky OH 9794": 9794.00,
    "sky OH 9875": 9875.10,
}
"""Line name -> rest wavelength, vacuum Angstrom."""

BALMER = ("Halpha", "Hbeta", "Hgamma", "Hdelta", "Hepsilon", "H8", "H9", "H10", "H11", "H12")
"""The Balmer series, from n = 3 up."""

SKY = tuple(name for name in REST if name.startswith("sky "))
"""Lines of the night sky, where residuals of sky subtraction occur."""

SPEED_OF_LIGHT = 299_792.458
"""Speed of light, km/s."""


def kms(dex: float) -> float:
    """Convert a length in log10(wavelength) or log10(1 + z) to a velocity, km/s, to first order."""
    return SPEED_OF_LIGHT * math.log(10) * dex


def evidence_column(line: str) -> str:
    """Return a line's catalog column of evidence: EV_ and the letters and digits of its name."""
    return "EV_" + "".join(c for c in line if c.isalnum())
