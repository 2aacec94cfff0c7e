"""Names of the spectral lines in the figure of a spectrum, their spelling, and their places."""

import re

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.lines import REST

_OXYGEN = ("[OIII] 4960", "[OIII]")
_QUASAR = (
    *("Lyb", "OVI", "Lya", "NV", "OI 1304", "SiIV", "CIV", "HeII 1640", "AlIII", "CIII]", "MgII"),
    *("[NeV]", "[OII]", "[NeIII]", "Hdelta", "Hgamma", "Hbeta", *_OXYGEN, "Halpha", "[SII] 6718"),
)
_NEBULA = (
    *("[NeV]", "[OII]", "[NeIII]", "Hgamma", "Hbeta", *_OXYGEN, "[OI]", "Halpha", "[NII]"),
    *("[SII] 6718", "[SII] 6732"),
)
_METALS = ("CaII K", "CaII H", "G band", "Mgb", "NaD", "CaII 8500", "CaII 8544", "CaII 8665")
_STAR = ("Hdelta", "Hgamma", "Hbeta", "Halpha", *_METALS)

EMISSION = {"GALAXY": _NEBULA, "QSO": _QUASAR, "QSO_BAL": _QUASAR}
ABSORPTION = {"STAR": _STAR, "GALAXY": ("Hdelta", *_METALS)}
"""Class -> names in `spectra.lines.REST` worth marking in its spectra."""

_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε"}
_SHORT = {"Lya": "Lyα", "Lyb": "Lyβ", "Mgb": "Mg b", "NaD": "Na D", "[OIII]": "[O III] 5008"}
_ION = re.compile(r"(?<![A-Za-z])([A-Z][a-z]?)(VI|IV|V|I{1,3})(?![A-Za-z0-9])")


def written(name: str) -> str:
    """Return a name of `spectra.lines.REST` as papers write it: CIV is C IV, Halpha is Hα."""
    if name in _SHORT:
        return _SHORT[name]
    for word, letter in _GREEK.items():
        name = re.sub(rf"^(H|Ly){word}$", rf"\g<1>{letter}", name)
    return _ION.sub(r"\1 \2", name)


def on_grid(names: tuple[str, ...], z: float, grid: LogGrid) -> dict[str, float]:
    """Return name -> observed wavelength in Angstrom of the lines on the grid, ascending.

    Args:
        names: of `spectra.lines.REST`.
        z: redshift; at NaN no line is.
        grid: the bins.
    """
    observed = {name: REST[name] * (1 + z) for name in names}
    inside = {n: at for n, at in observed.items() if grid.edges[0] <= at <= grid.edges[-1]}
    return dict(sorted(inside.items(), key=lambda item: item[1]))


def spread(at: NDArray[np.floating], gap: float) -> NDArray[np.float64]:
    """Spread places so that they are a gap apart, with the least squared displacement.

    With i gaps taken off the i-th the places need only ascend, so this is isotonic regression: what
    descends is pooled at its mean.

    Args:
        at: (n,), places wanted on an axis from 0 to 1, ascending.
        gap: least distance; less if n would not fit otherwise.

    Returns:
        (n,) float64, ascending, 0 to 1.
    """
    n = len(at)
    gap = min(gap, 1 / max(n - 1, 1))
    pools: list[tuple[float, int]] = []  # mean and number of pooled places
    for wanted in np.asarray(at, np.float64) - gap * np.arange(n):
        mean, count = float(wanted), 1
        while pools and pools[-1][0] > mean:
            place, size = pools.pop()
            mean, count = (mean * count + place * size) / (count + size), count + size
        pools.append((mean, count))
    means, counts = np.array(pools, np.float64).reshape(-1, 2).T
    means = np.repeat(means, counts.astype(np.int64))
    return np.clip(means, 0, 1 - gap * max(n - 1, 0)) + gap * np.arange(n)
