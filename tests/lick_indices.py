"""Absorption-line indices of spectra: Lick and D4000.

The bands of Trager et al. (1998) and Worthey & Ottaviani (1997) are cited from memory.
"""

import numpy as np

AIR = 1.000277  # vacuum over air

BANDS = {
    "HdeltaA": ((4041.6, 4081.5), (4083.5, 4122.25), (4128.5, 4161.0)),
    "G4300": ((4266.375, 4282.625), (4281.375, 4316.375), (4317.625, 4335.125)),
    "Fe4383": ((4359.125, 4370.375), (4369.125, 4420.375), (4442.875, 4455.375)),
    "Mgb": ((5117.7, 5142.7), (5160.125, 5192.625), (5191.375, 5206.375)),
    "Fe5270": ((5233.15, 5248.15), (5245.65, 5285.65), (5285.65, 5318.15)),
    "Fe5335": ((5304.625, 5317.25), (5312.125, 5352.125), (5353.375, 5363.375)),
    "NaD": ((5860.625, 5875.675), (5876.875, 5909.375), (5922.125, 5948.125)),
}
"""Blue continuum, line, red continuum; Angstrom in air."""


def _overlap(edges: np.ndarray, band: tuple[float, float]) -> np.ndarray:
    """Return the length of each bin within a band, Angstrom, (bins,)."""
    low, high = (AIR * end for end in band)
    return np.maximum(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0)


def equivalent_width(edges: np.ndarray, flux: np.ndarray, name: str) -> np.ndarray:
    """Return an index of spectra (n, bins) in vacuum at rest, Angstrom, (n,)."""
    blue, line, red = BANDS[name]
    levels = [flux @ (weight := _overlap(edges, band)) / weight.sum() for band in (blue, red)]
    middles = [AIR * np.mean(band) for band in (blue, red)]
    share = ((edges[1:] + edges[:-1]) / 2 - middles[0]) / (middles[1] - middles[0])
    continuum = levels[0][:, None] * (1 - share) + levels[1][:, None] * share
    return (1 - flux / continuum) @ _overlap(edges, line)


def break_4000(edges: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Return D4000 of Balogh et al. (1999), (n,)."""
    f_nu = flux * (edges[1:] + edges[:-1]) ** 2
    means = [
        f_nu @ (weight := _overlap(edges, band)) / weight.sum()
        for band in ((3850 / AIR, 3950 / AIR), (4000 / AIR, 4100 / AIR))
    ]
    return means[1] / means[0]
