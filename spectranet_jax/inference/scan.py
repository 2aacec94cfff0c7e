"""chi2 of one spectrum as a function of the shift of basis vectors, and the prior likewise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectranet_jax.inference.basis import WIDE
from spectranet_jax.spectra.native import STEP

POLYNOMIALS = 3
"""Legendre polynomials fitted with the basis vectors, for errors of the calibration."""

RIDGE = 1e-10
"""Added to the diagonal of the normal equations, relative to it, so that basis vectors that look
alike in a spectrum's coverage do not make them singular.
"""

TINY = 1e-300

LEAST_P = 1e-12
"""Lower limit of p(z), relative to its maximum."""

Floats = NDArray[np.float64]


class Scan:
    """Least chi2 of one spectrum as a function of the shift of the basis vectors."""

    def __init__(self, flux: Floats, weight: Floats, vectors: Floats, start: int) -> None:
        """Take a spectrum and basis vectors.

        Args:
            flux: (pixels,).
            weight: (pixels,), inverse variance, 0 where nothing was measured.
            vectors: (vectors, more pixels).
            start: the vectors' pixel of the spectrum's first pixel, without a shift.
        """
        self.vectors, self.start = vectors, start
        self.root = np.sqrt(weight)
        self.data = flux * self.root
        polynomials = np.polynomial.legendre.legvander(
            np.linspace(-1, 1, len(flux)), POLYNOMIALS - 1
        )
        self.terms = np.empty((len(vectors) + POLYNOMIALS, len(flux)))
        self.terms[len(vectors) :] = polynomials.T * self.root
        self.degrees = max(int(np.count_nonzero(weight)) - len(self.terms), 1)

    def chi2(self, shifts: NDArray[np.int64]) -> Floats:
        """Chi2 at shifts in pixels, (shifts,): d.d - b.x, of the normal equations A x = b."""
        size = len(self.terms)
        normal, right = np.empty((len(shifts), size, size)), np.empty((len(shifts), size))
        for place, shift in enumerate(shifts):
            rest = slice(self.start - shift, self.start - shift + len(self.data))
            vectors = self.vectors[:, rest]
            np.multiply(vectors, self.root, out=self.terms[: len(vectors)])
            normal[place] = self.terms @ self.terms.T
            right[place] = self.terms @ self.data
        diagonal = np.arange(size)
        # A vector that is 0 wherever flux was measured gets the coefficient 0.
        normal[:, diagonal, diagonal] += RIDGE * normal[:, diagonal, diagonal] + TINY
        amounts = np.linalg.solve(normal, right[..., None])[..., 0]
        return self.data @ self.data - (right * amounts).sum(axis=1)

    def objective(self, shifts: NDArray[np.int64], prior: Floats) -> tuple[Floats, Floats]:
        """Chi2 / max(1, least per degree of freedom) + prior, and chi2 per degree of freedom.

        Args:
            shifts: (shifts,), pixels.
            prior: (shifts,), -2 ln p(z).
        """
        chi2 = self.chi2(shifts)
        reduced = chi2 / self.degrees
        return chi2 / max(1.0, float(reduced.min())) + prior, reduced


def widened(flux: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return weighted mean flux, and weight, of pixels `WIDE` times as wide."""
    weights = weight.reshape(-1, WIDE).sum(axis=1)
    sums = (flux * weight).reshape(-1, WIDE).sum(axis=1)
    return sums / np.where(weights > 0, weights, 1), weights


@dataclass(frozen=True)
class Prior:
    """-2 ln p(z) of one spectrum, smooth between the steps of p(z).

    Attributes:
        p: (steps,), probabilities.
        edges: (steps + 1,), in log10(1 + z), equally spaced.
    """

    p: NDArray[np.floating]
    edges: NDArray[np.floating]

    def __call__(self, shift: NDArray[np.int64]) -> Floats:
        """Return the prior at shifts in native pixels, (shifts,): a quadratic spline over ln p."""
        width = (self.edges[-1] - self.edges[0]) / len(self.p)
        place = (shift * STEP - self.edges[0]) / width - 0.5
        step = np.rint(place).astype(np.int64)
        u = place - step
        log_p = np.log(np.maximum(self.p, LEAST_P * self.p.max()), dtype=np.float64)
        before, here, after = (log_p[np.clip(step + k, 0, len(log_p) - 1)] for k in (-1, 0, 1))
        return -2 * (
            0.5 * (0.5 - u) ** 2 * before + (0.75 - u**2) * here + 0.5 * (0.5 + u) ** 2 * after
        )
